/**
 * Takes JSON of any size apart while it is read: the elements of the lists that are named, each as soon as it ends, and of every
 * document what remains of it without them. Works on bytes and holds one element at a time, so that a report of 300 MB needs no memory
 * of its size. It does not parse.
 */
const [open, close, openList, closeList, quote, backslash, colon, comma] = [0x7b, 0x7d, 0x5b, 0x5d, 0x22, 0x5c, 0x3a, 0x2c]
const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x09 || byte === 0x0d || byte === 0x0a

/** Names and indices from the document's root: ['Results', 3, 'Vulnerabilities', 17]. */
export type Path = (string | number)[]
export type FoundElement =
  | { kind: 'element'; list: string; path: Path; bytes: Buffer }
  /** A document's end. `bytes` is the document, its named lists empty. */
  | { kind: 'rest'; bytes: Buffer; counts: Record<string, number> }
  /** `ends`: a whole document is broken; else an element of one. */
  | { kind: 'broken'; bytes: Buffer; reason: string; ends: boolean }

type Frame = { path: string; isList: boolean; taken: boolean; key: string; index: number }

/**
 * `lists`: patterns such as `$.Results.*.Vulnerabilities.*`; `$.*` are the elements of a list that is the document itself.
 * A document (without its elements) and an element may have `maxBytes` each.
 */
export async function* findElements(
  input: AsyncIterable<Uint8Array>,
  lists: readonly string[],
  maxBytes = 32 * 1024 * 1024,
): AsyncIterable<FoundElement> {
  const scan = new Scan(lists, maxBytes)
  for await (const chunk of input) yield* scan.feed(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))
  yield* scan.end()
}

class Scan {
  readonly #lists: ReadonlySet<string>
  readonly #maxBytes: number
  readonly #rest: Kept
  readonly #element: Kept
  #frames: Frame[] = []
  /** Depth inside the element that is being read; 0: in none. */
  #inside = 0
  #inString = false
  #escaped = false
  /** Where the string began whose text may be a key, in `#word`. */
  #word: Buffer[] = []
  #key = ''
  #counts: Record<string, number> = {}

  constructor(lists: readonly string[], maxBytes: number) {
    this.#lists = new Set(lists)
    this.#maxBytes = maxBytes
    this.#rest = new Kept(maxBytes)
    this.#element = new Kept(maxBytes)
  }

