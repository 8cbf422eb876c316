/** Documents with something of another type in them: what no scanner writes and anyone may send. */
import fc from 'fast-check'

const notObjects = [null, 7, -1.5, 'x', '', '__proto__', '\0\ud800', true, 12345678901234567890n]
const wrong: readonly unknown[] = [...notObjects, [], {}, [null], [7], [[1]], { a: [{}] }]

/** The document once for each place in it and each wrong value there. */
export function* mutations(document: unknown): Iterable<unknown> {
  yield* wrong
  if (Array.isArray(document))
    for (const [index, inner] of document.entries())
      for (const other of mutations(inner)) yield document.map((one: unknown, at) => (at === index ? other : one))
  else if (document !== null && typeof document === 'object')
    for (const [key, inner] of Object.entries(document)) {
      const { [key]: _, ...others } = document as Record<string, unknown>
      yield others
      for (const other of mutations(inner)) yield { ...document, [key]: other }
    }
}

const others: readonly unknown[] = [null, true, -1, 0, 1e300, '', 'x', '0001-01-01T00:00:00Z', [], [null], [[]], [{}], {}, { a: [1] }]
/** The document with one value, at any depth, replaced by one of another kind. */
export const mutated = (document: unknown): fc.Arbitrary<unknown> =>
  fc.tuple(fc.array(fc.nat(1_000), { minLength: 1, maxLength: 9 }), fc.constantFrom(...others)).map(([path, other]) => {
    const copy: unknown = structuredClone(document)
    let inner = copy
    for (const [depth, step] of path.entries()) {
      const keys = Object.keys(inner as object)
      const key = keys[step % keys.length]
      if (key === undefined) return copy
      const next = (inner as Record<string, unknown>)[key]
      if (next === null || typeof next !== 'object' || depth === path.length - 1) {
        ;(inner as Record<string, unknown>)[key] = other
        return copy
      }
      inner = next
    }
    return copy
  })
