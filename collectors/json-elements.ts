/**
 * Takes JSON of any size apart while it is read: the elements of the lists that are named, each as soon as it ends, and of every
 * document what remains of it without them. Works on bytes and holds one element at a time, so that a report of 300 MB needs no memory
 * of its size; what it finds does not depend on how the input is cut. It does not parse.
 */
const [open, close, openList, closeList, quote, backslash, colon, comma] = [0x7b, 0x7d, 0x5b, 0x5d, 0x22, 0x5c, 0x3a, 0x2c]
const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x09 || byte === 0x0d || byte === 0x0a

/** Names and indices from the document's root: ['Results', 3, 'Vulnerabilities', 17]. */
export type Path = (string | number)[]
export type FoundElement =
  /** `before`: what was read of its document by then, without other elements. */
  | { kind: 'element'; list: string; path: Path; bytes: Buffer; before(): Buffer }
  /** A document's end. `bytes` is the document, its named lists empty. */
  | { kind: 'rest'; bytes: Buffer; counts: Record<string, number> }
  /** `ends`: a whole document is broken; else an element of one, at `path`, or text between documents. */
  | { kind: 'broken'; bytes: Buffer; reason: string; ends: boolean; path?: Path }

type Frame = { place: string; isList: boolean; taken: string | null; key: string; index: number }

/** Every place below which a list is taken: `$`, `$.Results`, `$.Results.*`. A name may have dots. */
const placesOf = (lists: readonly string[]): ReadonlySet<string> =>
  new Set(lists.flatMap((list) => [...list.matchAll(/\./g)].map(({ index }) => list.slice(0, index))))

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

const longestKey = 256

class Scan {
  readonly #lists: ReadonlySet<string>
  readonly #places: ReadonlySet<string>
  readonly #maxBytes: number
  readonly #rest: Kept
  /** The element that is being read; between elements, what stands there. */
  readonly #element: Kept
  /** Only places below which something may be taken: however deep the input nests, these are few. */
  #frames: Frame[] = []
  /** Depth inside an element, or inside a value in which nothing is taken; 0: in none. */
  #inside = 0
  #isElement = false
  #inString = false
  #escaped = false
  /** The last string at a place where it may be a key. */
  #word: Buffer[] = []
  #key = ''
  #counts: Record<string, number> = {}

  constructor(lists: readonly string[], maxBytes: number) {
    this.#lists = new Set(lists)
    this.#places = placesOf(lists)
    this.#maxBytes = maxBytes
    this.#rest = new Kept(maxBytes)
    this.#element = new Kept(maxBytes)
  }

