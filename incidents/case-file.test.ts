import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { severities, severityId } from '../domain/severity.ts'
import { type Candidate, sample } from './case-file.ts'

const candidates = fc.uniqueArray(
  fc.record({
    id: fc.integer({ min: 0, max: 9_999 }).map((n) => String(n).padStart(4, '0')),
    rule: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    severity: fc.constantFrom(...severities),
    eventNs: fc.bigInt({ min: 0n, max: 500n }),
  }),
  { selector: ({ id }) => id, minLength: 1, maxLength: 300 },
)
const before = (a: Candidate, b: Candidate): number => (a.eventNs < b.eventNs ? -1 : a.eventNs > b.eventNs ? 1 : a.id < b.id ? -1 : 1)

describe('a sample of many alerts', () => {
  it('has the first, the last and one of the highest severity in it, whatever its size, in event order', () => {
    fc.assert(
      fc.property(candidates, fc.integer({ min: 3, max: 100 }), (all, limit) => {
        const chosen = sample(all, limit)
        const ordered = all.toSorted(before)
        expect(chosen.length).toBe(new Set(chosen).size)
        expect(chosen.length).toBeLessThanOrEqual(limit)
        expect(chosen).toEqual(ordered.filter(({ id }) => chosen.includes(id)).map(({ id }) => id))
        expect(chosen[0]).toBe(ordered[0]?.id)
        expect(chosen.at(-1)).toBe(ordered.at(-1)?.id)
        const highest = Math.max(...all.map(({ severity }) => severityId(severity)))
        expect(all.some(({ id, severity }) => chosen.includes(id) && severityId(severity) === highest)).toBe(true)
      }),
    )
  })
})
