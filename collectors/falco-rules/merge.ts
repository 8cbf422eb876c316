/**
 * What is defined when all items were read in the order Falco loads them: definitions, appends and overrides put together. What Falco
 * would refuse changes nothing and is told. Pure; conditions are put together here and expanded elsewhere.
 */
import type { NewFalcoRule } from '../../domain/falco-rule.ts'
import { parsePriority, type Priority } from '../../domain/severity.ts'
import { appendExceptions } from './exceptions.ts'
import { type Exception, List, Macro, modeOf, requiredOfRule, Rule } from './item.ts'

export type RulesItem = Pick<NewFalcoRule, 'kind' | 'name' | 'file' | 'position' | 'item'>
export type Place = Pick<NewFalcoRule, 'file' | 'position'>
export type Problem = Place & { name: string; reason: string }

/** A name stands for what it was when it was last changed; it may use what was first defined before that. */
type Placed = { name: string; index: number; visibility: number; from: Place[] }
export type ListNow = Placed & { items: string[] }
export type MacroNow = Placed & { condition: string }
export type RuleNow = Placed & {
  condition: string
  output: string
  desc: string
  source: string
  priority: Priority | null
  tags: string[]
  enabled: boolean
  exceptions: Exception[]
  capture: boolean
  captureDuration: number | null
}
export type Merged = { lists: Map<string, ListNow>; macros: Map<string, MacroNow>; rules: Map<string, RuleNow>; problems: Problem[] }

/** `items` in the order Falco loads them: file by file, each from top to bottom. */
export function mergeItems(items: readonly RulesItem[]): Merged {
  const merged: Merged = { lists: new Map(), macros: new Map(), rules: new Map(), problems: [] }
  for (const [index, { kind, name, file, position, item }] of items.entries()) {
    const at: Placing = { place: { file, position }, index, problem: (reason) => merged.problems.push({ file, position, name, reason }) }
    if (kind === 'list') withSchema(List, item, at, (list) => mergeList(merged.lists, list, at))
    else if (kind === 'macro') withSchema(Macro, item, at, (macro) => mergeMacro(merged.macros, macro, at))
    else if (kind === 'rule') withSchema(Rule, item, at, (rule) => mergeRule(merged.rules, rule, at))
  }
  return merged
}

type Placing = { place: Place; index: number; problem: (reason: string) => void }
type Schema<T> = { safeParse(value: unknown): { success: true; data: T } | { success: false; error: { issues: { message: string }[] } } }
function withSchema<T>(schema: Schema<T>, item: unknown, { problem }: Placing, use: (value: T) => void): void {
  const parsed = schema.safeParse(item)
  if (parsed.success) use(parsed.data)
  else problem(`it cannot be read: ${parsed.error.issues[0]?.message ?? ''}`)
}

/** Redefined, it keeps its first place in the order. */
function placed(before: Placed | undefined, name: string, { place, index }: Placing, kept: boolean): Placed {
  return { name, index: before?.index ?? index, visibility: index, from: kept ? [...(before?.from ?? []), place] : [place] }
}

function mergeList(lists: Map<string, ListNow>, item: typeof List._output, at: Placing): void {
  const before = lists.get(item.list)
  const appends = item.append === true || item.override?.items === 'append'
  if (appends && before === undefined) return at.problem('it adds to a list that is not defined before it')
  const items = [...(appends ? (before?.items ?? []) : []), ...(item.items ?? [])]
  lists.set(item.list, { ...placed(before, item.list, at, appends), items })
}

function mergeMacro(macros: Map<string, MacroNow>, item: typeof Macro._output, at: Placing): void {
  const before = macros.get(item.macro)
  const appends = item.append === true || item.override?.condition === 'append'
  if (appends && before === undefined) return at.problem('it adds to a macro that is not defined before it')
  const condition = appends ? `${before?.condition ?? ''} ${item.condition}` : item.condition
  macros.set(item.macro, { ...placed(before, item.macro, at, appends), condition })
}

