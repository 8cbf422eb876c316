/**
 * A condition with names of lists and macros put in. Reads just enough of Falco’s filter language to know which words stand where a macro
 * can stand and which are values; white space outside quotes becomes one space. Never fails: what it does not understand it copies.
 */
export type Names = {
  /** A list’s values, all the way down. Undefined: there is none of that name, and the word is a value. */
  list(name: string): readonly string[] | undefined
  /** What stands for a macro; the name itself where it cannot be put in. */
  macro(name: string): string
}

const word = /[A-Za-z_][\w.-]*/y
/** Of bounded length: a bracket that never ends must not be looked for again and again. */
const argument = /\[(?:"[^"]{0,300}"|'[^']{0,300}'|[^\]"']){0,300}\]/y
const string = /"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?/y
const value = /[^()"'\s,]+/y
const blank = /\s+/y
const operator = /(?:==|!=|<=|>=|=|<|>|(?:exists|i?contains|bcontains|b?startswith|endswith|i?glob|in|intersects|pmatch|regex)(?![\w.]))/y
const structure = new Set(['and', 'or', 'not'])

export function expandCondition(condition: string, names: Names): string {
  return new Expansion(condition, names).run()
}

class Expansion {
  readonly #text: string
  readonly #names: Names
  #at = 0
  #out = ''

  constructor(text: string, names: Names) {
    this.#text = text
    this.#names = names
  }

  run(): string {
    while (this.#at < this.#text.length) this.#term()
    return this.#out.trim()
  }

  /** Where a check, a macro or a word of structure can stand. */
  #term(): void {
    if (this.#blank()) return
    const name = this.#take(word)
    if (name === null) this.#out += this.#take(string) ?? this.#char()
    else if (structure.has(name)) this.#out += name
    else this.#checkOrMacro(name)
  }

  #checkOrMacro(name: string): void {
    const field = name + (this.#take(argument) ?? '')
    const from = this.#at
    this.#take(blank)
    // `tolower(proc.name) = …`
    const subject = this.#peek() === '(' ? field + this.#group() : field
    if (subject === field) this.#at = from
    const between = this.#take(blank)
    const compared = this.#take(operator)
    if (compared !== null) {
      const symbol = /\W/.test(compared)
      this.#out += symbol && between === null ? `${subject}${compared}` : `${subject} ${compared}`
      if (compared !== 'exists') this.#values()
      return
    }
    this.#out += subject === field && /^\w+$/.test(field) ? this.#names.macro(field) : subject
    if (between !== null) this.#out += ' '
  }

  /** What a check compares with: one value, or a list of them in brackets. */
  #values(): void {
    if (this.#take(blank) !== null || this.#peek() === '(') this.#out += ' '
    if (this.#peek() === '(') {
      this.#at += 1
      this.#out += `(${this.#elements().join(', ')})`
    } else this.#out += this.#value().join(', ')
  }

  #elements(): string[] {
    const elements: string[] = []
    while (this.#at < this.#text.length && this.#peek() !== ')') {
      if (this.#take(blank) !== null) continue
      if (this.#peek() === ',') this.#at += 1
      else if (this.#peek() === '(') elements.push(this.#group())
      else elements.push(...this.#value())
    }
    this.#at += 1
    return elements
  }

  #value(): string[] {
    const quotedText = this.#take(string)
    if (quotedText !== null) return [quotedText]
    const bare = this.#take(value)
    if (bare === null) return []
    if (this.#peek() === '(') return [bare + this.#group()]
    return [...(this.#names.list(bare) ?? [bare])]
  }

  /** A bracket and all up to its end, as it stands. */
  #group(): string {
    const from = this.#at
    let depth = 0
    do {
      const next = this.#peek()
      if (next === '(') depth += 1
      if (next === ')') depth -= 1
      if (this.#take(string) === null) this.#at += 1
    } while (depth > 0 && this.#at < this.#text.length)
    return this.#text.slice(from, this.#at)
  }

  #blank(): boolean {
    if (this.#take(blank) === null) return false
    this.#out += ' '
    return true
  }
  #char(): string {
    this.#at += 1
    return this.#text[this.#at - 1] ?? ''
  }
  #peek(): string | undefined {
    return this.#text[this.#at]
  }
  #take(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0] ?? null
    if (found !== null) this.#at += found.length
    return found
  }
}
