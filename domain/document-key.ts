/**
 * What makes two JSON documents the same: their text as it was written, but for the order of keys, white space and how a string is
 * escaped. Numbers keep their digits (1 is not 1.0, nor "1") and a key that is there twice stays twice: parsing would lose both.
 */
import { hash } from 'node:crypto'
import { InputError } from './errors.ts'
import { maxNesting, tooDeep } from './exact-json.ts'

/** SHA-256 as hex digits over the document and what sets it apart (its scope). `text` is JSON that has been parsed without error. Throws InputError. */
export function documentKey(text: string, ...apart: string[]): string {
  const document = new Reader(text).value()
  return hash('sha256', `[${apart.map((one) => JSON.stringify(one)).join(',')}]${document}`)
}

/**
 * One pass over the text. What stands in it as it is to be, most of all or all of it, is cut out whole instead of put together.
 * It recurses, and bounds that itself: behind a key that is there twice the text is deeper than what was parsed.
 */
class Reader {
  readonly #text: string
  #at = 0
  #depth = 0
  /** How often what was read differs from what is to be. */
  #changes = 0

  constructor(text: string) {
    this.#text = text
  }

  value(): string {
    const first = this.#next()
    if (first !== openObject && first !== openList) return first === quote ? this.#string() : this.#bare()
    this.#depth += 1
    if (this.#depth > maxNesting) throw new InputError(tooDeep)
    const [from, changes] = [this.#at, this.#changes]
    const inner = first === openObject ? this.#object() : this.#list()
    this.#depth -= 1
    return this.#changes === changes ? this.#text.slice(from, this.#at) : inner()
  }

  #object(): () => string {
    const members: [key: string, value: string][] = []
    let [last, isSorted] = ['', true]
    for (this.#at += 1; this.#next() !== closeObject;) {
      if (this.#next() === comma) this.#at += 1
      this.#next()
      const key = this.#string()
      if (key < last) isSorted = false
      last = key
      this.#next()
      this.#at += 1 // the colon
      members.push([key, this.value()])
    }
    this.#at += 1
    if (!isSorted) this.#changes += 1
    return () => {
      // Stable: of a key that is there twice the order counts, for readers take the last.
      if (!isSorted) members.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
      return `{${members.map(([key, value]) => `${key}:${value}`).join(',')}}`
    }
  }

  #list(): () => string {
    const values: string[] = []
    for (this.#at += 1; this.#next() !== closeList;) {
      if (this.#next() === comma) this.#at += 1
      values.push(this.value())
    }
    this.#at += 1
    return () => `[${values.join(',')}]`
  }

  #string(): string {
    const from = this.#at
    let end = this.#text.indexOf('"', from + 1)
    for (; end >= 0; end = this.#text.indexOf('"', end + 1)) {
      let slashes = end
      while (this.#text.charCodeAt(slashes - 1) === backslash) slashes -= 1
      if ((end - slashes) % 2 === 0) break
    }
    this.#at = end + 1
    const token = this.#text.slice(from, this.#at)
    if (!token.includes('\\')) return token
    const written = JSON.stringify(JSON.parse(token))
    if (written !== token) this.#changes += 1
    return written
  }

  #bare(): string {
    const from = this.#at
    while (this.#at < this.#text.length && !isEnd(this.#text.charCodeAt(this.#at))) this.#at += 1
    return this.#text.slice(from, this.#at)
  }

  /** The code of the character after white space, which is where it stays. */
  #next(): number {
    for (let code = this.#text.charCodeAt(this.#at); ; code = this.#text.charCodeAt(this.#at)) {
      if (!isSpace(code)) return code
      this.#at += 1
      this.#changes += 1
    }
  }
}

const [quote, comma, backslash, openList, closeList, openObject, closeObject] = [0x22, 0x2c, 0x5c, 0x5b, 0x5d, 0x7b, 0x7d]
const isSpace = (code: number): boolean => code <= 0x20 && (code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d)
const isEnd = (code: number): boolean => isSpace(code) || code === comma || code === closeList || code === closeObject
