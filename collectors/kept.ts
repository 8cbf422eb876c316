/**
 * What of an audit event’s parameters is kept: the names that are listed, and nothing else. Objects are entered only under a listed
 * name, and a value without a name is dropped, so a secret under any other is never stored, whatever it looks like.
 */
import { cut } from './words.ts'

const longestList = 50
const longestText = 4_000

export type Kept = { value: unknown; dropped: boolean }

/** `listed`: names in lower case. */
export function keepListed(value: unknown, listed: ReadonlySet<string>): Kept {
  return keep(value, listed, false)
}

function keep(value: unknown, listed: ReadonlySet<string>, named: boolean): Kept {
  if (Array.isArray(value)) {
    const kept = value.slice(0, longestList).map((inner: unknown) => keep(inner, listed, named))
    return { value: kept.map((inner) => inner.value), dropped: value.length > longestList || kept.some((inner) => inner.dropped) }
  }
  if (value === null || value === undefined) return { value, dropped: false }
  if (typeof value !== 'object') return named ? leaf(value) : { value: null, dropped: true }
  const kept: [string, unknown][] = []
  let dropped = false
  for (const [name, inner] of Object.entries(value)) {
    const one = listed.has(name.toLowerCase()) ? keep(inner, listed, true) : null
    if (one !== null) kept.push([name, one.value])
    dropped ||= one === null || one.dropped
  }
  return { value: Object.fromEntries(kept), dropped }
}

const leaf = (value: unknown): Kept =>
  typeof value === 'string' && value.length > longestText ? { value: cut(value, longestText), dropped: true } : { value, dropped: false }

/** The event with these parts only: who ships logs may add the whole event again, as text. */
export function keepParts<Event extends object>(event: Event, known: ReadonlySet<string>): { event: Event; dropped: boolean } {
  const kept = Object.entries(event).filter(([name]) => known.has(name))
  return kept.length === Object.keys(event).length ? { event, dropped: false } : { event: Object.fromEntries(kept) as Event, dropped: true }
}
