/**
 * What makes two JSON documents the same: their text as it was written, but for the order of keys, white space and how a string is
 * escaped. Numbers keep their digits (1 is not 1.0, nor "1") and a key that is there twice stays twice: parsing would lose both.
 */
import { createHash } from 'node:crypto'
import { InputError } from './errors.ts'
import { maxNesting, tooDeep } from './exact-json.ts'

/** SHA-256 as hex digits over the document and what sets it apart (its scope). `text` is JSON that has been parsed without error. Throws InputError. */
export function documentKey(text: string, ...apart: string[]): string {
  const document = new Reader(text).value()
  return createHash('sha256')
    .update(`[${apart.map((one) => JSON.stringify(one)).join(',')}]${document}`)
    .digest('hex')
}

/** One pass over the text. It recurses, and bounds that itself: behind a key that is there twice the text is deeper than what was parsed. */
class Reader {
  readonly #text: string
  #at = 0
  #depth = 0

  constructor(text: string) {
    this.#text = text
  }

  value(): string {
    const first = this.#next()
    if (first !== '{' && first !== '[') return first === '"' ? this.#string() : this.#bare()
    this.#depth += 1
    if (this.#depth > maxNesting) throw new InputError(tooDeep)
    const inner = first === '{' ? this.#object() : this.#list()
    this.#depth -= 1
    return inner
  }

  #object(): string {
    const members: [key: string, value: string][] = []
    for (this.#at += 1; this.#next() !== '}';) {
      if (this.#next() === ',') this.#at += 1
      this.#next()
      const key = this.#string()
      this.#next()
      this.#at += 1 // the colon
      members.push([key, this.value()])
    }
    this.#at += 1
    // Stable: of a key that is there twice the order counts, for readers take the last.
    members.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    return `{${members.map(([key, value]) => `${key}:${value}`).join(',')}}`
  }

  #list(): string {
    const values: string[] = []
    for (this.#at += 1; this.#next() !== ']';) {
      if (this.#next() === ',') this.#at += 1
      values.push(this.value())
    }
    this.#at += 1
    return `[${values.join(',')}]`
  }

  #string(): string {
    const from = this.#at
    let escaped = false
    let end = from
    do {
      end = this.#text.indexOf('"', end + 1)
      let slashes = end
      while (this.#text[slashes - 1] === '\\') slashes -= 1
      if (slashes < end) escaped = true
      if ((end - slashes) % 2 === 0) break
    } while (end >= 0)
    this.#at = end + 1
    const token = this.#text.slice(from, this.#at)
    return escaped || token.includes('\\') ? JSON.stringify(JSON.parse(token)) : token
  }

  #bare(): string {
    const from = this.#at
    while (this.#at < this.#text.length && !isEnd(this.#text.charCodeAt(this.#at))) this.#at += 1
    return this.#text.slice(from, this.#at)
  }

  /** The character after white space, which is where it stays. */
  #next(): string {
    while (isSpace(this.#text.charCodeAt(this.#at))) this.#at += 1
    return this.#text[this.#at] ?? ''
  }
}

const isSpace = (code: number): boolean => code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d
const isEnd = (code: number): boolean => isSpace(code) || code === 0x2c || code === 0x5d || code === 0x7d
