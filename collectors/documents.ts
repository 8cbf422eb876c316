/**
 * Finds JSON documents in a stream of bytes: one a line, several a line, pretty-printed over many, in an array, after
 * a prefix (grep, a table, a curl command), in a quoted cell of a table, between lines of other text. What it hands out, in
 * order, is the input but for white space, byte order marks and the brackets and commas of a list. Constant memory. It does not parse.
 */
export type FoundDocument = {
  /** `text` holds no document; `broken` begins as one. */ kind: 'document' | 'text' | 'broken'
  /** With what stands before the document on its line. */ bytes: Buffer
  /** Where in `bytes` the document begins. */ from: number
  /** It is a cell of a table: quotes around it, and each of its own doubled. */ quoted: boolean
  at: string
  reason: string
}
export type Limits = {
  /** Of one document. */ maxBytes: number
  /** Of what is no document, and of a longer line at once. */ pieceBytes: number
}

const newline = 0x0a,
  open = 0x7b,
  close = 0x7d,
  openList = 0x5b,
  closeList = 0x5d,
  quote = 0x22,
  backslash = 0x5c,
  comma = 0x2c
const isSpace = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x09 || byte === 0x0d || byte === newline
const usual: Limits = { maxBytes: 16 * 1024 * 1024, pieceBytes: 1024 * 1024 }

export async function* findDocuments(input: AsyncIterable<Uint8Array>, limits: Limits = usual): AsyncIterable<FoundDocument> {
  const finder = new Finder(limits)
  for await (const line of lines(input, limits.pieceBytes)) for (const found of finder.line(line)) yield found
  yield* finder.end()
}

/** A line, or a part of a long one. */
type Line = { bytes: Buffer; number: number; begins: boolean; ends: boolean }

async function* lines(input: AsyncIterable<Uint8Array>, pieceBytes: number): AsyncIterable<Line> {
  let parts: Buffer[] = []
  let held = 0
  let number = 1
  let begins = true
  const take = (ends: boolean): Line => {
    const line = { bytes: parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts), number, begins, ends }
    parts = []
    held = 0
    begins = ends
    if (ends) number += 1
    return line
  }
  for await (const chunk of input) {
    const buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    for (let from = 0; from < buffer.length;) {
      const at = buffer.indexOf(newline, from)
      const end = Math.min(at < 0 ? buffer.length : at + 1, from + pieceBytes - held)
      parts.push(buffer.subarray(from, end))
      held += end - from
      from = end
      if (end === at + 1) yield take(true)
      else if (held === pieceBytes) yield take(false)
    }
    // What is kept over a chunk's end must not keep the whole chunk alive.
    parts = parts.map((part) => Buffer.from(part))
  }
  if (held > 0) yield take(true)
}

type Begun = { parts: Buffer[]; size: number; at: number; from: number; scan: Scan }

/** The state between lines: inside a list, or inside a document that began on an earlier line. */
class Finder {
  readonly #limits: Limits
  /** The line on which the list began that is still open. */
  #list: number | null = null
  #begun: Begun | null = null

  constructor(limits: Limits) {
    this.#limits = limits
  }

