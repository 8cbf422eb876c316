/**
 * A rule’s exceptions: whether Falco takes them, what an append adds to them, and the condition they become. One field with a list of
 * values, or several fields with a list of such lists.
 */
import type { Exception } from './item.ts'

const listOperators = ['in', 'intersects', 'pmatch']
const otherOperators = '= == != < <= > >= contains icontains bcontains startswith bstartswith endswith glob iglob regex'.split(' ')
const operators = new Set([...otherOperators, ...listOperators])

/** What Falco says against it, or null; `fields` may be missing only where it adds values to one there is. */
export function faultOf({ fields, comps, values = [] }: Exception, mustHaveFields: boolean): string | null {
  if (fields === undefined) return mustHaveFields ? 'without fields' : null
  const unknown = [comps ?? []].flat().find((comp) => !operators.has(comp))
  if (unknown !== undefined) return `with the comparison ${JSON.stringify(unknown.slice(0, 40))}, which Falco does not know`
  if (typeof fields === 'string') {
    if (comps !== undefined && (typeof comps !== 'string' || !listOperators.includes(comps)))
      return `of one field, whose comparison must be one of ${listOperators.join(', ')}`
    return values.every((value) => typeof value === 'string') ? null : 'of one field, with values that are no plain texts'
  }
  if (comps !== undefined && (typeof comps === 'string' || comps.length !== fields.length))
    return 'with more or fewer comparisons than fields'
  return values.every((value) => fits(fields, value)) ? null : 'with more or fewer values than fields'
}
const fits = (fields: readonly string[], value: unknown): boolean => Array.isArray(value) && value.length === fields.length

/** Those of an item added to what a rule had; `refused`: those Falco would not add, and why. */
export function appendExceptions(had: readonly Exception[], added: readonly Exception[]): { exceptions: Exception[]; refused: string[] } {
  const exceptions = [...had]
  const refused: string[] = []
  for (const one of added) {
    const at = exceptions.findIndex(({ name }) => name === one.name)
    const before = exceptions[at]
    const whole: Exception = before === undefined ? one : { ...before, values: [...(before.values ?? []), ...(one.values ?? [])] }
    const fault =
      before !== undefined && (one.fields !== undefined || one.comps !== undefined)
        ? 'exists already: only values can be added to it'
        : faultOf(whole, true)
    if (fault !== null) refused.push(`exception “${one.name}” ${fault}`)
    else if (before === undefined) exceptions.push(one)
    else exceptions[at] = whole
  }
  return { exceptions, refused }
}

/** The condition with its exceptions, as Falco puts them behind it: `(…) and not (…)`. One without values excludes nothing. */
export function withExceptions(condition: string, exceptions: readonly Exception[]): string {
  if (exceptions.length === 0) return condition
  return [`(${condition.trim()})`, ...exceptions.map(rendered).filter((text) => text !== '')].join(' and not ')
}

function rendered({ fields = [], comps, values = [] }: Exception): string {
  if (values.length === 0) return ''
  if (typeof fields === 'string') return `(${fields} ${String(comps ?? 'in')} (${values.map((value) => quoted(String(value))).join(', ')}))`
  const tuples = values
    .filter((value) => Array.isArray(value))
    .map((value) => `(${fields.map((field, at) => compared(field, comps?.[at] ?? '=', value[at] ?? '')).join(' and ')})`)
  return `(${tuples.join(' or ')})`
}

function compared(field: string, comp: string, value: string | string[]): string {
  if (Array.isArray(value)) return `${field} ${comp} (${value.map(quoted).join(', ')})`
  if (!listOperators.includes(comp)) return `${field} ${comp} ${quoted(value)}`
  return `${field} ${comp} ${value.startsWith('(') ? value : `(${value})`}`
}

/** Falco quotes what has a space and is not quoted yet. */
export const quoted = (value: string): string => (value.includes(' ') && !/^["']/.test(value) ? `"${value}"` : value)