  *feed(chunk: Buffer): Iterable<FoundElement> {
    let from = 0
    for (let at = 0; at < chunk.length;) {
      if (this.#inside > 0) {
        at = this.#skip(chunk, at)
        if (this.#inside > 0 || !this.#isElement) continue
        this.#isElement = false
        this.#element.add(chunk.subarray(from, at))
        from = at
        yield this.#elementEnded()
        continue
      }
      if (this.#inString) {
        const end = this.#string(chunk, at)
        if (this.#frames.at(-1)?.isList === false) this.#word.push(Buffer.from(chunk.subarray(at, Math.min(end, at + longestKey))))
        at = end
        continue
      }
      const byte = chunk[at] as number
      if (byte === quote) {
        this.#inString = true
        this.#word = []
      } else if (byte === colon) this.#key = keyOf(this.#word)
      else if (byte === comma) {
        const frame = this.#frames.at(-1)
        if (frame?.isList === true) frame.index += 1
      } else if (byte === open || byte === openList) from = yield* this.#opens(chunk, from, at)
      else if (byte === close || byte === closeList) from = yield* this.#closes(chunk, from, at)
      at += 1
    }
    this.#keep(chunk.subarray(from))
  }

  *end(): Iterable<FoundElement> {
    if (this.#frames.length === 0) return yield* this.#text()
    if (this.#inside === 0) yield* this.#between()
    this.#frames = []
    yield { kind: 'broken', bytes: this.#rest.take(), reason: 'the document does not end: it was cut off', ends: true }
  }

  /** To the end of what is skipped, or of the chunk: index of the byte behind it. Most of any input passes through here. */
  #skip(chunk: Buffer, from: number): number {
    const { length } = chunk
    let depth = this.#inside
    let at = this.#inString ? this.#string(chunk, from) : from
    while (at < length && depth > 0) {
      const byte = chunk[at] as number
      at += 1
      if (byte === quote) at = this.#string(chunk, at)
      else if (byte === open || byte === openList) depth += 1
      else if (byte === close || byte === closeList) depth -= 1
    }
    this.#inside = depth
    return at
  }

  /** Index of the byte behind the string's closing quote, or the chunk's end. */
  #string(chunk: Buffer, from: number): number {
    const { length } = chunk
    let at = this.#escaped ? from + 1 : from
    for (; at < length; at += 1) {
      const byte = chunk[at]
      if (byte === quote) break
      if (byte === backslash) at += 1
    }
    this.#escaped = at > length
    this.#inString = at >= length
    return Math.min(length, at + 1)
  }

  *#opens(chunk: Buffer, from: number, at: number): Generator<FoundElement, number> {
    const parent = this.#frames.at(-1)
    const isList = chunk[at] === openList
    if (parent === undefined || parent.taken !== null) {
      this.#keep(chunk.subarray(from, at))
      yield* parent === undefined ? this.#text() : this.#between()
    }
    if (parent !== undefined && parent.taken !== null) {
      this.#inside = 1
      this.#isElement = true
      return at
    }
    const key = parent?.isList === false ? this.#key : ''
    const place = parent === undefined ? '$' : `${parent.place}.${parent.isList ? '*' : key}`
    const start = parent === undefined ? at : from
    if (parent !== undefined && !this.#places.has(place)) {
      this.#inside = 1
      return start
    }
    const taken = isList && this.#lists.has(`${place}.*`) ? `${place}.*` : null
    this.#frames.push({ place, isList, taken, key, index: 0 })
    if (taken === null) return start
    this.#rest.add(chunk.subarray(start, at + 1))
    return at + 1
  }

  *#closes(chunk: Buffer, from: number, at: number): Generator<FoundElement, number> {
    const frame = this.#frames.at(-1)
    if (frame === undefined) return from
    let start = from
    if (frame.taken !== null) {
      this.#keep(chunk.subarray(from, at))
      yield* this.#between()
      start = at
    }
    this.#frames.pop()
    if (this.#frames.length > 0) return start
    this.#rest.add(chunk.subarray(start, at + 1))
    yield this.#documentEnded()
    return at + 1
  }

  #elementEnded(): FoundElement {
    const list = this.#frames.at(-1)?.taken as string
    this.#counts[list] = (this.#counts[list] ?? 0) + 1
    const [tooLarge, bytes] = [this.#element.tooLarge, this.#element.take()]
    const path = this.#path()
    if (tooLarge)
      return { kind: 'broken', bytes, reason: `an element of ${list} is larger than ${this.#maxBytes} bytes`, ends: false, path }
    return { kind: 'element', list, path, bytes, before: () => this.#rest.peek() }
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

  /** Bytes that begin and end nothing: of an element, of a document, or between elements. */
  #keep(bytes: Buffer): void {
    if (this.#isElement || (this.#inside === 0 && (this.#frames.at(-1)?.taken ?? null) !== null)) this.#element.add(bytes)
    else this.#rest.add(bytes)
  }

  /** Between elements only commas belong. */
  *#between(): Iterable<FoundElement> {
    const path = this.#path()
    const bytes = this.#element.take()
    if (!isNothing(bytes)) yield { kind: 'broken', bytes, reason: 'an element of the list is not an object', ends: false, path }
  }

  /** What stands between documents should be nothing, but for a byte order mark (of UTF-16 too, once it is decoded). */
  *#text(): Iterable<FoundElement> {
    const all = this.#rest.take()
    const bytes = all[0] === 0xef && all[1] === 0xbb && all[2] === 0xbf ? all.subarray(3) : all
    if (bytes.some((byte) => !isSpace(byte))) yield { kind: 'broken', bytes, reason: 'it is text, not JSON', ends: false }
  }
}

function isNothing(bytes: Buffer): boolean {
  for (const byte of bytes) if (byte !== comma && !isSpace(byte)) return false
  return true
}

/** A key as it is meant: what is written with escapes is still that list. */
function keyOf(word: readonly Buffer[]): string {
  const text = Buffer.concat(word).toString('utf8', 0, longestKey).replace(/"$/, '')
  if (!text.includes('\\')) return text
  try {
    return String(JSON.parse(`"${text}"`))
  } catch {
    // Broken escapes name no list; the document’s parser says what is wrong.
    return text
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
  peek(): Buffer {
    return this.#parts.length === 1 ? (this.#parts[0] as Buffer) : Buffer.concat(this.#parts)
  }
  take(): Buffer {
    const bytes = this.peek()
    this.#parts = []
    this.#size = 0
    return bytes
  }
}
