/** Which incidents a model is asked about: a table of cases, and how often one that goes on and on is asked about. */
import { describe, expect, it, test } from 'vitest'
import type { Verdict } from '../domain/report.ts'
import { severities } from '../domain/severity.ts'
import { type Asked, looksFirst, type Spared, triage, type TriageCase, type TriageRules } from './triage.ts'

const now = new Date('2026-11-26T12:00:00Z')
const rules: TriageRules = { minSeverity: 'high', againMinutes: 30 }
const ago = (minutes: number): Date => new Date(now.getTime() - minutes * 60_000)
type Over = { incident?: Partial<TriageCase['incident']>; report?: Partial<TriageCase['report']> } & Partial<
  Pick<TriageCase, 'judged' | 'asked' | 'spared' | 'capped'>
>
const caseOf = ({ incident = {}, report = {}, ...over }: Over = {}): TriageCase => ({
  incident: { state: 'open', severity: 'medium', rules: ['Shell', 'Connect'], entityIds: [1n, 2n], ...incident },
  report: { verdict: 'true_positive', confidence: 'high', ...report },
  judged: null,
  asked: null,
  spared: null,
  capped: null,
  ...over,
})
const before = (over: Partial<Asked> = {}): Asked => ({
  at: ago(60),
  times: 1,
  severity: 'medium',
  rules: ['Connect', 'Shell'],
  entityIds: [2n, 1n],
  ...over,
})
const unsure = { report: { verdict: 'suspicious' as const, confidence: 'medium' as const } }
const spared = (over: Partial<Spared> = {}): Spared => ({
  at: ago(1),
  severity: 'medium',
  rules: ['Connect', 'Shell'],
  entityIds: [2n, 1n],
  said: 'claude-haiku-5-5 looked first, and it is one weak sign',
  ...over,
})
const judged = { verdict: 'benign' as const, at: ago(600), incident: 'inc-00000000aa' }
const high = { severity: 'high' as const }

const table: [string, Over, string, RegExp][] = [
  ['severe enough', { incident: high }, 'ask severe', /^it is high$/],
  ['more severe than that', { incident: { severity: 'critical' } }, 'ask severe', /critical/],
  ['suspicious', { report: { verdict: 'suspicious', confidence: 'medium' } }, 'ask undecided', /not sure: suspicious, medium/],
  ['unknown', { report: { verdict: 'unknown' } }, 'ask undecided', /unknown/],
  ['not enough data', { report: { verdict: 'insufficient_data', confidence: 'low' } }, 'ask undecided', /insufficient data/],
  ['little confidence', { report: { confidence: 'low' } }, 'ask undecided', /low confidence/],
  ['sure and not severe', {}, 'spare sure', /says true positive with high confidence, and medium is below high/],
  ['undecided but small', { incident: { severity: 'low' }, report: { verdict: 'suspicious' } }, 'spare small', /only by people/],
  ['explained', { incident: high, report: { verdict: 'benign' } }, 'spare explained', /inventory explains/],
  ['judged alike', { incident: high, judged }, 'spare judged', /2026-11-26 a person judged .* benign \(inc-00000000aa\)/],
  ['closed', { incident: { ...high, state: 'closed' } }, 'spare closed', /closed/],
  ['contained is not closed', { incident: { ...high, state: 'contained' } }, 'ask severe', /high/],
  ['capped', { incident: high, capped: 'the cap is reached' }, 'spare capped', /^the cap is reached$/],
  ['capped, but for a better reason spared', { capped: 'the cap is reached' }, 'spare sure', /sure|below high/],
  ['asked, more of the same', { incident: high, asked: before(high) }, 'spare nothing_new', /nothing but more of the same/],
  ['asked, less severe now', { incident: high, asked: before({ severity: 'critical' }) }, 'spare nothing_new', /more of the same/],
  ['asked, more severe', { incident: high, asked: before() }, 'ask grown', /has become high/],
  ['asked, a new rule', { incident: { ...high, rules: ['Shell', 'Connect', 'Drop'] }, asked: before(high) }, 'ask grown', /1 rule is new/],
  ['asked, new places', { incident: { ...high, entityIds: [1n, 2n, 3n, 4n] }, asked: before(high) }, 'ask grown', /2 places are new/],
  [
    'asked a moment ago',
    { incident: high, asked: before({ at: ago(10) }) },
    'later interval',
    /again from 2026-11-26 12:20 UTC on: it has become high/,
  ],
  ['asked twice, waits twice as long', { incident: high, asked: before({ at: ago(40), times: 2 }) }, 'later interval', /12:20/],
  ['asked very often, once a day', { incident: high, asked: before({ at: ago(24 * 60), times: 90 }) }, 'ask grown', /become high/],
  [
    'looked at first, and spared',
    { ...unsure, spared: spared() },
    'spare looked',
    /^on 2026-11-26 11:59 UTC claude-haiku-5-5 looked first, and it is one weak sign$/,
  ],
  ['spared, a new rule', { ...unsure, incident: { rules: ['Shell', 'Connect', 'Drop'] }, spared: spared() }, 'ask undecided', /not sure/],
  ['spared, a new place', { ...unsure, incident: { entityIds: [3n] }, spared: spared() }, 'ask undecided', /not sure/],
  ['spared, severe now', { ...unsure, incident: high, spared: spared() }, 'ask severe', /high/],
  ['spared, then asked', { ...unsure, spared: spared({ rules: [] }), asked: before() }, 'spare nothing_new', /more of the same/],
  ['asked, grown, capped', { incident: high, asked: before(), capped: 'the cap is reached' }, 'spare capped', /cap/],
]

describe('a model is asked where it adds something', () => {
  it.each(table)('%s', (_name, over, outcome, reason) => {
    const decided = triage(caseOf(over), rules, now)
    expect(`${decided.outcome} ${decided.code}`).toBe(outcome)
    expect(decided.reason).toMatch(reason)
    expect(decided.dueAt === null).toBe(decided.outcome !== 'later')
  })

  it('the threshold is the operator’s, whatever the severity', () => {
    for (const minSeverity of severities)
      for (const severity of severities) {
        const { outcome } = triage(caseOf({ incident: { severity } }), { ...rules, minSeverity }, now)
        expect(outcome, `${severity} where ${minSeverity}`).toBe(
          severities.indexOf(severity) >= severities.indexOf(minSeverity) ? 'ask' : 'spare',
        )
      }
  })

  it('a person’s word of the same spares it, whatever the playbook says', () => {
    for (const verdict of ['unknown', 'suspicious', 'true_positive'] satisfies Verdict[])
      expect(triage(caseOf({ incident: high, report: { verdict }, judged }), rules, now).code).toBe('judged')
  })
})

test('it is looked at first up to the severity that was named, and nowhere else', () => {
  for (const severity of severities) {
    expect(looksFirst({ severity }, undefined)).toBe(false)
    expect(looksFirst({ severity }, 'medium'), severity).toBe(severities.indexOf(severity) <= 2)
  }
})

test('one that brings something new every minute of a week is asked about a dozen times, not ten thousand', () => {
  let asked = null as Asked | null
  for (let minute = 0; minute < 7 * 24 * 60; minute += 1) {
    const at = new Date(now.getTime() + minute * 60_000)
    const incident = { state: 'open' as const, severity: 'high' as const, rules: ['Shell'], entityIds: [BigInt(minute)] }
    if (triage(caseOf({ incident, asked }), rules, at).outcome === 'ask')
      asked = { at, times: (asked?.times ?? 0) + 1, severity: 'high', rules: incident.rules, entityIds: incident.entityIds }
  }
  expect(asked?.times).toBe(12)
})
