/** Several lists of the same question made one: reciprocal rank fusion. A list says by order alone how well an entry fits, so that lists need no common measure. */

/** As published: how little the first places of one list outweigh several middling ones. */
const softness = 60

/** Best first. What several lists have counts for all of them; equal ones stand as their lists do. Always the same for the same lists. */
export function fuse<T>(lists: readonly (readonly T[])[], keyOf: (entry: T) => string): { entry: T; score: number }[] {
  const fused = new Map<string, { entry: T; score: number; place: number }>()
  for (const list of lists)
    for (const [rank, entry] of list.entries()) {
      const key = keyOf(entry)
      const score = 1 / (softness + rank + 1)
      const before = fused.get(key)
      if (before === undefined) fused.set(key, { entry, score, place: fused.size })
      else before.score += score
    }
  return [...fused.values()].sort((a, b) => b.score - a.score || a.place - b.place).map(({ entry, score }) => ({ entry, score }))
}