  *feed(chunk: Buffer): Iterable<FoundElement> {
    let from = 0
    for (let at = 0; at < chunk.length; at += 1) {
      if (this.#inString) {
        at = this.#string(chunk, at)
        continue
      }
      const byte = chunk[at] as number
      if (byte === quote) {
        this.#inString = true
        this.#word = []
      } else if (byte === colon) {
        if (this.#inside === 0) this.#key = Buffer.concat(this.#word).toString()
      } else if (byte === comma) {
        const frame = this.#frames.at(-1)
        if (this.#inside === 0 && frame?.isList === true) frame.index += 1
      } else if (byte === open || byte === openList) from = yield* this.#opens(chunk, from, at)
      else if (byte === close || byte === closeList) from = yield* this.#closes(chunk, from, at)
    }
    yield* this.#keep(chunk.subarray(from))
  }

  *end(): Iterable<FoundElement> {
    if (this.#frames.length === 0) return yield* this.#text()
    this.#frames = []
    yield { kind: 'broken', bytes: this.#rest.take(), reason: 'the document does not end: it was cut off', ends: true }
  }

  /** Index of the string's last byte in this chunk. */
  #string(chunk: Buffer, from: number): number {
    let at = from
    for (; at < chunk.length; at += 1) {
      const byte = chunk[at]
      if (this.#escaped) this.#escaped = false
      else if (byte === backslash) this.#escaped = true
      else if (byte === quote) {
        this.#inString = false
        break
      }
    }
    if (this.#inside === 0) this.#word.push(Buffer.from(chunk.subarray(from, Math.min(at, from + 256))))
    return at
  }

  *#opens(chunk: Buffer, from: number, at: number): Generator<FoundElement, number> {
    const parent = this.#frames.at(-1)
    if (this.#inside > 0) {
      this.#inside += 1
      return from
    }
    if (parent === undefined || parent.taken) {
      yield* this.#keep(chunk.subarray(from, at))
      if (parent === undefined) yield* this.#text()
      else {
        this.#inside = 1
        return at
      }
    }
    const isList = chunk[at] === openList
    const key = parent?.isList === false ? this.#key : ''
    const path = parent === undefined ? '$' : parent.isList ? `${parent.path}.*` : `${parent.path}.${key}`
    const taken = isList && this.#lists.has(`${path}.*`)
    this.#frames.push({ path, isList, taken, key, index: 0 })
    if (parent !== undefined && !taken) return from
    this.#rest.add(chunk.subarray(parent === undefined ? at : from, at + 1))
    return at + 1
  }

  *#closes(chunk: Buffer, from: number, at: number): Generator<FoundElement, number> {
    if (this.#inside > 0) {
      this.#inside -= 1
      if (this.#inside > 0) return from
      this.#element.add(chunk.subarray(from, at + 1))
      yield this.#elementEnded()
      return at + 1
    }
    const frame = this.#frames.pop()
    if (frame === undefined) return from
    let start = from
    if (frame.taken) {
      this.#frames.push(frame)
      yield* this.#keep(chunk.subarray(from, at))
      this.#frames.pop()
      start = at
    }
    if (this.#frames.length > 0 && !frame.taken) return start
    this.#rest.add(chunk.subarray(start, at + 1))
    if (this.#frames.length === 0) yield this.#documentEnded()
    return at + 1
  }

  #elementEnded(): FoundElement {
    const frame = this.#frames.at(-1) as Frame
    const list = `${frame.path}.*`
    this.#counts[list] = (this.#counts[list] ?? 0) + 1
    const [tooLarge, bytes] = [this.#element.tooLarge, this.#element.take()]
    if (tooLarge) return { kind: 'broken', bytes, reason: `an element of ${list} is larger than ${this.#maxBytes} bytes`, ends: false }
    return { kind: 'element', list, path: this.#path(), bytes }
  }

  #path(): Path {
    return this.#frames.flatMap((frame, depth) => [
      ...(depth > 0 && this.#frames[depth - 1]?.isList === false ? [frame.key] : []),
      ...(frame.isList ? [frame.index] : []),
    ])
  }

  #documentEnded(): FoundElement {
    const [tooLarge, bytes, counts] = [this.#rest.tooLarge, this.#rest.take(), this.#counts]
    this.#counts = {}
    if (tooLarge)
      return { kind: 'broken', bytes, reason: `the document, its lists left out, is larger than ${this.#maxBytes} bytes`, ends: true }
    return { kind: 'rest', bytes, counts }
  }

  /** Bytes that begin and end nothing: of an element, of a document, or between elements, where only commas belong. */
  *#keep(bytes: Buffer): Iterable<FoundElement> {
    if (this.#inside > 0) this.#element.add(bytes)
    else if (this.#frames.at(-1)?.taken !== true) this.#rest.add(bytes)
    else if (bytes.some((byte) => !isSpace(byte) && byte !== comma))
      yield { kind: 'broken', bytes: Buffer.from(bytes), reason: 'an element of the list is not an object', ends: false }
  }

  /** What stands between documents should be nothing, but for a byte order mark (of UTF-16 too, once it is decoded). */
  *#text(): Iterable<FoundElement> {
    const all = this.#rest.take()
    const bytes = all[0] === 0xef && all[1] === 0xbb && all[2] === 0xbf ? all.subarray(3) : all
    if (bytes.some((byte) => !isSpace(byte))) yield { kind: 'broken', bytes, reason: 'it is text, not JSON', ends: false }
  }
}

/** Bytes kept until something ends; past the limit they are only counted. */
class Kept {
  readonly #limit: number
  #parts: Buffer[] = []
  #size = 0

  constructor(limit: number) {
    this.#limit = limit
  }
  add(part: Buffer): void {
    // A copy: a part must not keep its whole chunk alive.
    if (part.length > 0 && this.#size <= this.#limit) this.#parts.push(Buffer.from(part))
    this.#size += part.length
  }
  get tooLarge(): boolean {
    return this.#size > this.#limit
  }
  take(): Buffer {
    const bytes = Buffer.concat(this.#parts)
    this.#parts = []
    this.#size = 0
    return bytes
  }
}
