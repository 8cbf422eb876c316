/**
 * The rules as Falco holds them once every file is loaded: overrides applied, exceptions rendered, lists and macros put in. Macros see only
 * what was first defined before they were last changed, as in Falco; what goes round in a circle, grows without bound or is named by
 * nobody is told and left as its name. A word that names no list is a value, to Falco too: only an append can name an unknown list.
 */
import type { Priority } from '../../domain/severity.ts'
import { expandCondition } from './condition.ts'
import { quoted, withExceptions } from './exceptions.ts'
import type { Exception } from './item.ts'
import { type MacroNow, type Merged, mergeItems, type Place, type Problem, type RulesItem } from './merge.ts'

export type { RulesItem } from './merge.ts'

export type LoadedRule = {
  name: string
  source: string
  priority: Priority | null
  enabled: boolean
  tags: string[]
  desc: string
  output: string
  exceptions: Exception[]
  /** With its appends and exceptions, names of macros and lists as written. */
  condition: string
  /** The same with everything put in. */
  expanded: string
  /** Macros it uses, directly or not, that nobody defined before their use. */
  unknownMacros: string[]
  /** `a → b → a` */
  cycles: string[]
  /** Not everything could be put in: it would be deeper or longer than this module writes. */
  cut: boolean
  capture: boolean
  captureDuration: number | null
  /** The items it was made of, the definition first. */
  from: Place[]
}

const deepest = 64
const longest = 200_000
const mostValues = 10_000

/** `items` in the order Falco loads them: file by file, each from top to bottom. `wanted`: only these are written out, of all that count. */
export function loadRules(
  items: readonly RulesItem[],
  wanted: (name: string) => boolean = () => true,
): { rules: LoadedRule[]; problems: Problem[] } {
  const merged = mergeItems(items)
  const names = new NamesNow(merged)
  const rules = [...merged.rules.values()]
    .filter(({ name }) => wanted(name))
    .map(({ index: _index, visibility: _visibility, ...rule }) => {
      const condition = withExceptions(rule.condition, rule.exceptions)
      const { text, unknown, cycles, cut } = names.expand(condition, Number.POSITIVE_INFINITY, [])
      return { ...rule, condition, expanded: text, unknownMacros: [...unknown].sort(), cycles: [...cycles].sort(), cut }
    })
  return { rules, problems: merged.problems }
}

type Expanded = { text: string; unknown: Set<string>; cycles: Set<string>; cut: boolean }

class NamesNow {
  readonly #merged: Merged
  readonly #lists = new Map<string, string[]>()
  readonly #macros = new Map<string, Expanded>()

  constructor(merged: Merged) {
    this.#merged = merged
  }

  /** `visibility`: what was first defined before it is known; `within`: the macros this is the inside of. */
  expand(condition: string, visibility: number, within: readonly string[]): Expanded {
    const made: Expanded = { text: '', unknown: new Set(), cycles: new Set(), cut: false }
    let length = condition.length
    made.text = expandCondition(condition, {
      list: (name) => {
        const values = this.#list(name, [])
        length += values?.reduce((sum, one) => sum + one.length + 2, 0) ?? 0
        made.cut ||= values?.length === mostValues
        if (values === undefined || length <= longest) return values
        made.cut = true
        return [name]
      },
      macro: (name) => {
        const inner = this.#macro(name, visibility, within, made)
        if (inner === null) return name
        for (const one of inner.unknown) made.unknown.add(one)
        for (const one of inner.cycles) made.cycles.add(one)
        length += inner.text.length
        made.cut ||= inner.cut || length > longest
        return length > longest ? name : bracketed(inner.text)
      },
    })
    return made
  }

  /** Null: it cannot be put in, which `outer` then says. */
  #macro(name: string, visibility: number, within: readonly string[], outer: Expanded): Expanded | null {
    const macro: MacroNow | undefined = this.#merged.macros.get(name)
    if (macro === undefined || macro.index >= visibility) outer.unknown.add(name)
    else if (within.includes(name)) outer.cycles.add([...within.slice(within.indexOf(name)), name].join(' → '))
    else if (within.length >= deepest) outer.cut = true
    else {
      const known = this.#macros.get(name) ?? this.expand(macro.condition, macro.visibility, [...within, name])
      this.#macros.set(name, known)
      return known
    }
    return null
  }

  #list(name: string, within: readonly string[]): string[] | undefined {
    const list = this.#merged.lists.get(name)
    if (list === undefined) return undefined
    const known = this.#lists.get(name)
    if (known !== undefined) return known
    const values: string[] = []
    for (const item of list.items) {
      const other = this.#merged.lists.get(item)
      const isList =
        other !== undefined && other.index < list.visibility && !within.includes(item) && item !== name && within.length < deepest
      for (const one of isList ? (this.#list(item, [...within, name]) ?? []) : [quoted(item)])
        if (values.length < mostValues) values.push(one)
    }
    this.#lists.set(name, values)
    return values
  }
}

/** In brackets, unless one pair holds all of it already. */
function bracketed(text: string): string {
  let depth = 0
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at]
    if (char === '"' || char === "'") {
      const end = text.indexOf(char, at + 1)
      if (end === -1) break
      at = end
    } else if (char === '(') depth += 1
    else if (char === ')') depth -= 1
    if (depth === 0) return at === text.length - 1 && text.startsWith('(') ? text : `(${text})`
  }
  return `(${text})`
}