function mergeRule(rules: Map<string, RuleNow>, item: Rule, at: Placing): void {
  const before = rules.get(item.rule)
  if (modeOf(item) === 'define') return defineRule(rules, item, at)
  if (before === undefined) return at.problem('it changes a rule that is not defined before it')
  const now: RuleNow = { ...before, ...placed(before, item.rule, at, true) }
  const appended = item.append === true ? ['condition', 'exceptions'] : keysOf(item, 'append')
  appendTo(now, item, appended, at)
  const replaced = item.append === true ? [] : item.override === undefined ? ['enabled'] : keysOf(item, 'replace')
  replaceIn(now, item, replaced, at)
  const meant = new Set([...appended, ...replaced])
  for (const key of item.append === true ? [] : [...appendable, ...replaceable])
    if (item[key] !== undefined && !meant.has(key)) at.problem(`“${key}” is not used: “override” does not say what to do with it`)
  rules.set(item.rule, now)
}

const appendable = ['condition', 'output', 'desc', 'tags', 'exceptions']
const replaceable = ['priority', 'enabled', 'warn_evttypes', 'skip-if-unknown-filter', 'capture', 'capture_duration']
const keysOf = (item: Rule, what: 'append' | 'replace'): string[] =>
  Object.entries(item.override ?? {}).flatMap(([key, value]) => (value === what ? [key] : []))

function defineRule(rules: Map<string, RuleNow>, item: Rule, at: Placing): void {
  const before = rules.get(item.rule)
  const { condition, output, desc, priority } = item
  const missing = requiredOfRule.filter((key) => item[key] === undefined)
  if (condition === undefined || missing.length > 0) return at.problem(`it has no ${missing.join(', no ')}`)
  const source = item.source ?? 'syscall'
  if (before !== undefined && before.source !== source) return at.problem('it is defined again with another source')
  rules.set(item.rule, {
    ...placed(before, item.rule, at, false),
    condition,
    output: (output ?? '').trim(),
    desc: desc ?? '',
    source,
    priority: parsePriority(priority ?? '') ?? null,
    tags: item.tags ?? [],
    enabled: item.enabled ?? true,
    exceptions: item.exceptions ?? [],
    capture: item.capture ?? false,
    captureDuration: item.capture_duration ?? null,
  })
}

function appendTo(now: RuleNow, item: Rule, keys: readonly string[], { problem }: Placing): void {
  for (const key of ['condition', 'output', 'desc'] as const) if (keys.includes(key) && item[key]) now[key] = `${now[key]} ${item[key]}`
  if (keys.includes('tags')) now.tags = [...new Set([...now.tags, ...(item.tags ?? [])])]
  if (!keys.includes('exceptions')) return
  const { exceptions, refused } = appendExceptions(now.exceptions, item.exceptions ?? [])
  now.exceptions = exceptions
  for (const reason of refused) problem(reason)
}

function replaceIn(now: RuleNow, item: Rule, keys: readonly string[], { problem }: Placing): void {
  for (const key of keys) {
    if (item[key] === undefined) problem(`“override” replaces “${key}”, which is not given`)
    else if (key === 'condition' || key === 'output' || key === 'desc') now[key] = item[key] ?? ''
    else if (key === 'tags') now.tags = item.tags ?? []
    else if (key === 'exceptions') now.exceptions = item.exceptions ?? []
    else if (key === 'priority') now.priority = parsePriority(item.priority ?? '') ?? null
    else if (key === 'enabled') now.enabled = item.enabled ?? now.enabled
    else if (key === 'capture') now.capture = item.capture ?? now.capture
    else if (key === 'capture_duration') now.captureDuration = item.capture_duration ?? null
    else if (!replaceable.includes(key)) problem(`“override” cannot replace “${key}”`)
  }
}
