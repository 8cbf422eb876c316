/**
 * How far one file was read, and how that file is known again after it was renamed, copied or restarted upon: by its content
 * (a hash of its first bytes and of the last ones before that place), for an inode's number is used again by the next file.
 */
import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'

/** `head` and `tail` are hashes: what a log holds may be secret. `left`: it is not read any more, but known if seen again. */
export type Place = {
  device: string
  inode: string
  offset: number
  headBytes: number
  head: string
  tail: string
  modifiedMs: number
  left: boolean
}

/** As many bytes tell one file from another. */
const edge = 1_024
const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex').slice(0, 32)

/** The bytes at the two ends of what was read: kept while reading, because the file itself may be emptied meanwhile. */
export class Edges {
  #head: Buffer = Buffer.alloc(0)
  #tail: Buffer = Buffer.alloc(0)

  /** Throws when the file cannot be read. */
  static async before(handle: FileHandle, offset: number): Promise<Edges> {
    const edges = new Edges()
    edges.#head = await readAt(handle, 0, Math.min(edge, offset))
    edges.#tail = await readAt(handle, Math.max(0, offset - edge), Math.min(edge, offset))
    return edges
  }

  /** The edges once these bytes were read too. */
  after(bytes: Uint8Array): Edges {
    const next = new Edges()
    next.#head = this.#head.length >= edge ? this.#head : Buffer.concat([this.#head, bytes.subarray(0, edge - this.#head.length)])
    next.#tail = Buffer.concat([this.#tail, bytes.subarray(Math.max(0, bytes.length - edge))])
    next.#tail = Buffer.from(next.#tail.subarray(Math.max(0, next.#tail.length - edge)))
    return next
  }

  hashes(): Pick<Place, 'headBytes' | 'head' | 'tail'> {
    return { headBytes: this.#head.length, head: hash(this.#head), tail: hash(this.#tail) }
  }
}

/** `shorter`: it begins the same, and ends before the place was reached (a copy made meanwhile). */
export async function compare(
  handle: FileHandle,
  size: number,
  place: Pick<Place, 'offset' | 'headBytes' | 'head' | 'tail'>,
): Promise<'same' | 'shorter' | 'other'> {
  if (size < place.headBytes || hash(await readAt(handle, 0, place.headBytes)) !== place.head) return 'other'
  if (size < place.offset) return 'shorter'
  const from = Math.max(0, place.offset - edge)
  return hash(await readAt(handle, from, place.offset - from)) === place.tail ? 'same' : 'other'
}

/** Fewer bytes than asked for when the file ends before. */
export async function readAt(handle: FileHandle, from: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length)
  let held = 0
  while (held < length) {
    const { bytesRead } = await handle.read(buffer, held, length - held, from + held)
    if (bytesRead === 0) break
    held += bytesRead
  }
  return buffer.subarray(0, held)
}
