/**
 * Whether every byte of an input is somewhere: in what was handed out for it, in order, or counted there as not kept, or a separator
 * (white space, a byte order mark, the brackets and commas of a list). Decodes on its own, byte by byte, so as not to share a fault.
 */
import { gunzipSync } from 'node:zlib'

/** What was handed out for a stretch of the input: a record's bytes, a dead letter's, or those of text passed over. */
export type HandedOut = { bytes: Uint8Array; reason?: string }

const [space, tab, cr, lf, open, close, comma] = [0x20, 0x09, 0x0d, 0x0a, 0x5b, 0x5d, 0x2c]

/** Null when all is accounted for; else what is wrong. */
export function unaccounted(input: Buffer, pieces: readonly HandedOut[]): string | null {
  let at = 0
  let inList = false
  let lineBegan = false
  const markHere = (): boolean =>
    input[at] === 0xef && input[at + 1] === 0xbb && input[at + 2] === 0xbf && (at === 0 || input[at - 1] === lf)
  /** Moves over one separator; false when there is none. */
  const separator = (): boolean => {
    const byte = input[at]
    if (markHere()) at += 2
    else if (byte === open && !inList) inList = lineBegan = true
    else if (byte === close && inList) inList = !(lineBegan = true)
    else if (byte === lf) lineBegan = false
    else if (byte !== space && byte !== tab && byte !== cr && !(byte === comma && (inList || lineBegan))) return false
    at += 1
    return true
  }
  for (const [index, { bytes, reason }] of pieces.entries()) {
    if (bytes.length === 0) continue
    // At the margin a mark is one, even when a piece that begins with a mark follows.
    while (markHere() || !input.subarray(at, at + bytes.length).equals(bytes))
      if (at >= input.length || !separator()) return `byte ${at} is in nothing; piece ${index} does not begin there`
    at += bytes.length + Number(/(\d+) bytes of it are not kept/.exec(reason ?? '')?.[1] ?? 0)
    lineBegan = input[at - 1] !== lf
  }
  while (at < input.length) if (!separator()) return `byte ${at} is in nothing, behind the last piece`
  return at === input.length ? null : `${at - input.length} bytes more than there were`
}

/** Gzip and UTF-16 undone. Throws when it is gzip and broken. */
export function plainBytes(body: Buffer): Buffer {
  const unpacked = body[0] === 0x1f && body[1] === 0x8b ? gunzipSync(body) : body
  const [first = 0, second = 0, third = 0, fourth = 0] = unpacked
  if (unpacked.length < 2) return unpacked
  const four = unpacked.length >= 4
  const little = (first === 0xff && second === 0xfe) || (four && first !== 0 && second === 0 && third !== 0 && fourth === 0)
  const big = (first === 0xfe && second === 0xff) || (four && first === 0 && second !== 0 && third === 0 && fourth !== 0)
  if (!little && !big) return unpacked
  const out: number[] = []
  const unit = (index: number): number =>
    little ? (unpacked[index] ?? 0) | ((unpacked[index + 1] ?? 0) << 8) : ((unpacked[index] ?? 0) << 8) | (unpacked[index + 1] ?? 0)
  const even = unpacked.length & ~1
  for (let index = 0; index < even; index += 2) {
    let code = unit(index)
    const low = index + 2 < even ? unit(index + 2) : 0
    if (code >= 0xd800 && code < 0xdc00 && low >= 0xdc00 && low < 0xe000) {
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00)
      index += 2
    }
    if (code < 0x80) out.push(code)
    else if (code < 0x800) out.push(0xc0 | (code >> 6), 0x80 | (code & 63))
    else if (code < 0x10000) out.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63))
    else out.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63))
  }
  return Buffer.from([...out, ...unpacked.subarray(even)])
}
