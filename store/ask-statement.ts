/**
 * Says early and in words what would be refused anyway, and keeps out functions that only cost: memory, locks, time. Nothing depends on it being right:
 * what a statement can reach is bounded by the role, the transaction and the limits it runs under (ask.ts).
 */
import { InputError } from '../domain/errors.ts'

export const longestStatement = 4_000

/** Throws InputError. */
export function checkStatement(text: string): void {
  if (text.length > longestStatement) throw new InputError(`The statement is longer than ${longestStatement} characters.`)
  const tokens = tokensOf(text)
  while (tokens.at(-1)?.text === ';') tokens.pop()
  const [first] = tokens
  if (first === undefined || first.kind !== 'word' || !['select', 'with'].includes(first.text))
    throw new InputError('Only one SELECT (or WITH … SELECT) is answered.')
  for (const [at, token] of tokens.entries()) {
    if (token.text === ';' && token.kind === 'sign') throw new InputError('Only one statement at a time is answered.')
    if (token.kind === 'word' && writing.has(token.text) && tokens[at - 1]?.text !== '.')
      throw new InputError(`“${token.text}” is not answered: statements here only read.`)
    if (token.kind === 'word' && token.text === 'recursive')
      throw new InputError('WITH RECURSIVE is not answered; ways through the graph: find_attack_paths.')
    if (token.kind === 'parameter') throw new InputError('Parameters ($1) cannot be given; write the value.')
    if (token.kind === 'word' || token.kind === 'name') refuseName(tokens, at)
  }
}

const writing: ReadonlySet<string> = new Set(['insert', 'update', 'delete', 'merge', 'into', 'copy', 'call', 'truncate'])

function refuseName(tokens: readonly Token[], at: number): void {
  const { text, kind } = tokens[at] as Token
  if (/^(?:pg_|information_schema$|public$|kysely_)/.test(text))
    throw new InputError(
      `“${text.slice(0, 63)}” is not available: only the documented views are read, with {"describe":["alerts"]} for columns.`,
    )
  if (tokens[at + 1]?.text !== '(' || (kind === 'word' && keywords.has(text)) || functions.has(text) || isAlias(tokens, at)) return
  throw new InputError(`The function “${text.slice(0, 63)}” is not available. There are: ${[...functions].join(', ')}.`)
}

/** `with t(a, b) as (`, `as t(a, b)`, and types: `::numeric(10, 2)`. */
function isAlias(tokens: readonly Token[], at: number): boolean {
  const before = tokens[at - 1]?.text
  if (before === 'as' || before === '::') return true
  if (before !== 'with' && before !== ',') return false
  const end = tokens.findIndex(({ text }, index) => index > at && text === ')')
  return end > 0 && tokens[end + 1]?.text === 'as' && tokens[end + 2]?.text === '('
}

const keywords: ReadonlySet<string> = new Set(
  `all and any array as between by case cube distinct else end except exists filter from group grouping having in intersect interval is join lateral like ilike limit
  materialized not offset on or order over partition rollup row select sets similar some then union using values when where with within`.split(
    /\s+/,
  ),
)
const functions: ReadonlySet<string> = new Set(
  `count sum avg min max array_agg string_agg bool_and bool_or mode percentile_cont percentile_disc stddev variance coalesce nullif greatest least abs ceil floor
  round mod power sqrt ln lower upper initcap length left right substr substring strpos position split_part trim btrim ltrim rtrim replace concat concat_ws
  starts_with array_length array_position array_to_string cardinality unnest now date_trunc date_part date_bin extract age to_timestamp to_char ns cast
  row_number rank dense_rank ntile lag lead first_value last_value generate_series width_bucket`.split(/\s+/),
)

type Token = { kind: 'word' | 'name' | 'text' | 'number' | 'parameter' | 'sign'; text: string }

const patterns: readonly (readonly [Token['kind'] | null, RegExp])[] = [
  [null, /\s+|--[^\n\r]*/y],
  ['text', /(?:[bBxXnN])?'(?:[^']|'')*'|[eE]'(?:[^'\\]|''|\\[\s\S])*'|\$([A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$[\s\S]*?\$\1\$/y],
  ['name', /"(?:[^"]|"")*"/y],
  ['word', /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y],
  ['number', /\d[\w.]*|\.\d\w*/y],
  ['parameter', /\$\d+/y],
  ['sign', /::|[^\w\s]/y],
]

function tokensOf(text: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  while (at < text.length) {
    if (text.startsWith('/*', at)) {
      at = endOfComment(text, at)
      continue
    }
    if (/^u&["']/i.test(text.slice(at, at + 3))) throw new InputError('Unicode escapes (U&…) are not read; write the characters.')
    const [kind, found] = matched(text, at)
    at += found.length
    if (kind === 'word') tokens.push({ kind, text: found.toLowerCase() })
    else if (kind === 'name') tokens.push({ kind, text: found.slice(1, -1).replaceAll('""', '"') })
    else if (kind !== null) tokens.push({ kind, text: kind === 'text' ? "''" : found })
  }
  return tokens
}

function matched(text: string, at: number): [Token['kind'] | null, string] {
  for (const [kind, pattern] of patterns) {
    pattern.lastIndex = at
    const [found] = pattern.exec(text) ?? []
    if (found !== undefined && !(kind === 'sign' && /['"]/.test(found))) return [kind, found]
  }
  throw new InputError(`The statement cannot be read from character ${at + 1} on: a quote is not closed.`)
}

/** Comments nest. */
function endOfComment(text: string, from: number): number {
  let depth = 0
  for (let at = from; at < text.length; at += 1) {
    if (text.startsWith('/*', at)) [depth, at] = [depth + 1, at + 1]
    else if (text.startsWith('*/', at)) {
      ;[depth, at] = [depth - 1, at + 1]
      if (depth === 0) return at + 1
    }
  }
  throw new InputError('A comment is not closed.')
}
