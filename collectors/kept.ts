/**
 * What of an audit event’s parameters is kept: the names that are listed, and nothing else. Objects are entered only under a listed
 * name, so a secret under any other is never stored, whatever it looks like.
 */
const longestList = 50
const longestText = 4_000

export type Kept = { value: unknown; dropped: boolean }

/** `listed`: names in lower case. */
export function keepListed(value: unknown, listed: ReadonlySet<string>): Kept {
  if (Array.isArray(value)) {
    const kept = value.slice(0, longestList).map((inner: unknown) => keepListed(inner, listed))
    return { value: kept.map((inner) => inner.value), dropped: value.length > longestList || kept.some((inner) => inner.dropped) }
  }
  if (value === null || typeof value !== 'object') return leaf(value)
  const kept: [string, unknown][] = []
  let dropped = false
  for (const [name, inner] of Object.entries(value)) {
    if (!listed.has(name.toLowerCase())) {
      dropped = true
      continue
    }
    const one = keepListed(inner, listed)
    kept.push([name, one.value])
    dropped ||= one.dropped
  }
  return { value: Object.fromEntries(kept), dropped }
}

const leaf = (value: unknown): Kept =>
  typeof value === 'string' && value.length > longestText ? { value: cut(value, longestText), dropped: true } : { value, dropped: false }

/** Cut visibly. */
export const cut = (text: string, length: number): string => (text.length <= length ? text : `${text.slice(0, length - 1)}…`)
