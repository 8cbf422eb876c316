/**
 * A body that streams in: counted as it comes, for one sent in chunks announces no length; known to be cut when its sender goes away,
 * and given up when its sender is too slow, for what waits for it costs memory.
 */
import type { Room } from './intake-queue.ts'
import { CutOffError, SlowSenderError, TooLargeError } from './problems.ts'

export type Receiving = {
  limit?: number
  /** Holds what came. */ room?: Room
  /** How long the sender may keep us waiting in all, beside a second for each 16 KiB; default: as long as it likes. */ patienceMs?: number
}
type Body = ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>
const leastBytesPerMs = 16
/** What is packed is held unpacked, a batch at a time: beside the bytes that came, from the first to the last. */
const unpackedBytes = 4 * 1024 * 1024

/** Throws TooLargeError, OverloadedError, SlowSenderError, or CutOffError when the sender went away. What was whole before may be committed already. */
export async function* receive(
  body: Body,
  { limit = Number.POSITIVE_INFINITY, room, patienceMs }: Receiving = {},
): AsyncIterable<Uint8Array> {
  const parts = (body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]()
  let total = 0
  let mark = ''
  let waitedMs = 0
  for (;;) {
    const from = performance.now()
    const part = await next(parts, patienceMs === undefined ? null : patienceMs + total / leastBytesPerMs - waitedMs)
    if (part.done === true) return
    waitedMs += performance.now() - from
    if (mark.length < 4) {
      mark += Buffer.from(part.value.subarray(0, 2)).toString('hex')
      if (mark.startsWith('1f8b')) {
        room?.grow(unpackedBytes)
        room?.keep()
      }
    }
    total += part.value.length
    if (total > limit) throw tooLarge(limit)
    room?.grow(part.value.length)
    yield part.value
  }
}

async function next(parts: AsyncIterator<Uint8Array>, withinMs: number | null): Promise<IteratorResult<Uint8Array>> {
  const coming = parts.next().catch((error: unknown) => {
    throw new CutOffError(error)
  })
  if (withinMs === null) return coming
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new SlowSenderError()), Math.max(0, withinMs))
  })
  return Promise.race([coming, late]).finally(() => clearTimeout(timer))
}

export const tooLarge = (limit: number): TooLargeError =>
  new TooLargeError(
    `The body has more than ${limit} bytes, which is what this server takes. Send fewer alerts at once, or raise FALCONER_INGEST_MAX_BYTES.`,
  )