  *line({ bytes, number, begins, ends }: Line): Iterable<FoundDocument> {
    const margin = begins && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
    // A new document at the margin while one is still open: the open one was cut off.
    if (this.#begun !== null && begins && this.#list === null && bytes[margin] === open) yield* this.#cut('the document does not end')
    let from = this.#begun === null ? margin : 0
    let cells = true
    for (let first = true; from < bytes.length; first = false) {
      if (this.#begun !== null) {
        const end = this.#begun.scan.feed(bytes, from)
        this.#keep(this.#begun, bytes.subarray(from, end < 0 ? bytes.length : end))
        // Behind a prefix a document is on one line: a brace in prose must not swallow the lines after it.
        if (end < 0 && ends && this.#begun.from > 0) yield* this.#cut('')
        if (end < 0) return
        yield this.#finish()
        from = end
        continue
      }
      from = this.#separators(bytes, from, first && begins)
      if (from === bytes.length) return
      if (bytes[from] === openList && this.#list === null && opensList(bytes, from)) {
        this.#list = number
        from += 1
        continue
      }
      const at = bytes.indexOf(open, from)
      const start = at < 0 ? bytes.length : at
      if (start > from && (at < 0 || this.#list !== null)) {
        yield { kind: 'text', bytes: bytes.subarray(from, start), from: 0, quoted: false, at: `line ${number}`, reason: '' }
        from = start
        continue
      }
      const mayBeCell: boolean = cells && at > from && bytes[at - 1] === quote && bytes[at + 1] === quote && bytes[at + 2] === quote
      const cellEnd: number = mayBeCell ? endOfCell(bytes, at) : -1
      // When all quotes from here on are in pairs, so are those from further on: looked for once a line.
      if (mayBeCell) cells = cellEnd >= 0
      if (cellEnd >= 0) {
        yield { kind: 'document', bytes: bytes.subarray(from, cellEnd), from: at - from, quoted: true, at: `line ${number}`, reason: '' }
        from = cellEnd
        continue
      }
      this.#begun = {
        parts: start > from ? [bytes.subarray(from, at)] : [],
        size: at - from,
        at: number,
        from: at - from,
        scan: new Scan(),
      }
      from = at
    }
  }

  /** What is still open when the input ends was cut off. */
  *end(): Iterable<FoundDocument> {
    yield* this.#cut('the document does not end')
    if (this.#list !== null)
      yield {
        kind: 'broken',
        bytes: Buffer.alloc(0),
        from: 0,
        quoted: false,
        at: `line ${this.#list}`,
        reason: 'the list that begins here does not end: more may have been in it',
      }
  }

  /** Index of the first byte that is no separator. */
  #separators(bytes: Buffer, from: number, margin: boolean): number {
    let at = from
    for (; at < bytes.length; at += 1) {
      const byte = bytes[at]
      if (isSpace(byte) || (byte === comma && (this.#list !== null || !margin))) continue
      if (byte !== closeList || this.#list === null) break
      this.#list = null
    }
    return at
  }

  #keep(begun: Begun, part: Buffer): void {
    const { maxBytes, pieceBytes } = this.#limits
    const fits = begun.size <= maxBytes
    begun.size += part.length
    if (begun.size <= maxBytes) begun.parts.push(part)
    else if (fits) begun.parts = [Buffer.from(Buffer.concat([...begun.parts, part]).subarray(0, pieceBytes))]
  }

  *#cut(reason: string): Iterable<FoundDocument> {
    const begun = this.#begun
    if (begun === null) return
    this.#begun = null
    // An opening brace inside a line of prose is prose.
    yield this.#piece(begun, begun.from > 0 ? 'text' : 'broken', reason)
  }

  #finish(): FoundDocument {
    const begun = this.#begun as Begun
    this.#begun = null
    const { maxBytes } = this.#limits
    return begun.size > maxBytes
      ? this.#piece(begun, 'broken', `the document is larger than ${maxBytes} bytes`)
      : this.#piece(begun, 'document', '')
  }

  #piece({ parts, size, at, from }: Begun, kind: FoundDocument['kind'], reason: string): FoundDocument {
    const whole = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts)
    const bytes = kind === 'document' ? whole : whole.subarray(0, this.#limits.pieceBytes)
    const lost = size - bytes.length
    // What is larger than a document may be is never text to be passed over.
    return {
      kind: lost > 0 ? 'broken' : kind,
      bytes,
      from,
      quoted: false,
      at: `line ${at}`,
      reason: lost > 0 ? `${reason || 'the document does not end on its line'}; ${lost} bytes of it are not kept` : reason,
    }
  }
}

/** A list of documents, not one of other things. */
function opensList(bytes: Buffer, at: number): boolean {
  let next = at + 1
  while (isSpace(bytes[next])) next += 1
  return next >= bytes.length || bytes[next] === open || bytes[next] === closeList
}

/** Index after the quote that closes the cell whose document begins at `at`, or −1. */
function endOfCell(bytes: Buffer, at: number): number {
  for (let end = bytes.indexOf(quote, at); end >= 0; end = bytes.indexOf(quote, end + 2)) if (bytes[end + 1] !== quote) return end + 1
  return -1
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
