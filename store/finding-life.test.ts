/**
 * The life of a finding against a judge that works it out scan by scan from the words alone: random histories of scanners, random order of
 * arrival, in random batches, reports that come twice. What is stored may depend on none of these.
 */
import fc from 'fast-check'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { FixedClock } from '../domain/clock.ts'
import type { NewFinding, NewScan, Outcome } from '../domain/finding.ts'
import { eachDatabase } from '../test/support/database.ts'
import { delivery } from '../test/support/records.ts'
import { cases, seed } from '../test/support/sizes.ts'
import type { Database } from './database.ts'
import type { Delivery } from './delivery.ts'
import { accept } from './intake.ts'

const clock = new FixedClock('2026-11-24T10:00:00Z')
const hour = 3_600_000_000_000n
const t0 = 1_790_000_000_000_000_000n
const checks = ['A', 'B', 'C'] as const

/** `twice`: the same report comes again later, as another reception. `vex`: it states for one check that it does not apply. */
type Told = {
  scanner: string
  target: number
  at: number
  sees: Partial<Record<(typeof checks)[number], Outcome>>
  covers: boolean
  failed: boolean
  ends: boolean
  timed: boolean
  twice: boolean
}
const outcome = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Outcome>('fail') },
  { weight: 2, arbitrary: fc.constant<Outcome>('pass') },
  { weight: 1, arbitrary: fc.constantFrom<Outcome>('manual', 'muted') },
)
const mostly = (value: boolean): fc.Arbitrary<boolean> =>
  fc.oneof({ weight: 6, arbitrary: fc.constant(value) }, { weight: 1, arbitrary: fc.constant(!value) })
const toldBy = (scanner: string, target: number): fc.Arbitrary<Told> =>
  fc.record({
    scanner: fc.constant(scanner),
    target: fc.constant(target),
    at: fc.integer({ min: 1, max: 8 }),
    sees: fc.dictionary(fc.constantFrom(...checks), outcome, { maxKeys: 3 }),
    covers: mostly(true),
    failed: mostly(false),
    ends: mostly(true),
    timed: mostly(true),
    twice: mostly(false),
  })
const vex: fc.Arbitrary<Told> = fc
  .record({ target: fc.nat(1), at: fc.integer({ min: 1, max: 8 }), check: fc.constantFrom(...checks) })
  .map(({ check, ...one }) => ({
    ...one,
    scanner: 'vex',
    sees: { [check]: 'not_applicable' as const },
    covers: false,
    failed: false,
    ends: true,
    timed: true,
    twice: false,
  }))
const history = fc
  .tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 2, max: 4 }))
  .chain(([targets, scanners]) =>
    fc.tuple(
      ...Array.from({ length: targets * scanners }, (_, place) =>
        fc.array(toldBy(`scanner-${place % scanners}`, Math.floor(place / scanners)), { minLength: 1, maxLength: 6 }),
      ),
      fc.oneof({ weight: 4, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: vex.map((one) => [one]) }),
    ),
  )
  .map((those) => those.flat())
/** Where each report comes and where batches are cut. */
const arrival = fc.record({
  places: fc.array(fc.nat(10_000), { minLength: 60, maxLength: 60 }),
  cuts: fc.array(fc.nat(4), { minLength: 60, maxLength: 60 }),
})

type Report = Told & { key: string }
const observedNs = ({ at }: Told): bigint => t0 + BigInt(at) * hour

function scanOf(name: string, report: Report, again: boolean): NewScan {
  const target = `${name}-${report.target}`
  return {
    scope: 'lab',
    scanner: report.scanner,
    version: null,
    target: { kind: 'image', scope: 'lab', key: target, name: target, namespace: null },
    covers: report.covers ? ['vulnerability'] : ['secret'],
    contentKey: report.key,
    observedNs: observedNs(report) + (again && !report.timed ? 100n * hour : 0n),
    observedFrom: report.timed ? 'report' : 'received',
  }
}

const findingOf = (scan: NewScan, check: string, outcomeOf: Outcome): NewFinding => ({
  scope: 'lab',
  class: 'vulnerability',
  check,
  aliases: [],
  title: check,
  description: null,
  remediation: null,
  references: [],
  severity: 'high',
  outcome: outcomeOf,
  outcomeReason: null,
  resource: scan.target,
  package: null,
  cvss: null,
  properties: {},
  scan,
  document: {},
  raw: Buffer.from('{}'),
})

/** A report as the reader cuts it: its findings in some batches, its end in the last. */
function batchesOf(name: string, report: Report, cut: number, again: boolean): Delivery[] {
  const scan = scanOf(name, report, again)
  const findings = Object.entries(report.sees).map(([check, one]) => findingOf(scan, check, one))
  const end = { scan, end: { findings: findings.length, failed: report.failed ? 'no database' : null } }
  const parts = [
    delivery({ findings: findings.slice(0, cut) }),
    delivery({ findings: findings.slice(cut), scans: report.ends ? [end] : [] }),
  ]
  return parts.filter((one) => one.findings.length + one.scans.length > 0)
}

