/** Risk: worse facts never lower it, what is not known lies between, and the order of evidence is exact. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { tactics } from '../../domain/attack.ts'
import { severities } from '../../domain/severity.ts'
import { criticalities, criticalityOf } from './criticality.ts'
import { type Exploitability, moreExploitable, type RiskFacts, riskOf } from './risk.ts'

const runs = process.env.FALCONER_FULL === undefined ? 300 : 20_000
const maybe = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(of, { nil: undefined })
/** Every fact’s values, best first. */
const scale = {
  detection: [null, ...severities],
  tactic: tactics.map(([id]) => id),
  kev: [false, true],
  epss: [0, 0.00043, 0.01, 0.2, 0.97, 1],
  cvss: [0, 3.1, 5, 7.5, 9.8, 10],
  severity: [...severities],
  inUse: [{ notObservedSince: '2026-11-01' }, true],
  exposure: ['isolated', 'cluster', 'path', 'internet'],
  privilege: ['plain', 'elevated', 'host'],
  blastRadius: [0, 1, 2, 10, 300, 1_000],
  criticality: [...criticalities],
} as const
const record = fc.record({
  about: maybe(fc.constantFrom('flaw' as const, 'setting' as const, 'step' as const)),
  ...Object.fromEntries(Object.entries(scale).map(([name, values]) => [name, maybe(fc.constantFrom<unknown>(...values))])),
}) as unknown as fc.Arbitrary<RiskFacts>
const names = Object.keys(scale) as (keyof typeof scale)[]

test('making any one fact worse never lowers the score', () => {
  fc.assert(
    fc.property(record, fc.constantFrom(...names), fc.nat(), fc.nat(), (facts, name, x, y) => {
      const values = scale[name]
      const [better, worse] = [x % values.length, y % values.length].sort((a, b) => a - b) as [number, number]
      expect(riskOf({ ...facts, [name]: values[worse] }).score).toBeGreaterThanOrEqual(riskOf({ ...facts, [name]: values[better] }).score)
    }),
    { numRuns: runs },
  )
})

test('what is not known counts neither as the best nor as the worst', () => {
  fc.assert(
    fc.property(record, fc.constantFrom(...names), (facts, name) => {
      const { [name]: _left, ...unknown } = facts
      const score = (value: unknown): number => riskOf({ ...unknown, [name]: value }).score
      const [best, middle, worst] = [score(scale[name][0]), riskOf(unknown).score, score(scale[name].at(-1))]
      expect(middle).toBeGreaterThanOrEqual(best)
      expect(middle).toBeLessThanOrEqual(worst)
      if (['detection', 'tactic', 'exposure', 'privilege', 'blastRadius', 'criticality'].includes(name)) {
        expect(middle).toBeGreaterThan(best)
        expect(middle).toBeLessThan(worst)
      }
    }),
    { numRuns: runs },
  )
})

test('a score lies between 0 and 100 and is what its reasons make: every factor is told', () => {
  fc.assert(
    fc.property(record, (facts) => {
      const { score, reasons } = riskOf(facts)
      const product = reasons.reduce((all, { factor }) => all * factor, 1)
      expect(score).toBeCloseTo((100 * product) / (product + 3), 9)
      expect(score).toBeGreaterThan(0)
      expect(score).toBeLessThan(100)
      expect(riskOf({ ...facts })).toEqual(riskOf(facts))
      expect(new Set(reasons.map(({ code }) => code)).size).toBe(reasons.length)
    }),
    { numRuns: runs },
  )
})

const evidence: fc.Arbitrary<Exploitability & { kev: boolean; epss: number; cvss: number }> = fc.record({
  kev: fc.boolean(),
  epss: fc.oneof(fc.constantFrom(0.5, 0.1), fc.double({ min: 0, max: 1, noNaN: true })),
  cvss: fc.integer({ min: 0, max: 100 }).map((tenths) => tenths / 10),
})

test('the order of evidence is exact: KEV, then EPSS, then CVSS', () => {
  const exact = (a: { kev: boolean; epss: number; cvss: number }, b: typeof a): number =>
    Number(b.kev) - Number(a.kev) || b.epss - a.epss || b.cvss - a.cvss
  fc.assert(
    fc.property(fc.array(evidence, { minLength: 2, maxLength: 12 }), (all) => {
      expect(all.toSorted(moreExploitable)).toEqual(all.toSorted(exact))
    }),
    { numRuns: runs },
  )
  const listed = { kev: true, epss: 0, cvss: 0 }
  expect(riskOf(listed).score).toBeGreaterThan(riskOf({ kev: false, epss: 1, cvss: 10 }).score)
})

test('what no list knows says so, and is no flaw of a setting', () => {
  expect(riskOf({ cvss: 9.8 }).reasons.map(({ code }) => code)).toEqual([
    'detection_unknown',
    'cvss',
    'use_not_observed',
    'exposure_unknown',
    'privilege_unknown',
    'blast_radius_unknown',
    'criticality_unlabelled',
  ])
  const [, setting] = riskOf({ about: 'setting', severity: 'high' }).reasons
  expect(setting).toMatchObject({ code: 'needs_no_exploit', text: 'a setting, no exploit is needed; scanners rate it high' })
  expect(riskOf({ about: 'setting', severity: 'high', kev: true }).score).toBe(riskOf({ about: 'setting', severity: 'high' }).score)
})

test('criticality is a label or annotation of the workload, else of the namespace', () => {
  const of = (value: string): Record<string, string> => ({ 'falconer.dev/criticality': value })
  expect(criticalityOf({ labels: of('High') }, { labels: of('low') })).toBe('high')
  expect(criticalityOf({ labels: {} }, { annotations: of('critical') })).toBe('critical')
  expect(criticalityOf({ labels: of('urgent') }, undefined)).toBeUndefined()
})
