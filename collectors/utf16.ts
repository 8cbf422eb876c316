/**
 * UTF-16 as PowerShell writes it, with its mark or without, as UTF-8. Nothing is lost: half a surrogate pair keeps its code
 * (as three bytes that are no UTF-8, so that two alerts which differ in it stay two), and an odd byte at the end stays a byte.
 */
import { StringDecoder } from 'node:string_decoder'

/** By the mark, or by the NUL that every other byte of plain text then is; null: it is not UTF-16. */
export function utf16Order([a, b, c, d]: Uint8Array): 'little' | 'big' | null {
  if ((a === 0xff && b === 0xfe) || (isText(a) && b === 0 && isText(c) && d === 0)) return 'little'
  return (a === 0xfe && b === 0xff) || (a === 0 && isText(b) && c === 0 && isText(d)) ? 'big' : null
}

const isText = (byte: number | undefined): boolean => byte !== undefined && byte !== 0

export async function* fromUtf16(input: AsyncIterable<Uint8Array>, order: 'little' | 'big'): AsyncIterable<Uint8Array> {
  const decoder = new StringDecoder('utf16le')
  let odd = Buffer.alloc(0)
  for await (const part of input) {
    const bytes = Buffer.concat([odd, part])
    const even = bytes.length & ~1
    odd = bytes.subarray(even)
    yield utf8(decoder.write(order === 'little' ? bytes.subarray(0, even) : bytes.subarray(0, even).swap16()))
  }
  yield Buffer.concat([utf8(decoder.end()), odd])
}

function utf8(text: string): Buffer {
  if (text.isWellFormed()) return Buffer.from(text)
  return Buffer.concat(
    [...text].map((one) => {
      const code = one.charCodeAt(0)
      return one.isWellFormed() ? Buffer.from(one) : Buffer.from([0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f)])
    }),
  )
}
