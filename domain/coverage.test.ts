import { describe, expect, it } from 'vitest'
import {
  type CoverageGap,
  expectedMs,
  scanGaps,
  type ScanFacts,
  type SensorFacts,
  sensorGaps,
  type SourceFacts,
  sourceGaps,
} from './coverage.ts'

const now = new Date('2026-11-25T12:00:00Z')
const ago = (hours: number): Date => new Date(now.getTime() - hours * 3_600_000)
const source = (over: Partial<SourceFacts> = {}): SourceFacts => ({
  name: 'falco',
  collector: 'falco',
  expectedMs: null,
  disabledAt: null,
  lastSeenAt: ago(0.1),
  deadLetters: 0,
  skewMs: -300,
  ...over,
})
const sensor = (over: Partial<SensorFacts> = {}): SensorFacts => ({ lastAt: ago(0.5), dropped: 0n, alertsDropped: 0n, ...over })
const scan = (over: Partial<ScanFacts> = {}): ScanFacts => ({
  observedAt: ago(20),
  lookedAt: ago(20),
  goneAt: null,
  timed: true,
  ended: true,
  failed: null,
  findings: 3,
  ...over,
})

type Case = [what: string, gaps: CoverageGap[], kinds: CoverageGap['kind'][], since: (Date | null)[]]
const told: Case[] = [
  ['a source that was never heard', sourceGaps(source({ lastSeenAt: null }), now), ['never'], [null]],
  ['a source silent for longer than its collector says', sourceGaps(source({ lastSeenAt: ago(2.1) }), now), ['silent'], [ago(2.1)]],
  [
    'a source silent for longer than a person says',
    sourceGaps(source({ lastSeenAt: ago(0.1), expectedMs: 60_000 }), now),
    ['silent'],
    [ago(0.1)],
  ],
  ['a scanner’s source silent for days', sourceGaps(source({ collector: 'trivy', lastSeenAt: ago(49) }), now), ['silent'], [ago(49)]],
  [
    'an audit log silent for an hour',
    sourceGaps(source({ collector: 'kubernetes-audit', lastSeenAt: ago(1.1) }), now),
    ['silent'],
    [ago(1.1)],
  ],
  ['a source that is disabled', sourceGaps(source({ disabledAt: ago(3) }), now), ['silent'], [ago(3)]],
  ['a source of which something could not be read', sourceGaps(source({ deadLetters: 4 }), now), ['unread'], [null]],
  ['a source whose clock is ahead', sourceGaps(source({ skewMs: 600_000 }), now), ['skewed'], [null]],
  [
    'several at once',
    sourceGaps(source({ lastSeenAt: ago(9), deadLetters: 1, skewMs: 600_000 }), now),
    ['silent', 'skewed', 'unread'],
    [ago(9), null, null],
  ],
  [
    'an import that a person expects every day',
    sourceGaps(source({ name: 'lab-import', expectedMs: 86_400_000, lastSeenAt: ago(30) }), now),
    ['silent'],
    [ago(30)],
  ],
  ['a sensor that is silent', sensorGaps(sensor({ lastAt: ago(2.5) }), now), ['silent'], [ago(2.5)]],
  ['a sensor that dropped events', sensorGaps(sensor({ dropped: 7n }), now), ['dropping'], [null]],
  ['a sensor whose alerts were dropped', sensorGaps(sensor({ alertsDropped: 2n }), now), ['dropping'], [null]],
  [
    'a sensor that dropped and went silent',
    sensorGaps(sensor({ lastAt: ago(3), dropped: 1n, alertsDropped: 1n }), now),
    ['silent', 'dropping', 'dropping'],
    [ago(3), null, null],
  ],
  ['an empty scan', scanGaps(scan({ findings: 0, lookedAt: ago(90) }), now), ['empty'], [ago(90)]],
  ['a target of which every scan was empty', scanGaps(scan({ findings: 0, lookedAt: null }), now), ['empty'], [null]],
  ['a scan that failed', scanGaps(scan({ failed: 'no database' }), now), ['failed'], [ago(20)]],
  ['a report that did not come to its end', scanGaps(scan({ ended: false, lookedAt: null }), now), ['unfinished'], [null]],
  ['a target not scanned for a week', scanGaps(scan({ observedAt: ago(169), lookedAt: ago(169) }), now), ['silent'], [ago(169)]],
  ['a report that does not say when it looked', scanGaps(scan({ timed: false }), now), ['untimed'], [null]],
]

describe('what is not known', () => {
  it.each(told)('guarantee 29: %s is a gap, with since when, and never called clean', (_what, gaps, kinds, since) => {
    expect(gaps.map((gap) => gap.kind)).toEqual(kinds)
    expect(gaps.map((gap) => gap.since)).toEqual(since)
    for (const { says } of gaps) expect(says).not.toMatch(/clean|no (?:vulnerabilit|finding|problem)|all is well|\bok\b/i)
  })

  it('is nothing where all is as expected', () => {
    expect([sourceGaps(source(), now), sensorGaps(sensor(), now), scanGaps(scan(), now)]).toEqual([[], [], []])
    expect(sourceGaps(source({ name: 'lab-import', lastSeenAt: ago(5_000) }), now)).toEqual([])
    expect(expectedMs(source({ expectedMs: 5 }))).toBe(5)
  })

  it('begins exactly when the expected time has passed', () => {
    const at = (ms: number): CoverageGap[] => sourceGaps(source({ expectedMs: 60_000, lastSeenAt: new Date(now.getTime() - ms) }), now)
    expect([at(60_000).length, at(60_001).length]).toEqual([0, 1])
  })
})
