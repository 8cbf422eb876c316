/**
 * What a detection looks for, as data: conditions on an event’s fields, without code. Every expression is checked to be cheap when it is
 * read: no repetition without an end, none inside another, and texts are looked at up to 4,096 characters. Pure.
 */
import { z } from 'zod'

const scalar = z.union([z.string(), z.number(), z.boolean()])
const Path = z.union([z.string().min(1), z.array(z.string().min(1)).min(1)])
const test = { path: Path }

/**
 * A path is names with dots between them, or a list of names where a name holds dots. `*` is each element or value, `**` each object at
 * any depth, `@json` the JSON in a text. A condition holds when it does for any of the values found; values are compared as text.
 * `having`: one of the values is an object of which all these conditions hold, and their paths begin there.
 * `sameAs`, `outside`: a value is the same as, or does not contain, what stands at another path of the event.
 */
export type Condition =
  | { path: z.infer<typeof Path>; equals: z.infer<typeof scalar> }
  | { path: z.infer<typeof Path>; in: z.infer<typeof scalar>[] }
  | { path: z.infer<typeof Path>; prefix: string }
  | { path: z.infer<typeof Path>; contains: string }
  | { path: z.infer<typeof Path>; matches: string }
  | { path: z.infer<typeof Path>; exists: boolean }
  | { path: z.infer<typeof Path>; sameAs: z.infer<typeof Path> }
  | { path: z.infer<typeof Path>; outside: z.infer<typeof Path> }
  | { path: z.infer<typeof Path>; having: Condition[] }
  | { not: Condition }
  | { all: Condition[] }
  | { any: Condition[] }
export const Condition: z.ZodType<Condition> = z.lazy(() =>
  z.union([
    z.strictObject({ ...test, equals: scalar }),
    z.strictObject({ ...test, in: z.array(scalar).min(1) }),
    z.strictObject({ ...test, prefix: z.string().min(1) }),
    z.strictObject({ ...test, contains: z.string().min(1) }),
    z.strictObject({ ...test, matches: z.string().min(1).max(300).refine(isCheap, 'the expression is not cheap: see match.ts') }),
    z.strictObject({ ...test, exists: z.boolean() }),
    z.strictObject({ ...test, sameAs: Path }),
    z.strictObject({ ...test, outside: Path }),
    z.strictObject({ ...test, having: z.array(Condition).min(1) }),
    z.strictObject({ not: Condition }),
    z.strictObject({ all: z.array(Condition).min(1) }),
    z.strictObject({ any: z.array(Condition).min(1) }),
  ]),
)

/** `at`: where paths begin; `event`: all of it. */
export type Predicate = (at: unknown, event?: unknown) => boolean

export function compile(condition: Condition): Predicate {
  if ('not' in condition) {
    const inner = compile(condition.not)
    return (at, event = at) => !inner(at, event)
  }
  if ('all' in condition) return compileAll(condition.all)
  if ('any' in condition) {
    const inner = condition.any.map(compile)
    return (at, event = at) => inner.some((one) => one(at, event))
  }
  const steps = stepsOf(condition.path)
  if ('having' in condition) {
    const inner = compileAll(condition.having)
    return (at, event = at) => valuesAt(at, steps).some((value) => inner(value, event))
  }
  if ('exists' in condition) return (at) => valuesAt(at, steps).some(isThere) === condition.exists
  if ('sameAs' in condition || 'outside' in condition) return compileAgainst(condition)
  const holds = testOf(condition)
  return (at) => textsAt(at, steps).some(holds)
}

export function compileAll(conditions: readonly Condition[]): Predicate {
  const all = conditions.map(compile)
  return (at, event = at) => all.every((one) => one(at, event))
}

function compileAgainst(condition: Extract<Condition, { sameAs: unknown } | { outside: unknown }>): Predicate {
  const steps = stepsOf(condition.path)
  const others = stepsOf('sameAs' in condition ? condition.sameAs : condition.outside)
  return (at, event = at) => {
    const texts = textsAt(event, others)
    return textsAt(at, steps).some((text) =>
      'sameAs' in condition ? texts.includes(text) : texts.every((other) => other === '' || !text.includes(other)),
    )
  }
}

type TextTest = Extract<
  Condition,
  { equals: unknown } | { in: unknown } | { prefix: unknown } | { contains: unknown } | { matches: unknown }
>
function testOf(condition: TextTest): (text: string) => boolean {
  if ('equals' in condition) return (text) => text === String(condition.equals)
  if ('in' in condition) {
    const wanted = new Set(condition.in.map(String))
    return (text) => wanted.has(text)
  }
  if ('prefix' in condition) return (text) => text.startsWith(condition.prefix)
  if ('contains' in condition) return (text) => text.includes(condition.contains)
  const pattern = new RegExp(condition.matches, 'u')
  return (text) => pattern.test(text.slice(0, longest))
}

const longest = 4_096
const mostValues = 2_000
const stepsOf = (path: z.infer<typeof Path>): readonly string[] => (typeof path === 'string' ? path.split('.') : path)
const isThere = (value: unknown): boolean => value !== undefined && value !== null && value !== ''

const textsAt = (event: unknown, steps: readonly string[]): string[] =>
  valuesAt(event, steps).flatMap((value) =>
    typeof value === 'string' || ['number', 'boolean', 'bigint'].includes(typeof value) ? [String(value)] : [],
  )

function valuesAt(event: unknown, steps: readonly string[]): unknown[] {
  let values: unknown[] = [event]
  for (const step of steps) {
    const next: unknown[] = []
    for (const value of values) {
      if (next.length > mostValues) break
      next.push(...stepInto(value, step))
    }
    if (next.length === 0) return []
    values = next
  }
  return values
}

function stepInto(value: unknown, step: string): unknown[] {
  if (step === '@json') return unpacked(value)
  if (value === null || typeof value !== 'object') return []
  if (step === '*') return Object.values(value)
  if (step === '**') return within(value)
  return Object.hasOwn(value, step) ? [(value as Record<string, unknown>)[step]] : []
}

function within(value: object): unknown[] {
  const found: unknown[] = [value]
  for (let at = 0; at < found.length && found.length < mostValues; at += 1) {
    const one = found[at]
    if (one !== null && typeof one === 'object')
      for (const inner of Object.values(one)) if (inner !== null && typeof inner === 'object') found.push(inner)
  }
  return found
}

function unpacked(value: unknown): unknown[] {
  if (typeof value !== 'string' || value.length > 65_536) return []
  try {
    return [JSON.parse(value.startsWith('%7B') ? decodeURIComponent(value) : value)]
  } catch {
    // Nothing is packed in it, so there is nothing to match.
    return []
  }
}

/** Only `?` and `{n,m}` up to 64, at most two of the latter, none behind a group; no references back, no looking around. */
export function isCheap(source: string): boolean {
  try {
    RegExp(source, 'u')
  } catch {
    // What is no expression at all is refused as one that is not cheap.
    return false
  }
  const bare = source.replace(/\\[^1-9k]/g, 'x').replace(/\[[^\]]*\]/g, 'x')
  if (/\\|[*+]|\(\?(?!:)|\)[{*+]/.test(bare)) return false
  const repeated = [...bare.matchAll(/\{(\d+)(,?)(\d*)\}/g)]
  return (
    repeated.filter(([, , comma]) => comma === ',').length <= 2 &&
    repeated.every(([, least, comma, most]) => (comma === ',' ? most !== '' && Number(most) <= 64 : Number(least) <= 64))
  )
}
