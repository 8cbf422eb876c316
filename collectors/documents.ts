/**
 * Finds JSON documents in a stream of bytes: one a line, several a line, pretty-printed over many, in an array, after
 * a prefix (grep, a table, a curl command), between lines of other text. Constant memory: a document may be at most
 * `maxBytes`. Works on bytes, so what was received is what is kept. It does not parse.
 */
export type FoundDocument =
  | { kind: 'document'; bytes: Uint8Array; at: string; prefixed: boolean }
  | { kind: 'text'; bytes: Uint8Array; at: string }
  | { kind: 'broken'; bytes: Uint8Array; at: string; reason: string }

const newline = 0x0a,
  open = 0x7b,
  close = 0x7d,
  openList = 0x5b,
  closeList = 0x5d,
  quote = 0x22,
  backslash = 0x5c,
  comma = 0x2c
const isSpace = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x09 || byte === 0x0d || byte === newline
const keptOfOversized = 65_536

export async function* findDocuments(input: AsyncIterable<Uint8Array>, maxBytes = 16 * 1024 * 1024): AsyncIterable<FoundDocument> {
  const finder = new Finder(maxBytes)
  for await (const line of lines(input, maxBytes)) yield* finder.line(line)
  yield* finder.end()
}

type Line = { bytes: Buffer; number: number; oversized: boolean }

/** Lines with their numbers; one longer than `maxBytes` is cut, and the rest of it dropped, marked. */
async function* lines(input: AsyncIterable<Uint8Array>, maxBytes: number): AsyncIterable<Line> {
  let parts: Buffer[] = []
  let held = 0
  let number = 1
  let oversized = false
  const take = (): Line => {
    const line = { bytes: parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts), number, oversized }
    parts = []
    held = 0
    number += 1
    oversized = false
    return line
  }
  for await (const chunk of input) {
    const buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    for (let from = 0; from < buffer.length;) {
      const at = buffer.indexOf(newline, from)
      const part = buffer.subarray(from, at < 0 ? buffer.length : at + 1)
      from += part.length
      if (held + part.length <= maxBytes) {
        parts.push(part)
        held += part.length
      } else oversized = true
      if (at >= 0) yield take()
    }
    // What is kept over a chunk's end must not keep the whole chunk alive.
    parts = parts.map((part) => Buffer.from(part))
  }
  if (held > 0 || oversized) yield take()
}

type Begun = { parts: Buffer[]; size: number; at: number; prefixed: boolean; scan: Scan }

/** The state between lines: inside a list, or inside a document that began on an earlier line. */
class Finder {
  readonly #maxBytes: number
  #inList = false
  #begun: Begun | null = null

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  *line(line: Line): Iterable<FoundDocument> {
    const bytes = line.number === 1 ? withoutMark(line.bytes) : line.bytes
    if (line.oversized) {
      yield* this.end()
      yield {
        kind: 'broken',
        bytes: bytes.subarray(0, keptOfOversized),
        at: `line ${line.number}`,
        reason: `the line is longer than ${this.#maxBytes} bytes; its first ${keptOfOversized} are kept`,
      }
      return
    }
    // A new document at the margin while one is still open: the open one was cut off.
    if (this.#begun !== null && !this.#inList && bytes[0] === open) yield* this.end()
    let from = 0
    while (from < bytes.length) {
      if (this.#begun !== null) {
        const end = this.#begun.scan.feed(bytes, from)
        this.#begun.parts.push(bytes.subarray(from, end < 0 ? bytes.length : end))
        this.#begun.size += (end < 0 ? bytes.length : end) - from
        if (end < 0) {
          // Behind a prefix a document is on one line: a brace in prose must not swallow the lines after it.
          if (this.#begun.prefixed) yield* this.#cut('the document does not end on its line')
          else if (this.#begun.size > this.#maxBytes) yield* this.#cut(`the document is larger than ${this.#maxBytes} bytes`)
          return
        }
        yield this.#finish()
        from = end
        continue
      }
      const start = this.#start(bytes, from)
      if (start === null) {
        if (bytes.subarray(from).some((byte) => !isSpace(byte) && byte !== comma && byte !== closeList))
          yield { kind: 'text', bytes: bytes.subarray(from), at: `line ${line.number}` }
        else if (bytes.includes(closeList, from)) this.#inList = false
        return
      }
      if (start.list) {
        this.#inList = true
        from = start.at + 1
        continue
      }
      this.#begun = { parts: [], size: 0, at: line.number, prefixed: start.prefixed, scan: new Scan() }
      from = start.at
    }
  }

  /** What is still open when the input ends was cut off. */
  *end(): Iterable<FoundDocument> {
    if (this.#begun !== null) yield* this.#cut('the document does not end')
  }

  *#cut(reason: string): Iterable<FoundDocument> {
    const begun = this.#begun
    if (begun === null) return
    this.#begun = null
    const bytes = Buffer.concat(begun.parts)
    // An opening brace inside a line of prose is prose.
    if (begun.prefixed) yield { kind: 'text', bytes, at: `line ${begun.at}` }
    else yield { kind: 'broken', bytes: bytes.subarray(0, keptOfOversized), at: `line ${begun.at}`, reason }
  }

  #finish(): FoundDocument {
    const begun = this.#begun as Begun
    this.#begun = null
    return {
      kind: 'document',
      bytes: begun.parts.length === 1 ? (begun.parts[0] as Buffer) : Buffer.concat(begun.parts),
      at: `line ${begun.at}`,
      prefixed: begun.prefixed,
    }
  }

  /** Where a document or a list of documents starts on this line, or null. */
  #start(bytes: Buffer, from: number): { at: number; list: boolean; prefixed: boolean } | null {
    let at = from
    while (at < bytes.length && (isSpace(bytes[at]) || (from > 0 || this.#inList ? bytes[at] === comma : false))) at += 1
    if (bytes[at] === open) return { at, list: false, prefixed: false }
    if (bytes[at] === openList && !this.#inList) {
      let next = at + 1
      while (isSpace(bytes[next])) next += 1
      if (next >= bytes.length || bytes[next] === open || bytes[next] === closeList) return { at, list: true, prefixed: false }
    }
    const inside = bytes.indexOf(open, at)
    return inside < 0 ? null : { at: inside, list: false, prefixed: true }
  }
}

/** Follows braces and strings until the document's end. */
class Scan {
  #depth = 0
  #inString = false
  #escaped = false

  /** Index after the document's last byte, or −1 when it goes on. */
  feed(bytes: Buffer, from: number): number {
    for (let index = from; index < bytes.length; index += 1) {
      const byte = bytes[index]
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false
        else if (byte === backslash) this.#escaped = true
        else if (byte === quote) this.#inString = false
      } else if (byte === quote) this.#inString = true
      else if (byte === open || byte === openList) this.#depth += 1
      else if ((byte === close || byte === closeList) && (this.#depth -= 1) <= 0) return index + 1
    }
    return -1
  }
}

const withoutMark = (bytes: Buffer): Buffer => (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes)
