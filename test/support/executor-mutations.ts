/** Every way to change one place of a JSON value, by its path: each leaf another value, each list and object one more and one less. */

export type Mutation = { path: string; how: string; value: unknown }
type Json = unknown

/** One or more changed copies for every path in `value`, the whole itself left out. */
export function mutations<T>(value: T): (Mutation & { value: T })[] {
  const found: (Mutation & { value: T })[] = []
  walk(value, [], (path, how, changed) => found.push({ path: path.join('.'), how, value: replaced(value, path, changed) as T }))
  return found
}

function walk(value: Json, path: (string | number)[], tell: (path: (string | number)[], how: string, changed: Json) => void): void {
  if (path.length > 0) for (const [how, changed] of changesOf(value)) tell(path, how, changed)
  if (Array.isArray(value)) for (const [index, inner] of value.entries()) walk(inner, [...path, index], tell)
  else if (value !== null && typeof value === 'object') for (const [key, inner] of Object.entries(value)) walk(inner, [...path, key], tell)
}

function changesOf(value: Json): [string, Json][] {
  if (typeof value === 'string')
    return [
      ['one character more', `${value}x`],
      ['another case', value === value.toUpperCase() ? value.toLowerCase() : value.toUpperCase()],
      ['empty', ''],
    ].filter(([, changed]) => changed !== value) as [string, Json][]
  if (typeof value === 'number') return [['one more', value + 1]]
  if (typeof value === 'boolean') return [['the opposite', !value]]
  if (value === null) return [['something', 'x']]
  if (Array.isArray(value))
    return [
      ['one more', [...(value as Json[]), value.length === 0 ? 'x' : structuredClone(value.at(-1))]],
      ...(value.length === 0 ? [] : [['one less', value.slice(0, -1)] as [string, Json]]),
      ...(value.length > 1 ? [['another order', value.toReversed()] as [string, Json]] : []),
    ]
  const entries = Object.entries(value as object)
  return [
    ['a key more', { ...(value as object), planted: 'x' }],
    ...(entries.length === 0 ? [] : [['a key less', Object.fromEntries(entries.slice(0, -1))] as [string, Json]]),
  ]
}

function replaced(value: Json, path: readonly (string | number)[], changed: Json): Json {
  const [first, ...rest] = path
  if (first === undefined) return changed
  if (Array.isArray(value)) return value.map((inner: Json, index) => (index === first ? replaced(inner, rest, changed) : inner))
  return { ...(value as object), [first]: replaced((value as Record<string, Json>)[first], rest, changed) }
}