async function store(
  db: Database,
  name: string,
  reports: readonly Report[],
  { places, cuts }: { places: number[]; cuts: number[] },
): Promise<void> {
  const arriving = reports
    .flatMap((report, index) => [
      { report, again: false, place: places[index % 60] as number, cut: cuts[index % 60] as number },
      // What comes again comes after it came first.
      ...(report.twice
        ? [{ report, again: true, place: (places[index % 60] as number) + 5_000, cut: cuts[(index + 7) % 60] as number }]
        : []),
    ])
    .sort((a, b) => a.place - b.place)
  let together: Delivery[] = []
  for (const [index, { report, again, cut }] of arriving.entries()) {
    together.push(...batchesOf(name, report, cut, again))
    if (cuts[(index + 3) % 60] === 0) {
      await accept(db, clock, together)
      together = []
    }
  }
  await accept(db, clock, together)
}

type Fate = { status: string; reopened: boolean; first: bigint; last: bigint }

/** One scanner's view of one check of one target, told scan by scan in the order of their times. */
function view(reports: readonly Report[], check: (typeof checks)[number]): Fate | null {
  const inOrder = reports.toSorted((a, b) => a.at - b.at || (a.key < b.key ? -1 : 1))
  const seeing = inOrder.filter((one) => one.sees[check] !== undefined)
  const [earliest] = seeing
  const newest = seeing.at(-1)
  if (earliest === undefined || newest === undefined) return null
  const looked = (one: Report): boolean => one.timed && one.ends && !one.failed && one.covers && Object.keys(one.sees).length > 0
  const missedIt = (one: Report): boolean => one.sees[check] === undefined && looked(one)
  const failing = seeing.filter((one) => one.sees[check] === 'fail')
  const gone = inOrder.filter((one) => missedIt(one) || (one.timed && one.sees[check] === 'pass'))
  const reopened = failing.some((a) => gone.some((g) => a.at < g.at && failing.some((b) => g.at < b.at)))
  const missed = inOrder.filter((one) => missedIt(one) && one.at > newest.at)
  const said = newest.sees[check]
  const status =
    said === 'not_applicable'
      ? 'excused'
      : said === 'muted'
        ? 'suppressed'
        : said === 'pass'
          ? failing.length > 0
            ? 'fixed'
            : 'passed'
          : missed.length > 0
            ? 'fixed'
            : said === 'manual'
              ? 'manual'
              : 'open'
  return { status, reopened, first: observedNs(earliest), last: observedNs(newest) }
}

function judged(reports: readonly Report[], target: number, check: (typeof checks)[number]): Fate | null {
  const byScanner = Map.groupBy(
    reports.filter((one) => one.target === target),
    ({ scanner }) => scanner,
  )
  const views = [...byScanner.values()].flatMap((those) => view(those, check) ?? [])
  if (views.length === 0) return null
  const has = (status: string): boolean => views.some((one) => one.status === status)
  const status = has('excused') ? 'suppressed' : (['open', 'manual', 'suppressed', 'fixed', 'passed'].find(has) ?? '')
  const times = (of: 'first' | 'last'): bigint[] => views.map((one) => one[of]).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
  return { status, reopened: views.some((one) => one.reopened), first: times('first')[0] as bigint, last: times('last').at(-1) as bigint }
}

let nextName = 0
eachDatabase('the life of a finding', (database) => {
  it('is what a judge works out from the words, whatever the order, the batches and the repeats', async ({ task }) => {
    const met = new Map<string, number>()
    await fc.assert(
      fc.asyncProperty(history, arrival, async (told, arriving) => {
        nextName += 1
        const name = `life-${nextName}`
        const reports = told.map((one, index) => ({
          ...one,
          key: (BigInt(nextName) * 1_000n + BigInt(index)).toString(16).padStart(64, '0'),
        }))
        await store(database(), name, reports, arriving)
        const rows = await database().query(
          sql<{
            check_id: string
            resource_key: string
            status: string
            reopened: boolean
            first: bigint
            last: bigint
          }>`select check_id, resource_key,
            status, reopened, first_ns as first, last_ns as last from findings where resource_key in (${`${name}-0`}, ${`${name}-1`})`,
        )
        const stored = new Map(rows.map(({ check_id, resource_key, ...row }) => [`${resource_key} ${check_id}`, row]))
        for (const target of [0, 1])
          for (const check of checks) {
            const expected = judged(reports, target, check)
            const place = `${name}-${target} ${check}`
            expect(stored.get(place) ?? null, place).toEqual(expected)
            if (expected !== null) {
              const what = expected.status + (expected.reopened ? ' again' : '')
              met.set(what, (met.get(what) ?? 0) + 1)
            }
          }
      }),
      { numRuns: cases(1_000, 40), seed, endOnFailure: true },
    )
    for (const what of ['open', 'fixed', 'open again', 'suppressed', 'passed', 'manual']) expect([...met.keys()]).toContain(what)
    Object.assign(task.meta, { cases: cases(1_000, 40) })
  }, 7_200_000)
})
