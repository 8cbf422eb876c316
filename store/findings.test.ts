import { randomBytes } from 'node:crypto'
import { beforeAll, expect, it } from 'vitest'
import { FixedClock } from '../domain/clock.ts'
import type { NewFinding, NewScan, Outcome } from '../domain/finding.ts'
import { eachDatabase } from '../test/support/database.ts'
import { delivery } from '../test/support/records.ts'
import { sql } from 'kysely'
import type { Database } from './database.ts'
import { accept } from './intake.ts'

const clock = new FixedClock('2026-11-24T10:00:00Z')
const hour = 3_600_000_000_000n
const t0 = 1_790_000_000_000_000_000n
let nextKey = 0

type Report = {
  at: number
  sees: Record<string, Outcome>
  scanner?: string
  covers?: NewScan['covers']
  failed?: string
  ends?: boolean
  untimed?: boolean
  target?: string
}
/** One report of a scanner on an image: which checks it saw, and when. */
function report(target: string, { at, sees, scanner = 'trivy', covers = ['vulnerability'], failed, ends = true, untimed = false }: Report) {
  nextKey += 1
  const scan: NewScan = {
    scope: 'lab',
    scanner,
    version: '1',
    target: { kind: 'image', scope: 'lab', key: target, name: target, namespace: null },
    covers,
    contentKey: nextKey.toString(16).padStart(64, '0'),
    observedNs: t0 + BigInt(at) * hour,
    observedFrom: untimed ? 'received' : 'report',
  }
  const findings = Object.entries(sees).map(([check, outcome]): NewFinding => ({
    scope: 'lab',
    class: 'vulnerability',
    check,
    aliases: [],
    title: `${check} by ${scanner} at ${at}`,
    description: null,
    remediation: null,
    references: [],
    severity: 'high',
    outcome,
    outcomeReason: outcome === 'fail' ? null : `because ${outcome}`,
    resource: { kind: 'image', scope: 'lab', key: target, name: target, namespace: null },
    package: { key: 'pkg:apk/alpine/busybox@1', name: 'busybox', version: '1', type: 'apk', fixedIn: ['2'], paths: [`/lib/${at}`] },
    cvss: null,
    properties: {},
    scan,
    document: {},
    raw: Buffer.from(`{"check":"${check}"}`),
  }))
  const scans = ends ? [{ scan, end: { findings: findings.length, failed: failed ?? null } }] : []
  return delivery({ findings, scans })
}

async function statuses(db: Database, target: string): Promise<Record<string, string>> {
  const rows = await db.query(
    sql<{
      check_id: string
      status: string
      reopened: boolean
    }>`select check_id, status, reopened from findings where resource_key = ${target} order by 1`,
  )
  return Object.fromEntries(rows.map((row) => [row.check_id, row.status + (row.reopened ? ' again' : '')]))
}

const lives: [what: string, reports: Report[], expected: Record<string, string>][] = [
  ['is open while it is seen', [{ at: 1, sees: { A: 'fail' } }], { A: 'open' }],
  [
    'is fixed by a newer scan that looked and did not see it',
    [
      { at: 1, sees: { A: 'fail', B: 'fail' } },
      { at: 2, sees: { B: 'fail' } },
    ],
    { A: 'fixed', B: 'open' },
  ],
  [
    'is not fixed by an empty scan',
    [
      { at: 1, sees: { A: 'fail' } },
      { at: 2, sees: {} },
    ],
    { A: 'open' },
  ],
  [
    'is not fixed by a scan that failed',
    [
      { at: 1, sees: { A: 'fail' } },
      { at: 2, sees: { B: 'fail' }, failed: 'no database' },
    ],
    { A: 'open', B: 'open' },
  ],
  [
    'is not fixed by a scan that did not come to its end',
    [
      { at: 1, sees: { A: 'fail' } },
      { at: 2, sees: { B: 'fail' }, ends: false },
    ],
    { A: 'open', B: 'open' },
  ],
  [
    'is not fixed by a scan that looked for something else',
    [
      { at: 1, sees: { A: 'fail' } },
      { at: 2, sees: { B: 'fail' }, covers: ['secret'] },
    ],
    { A: 'open', B: 'open' },
  ],
  [
    'is not fixed by another scanner',
    [
      { at: 1, sees: { A: 'fail' } },
      { at: 2, sees: { B: 'fail' }, scanner: 'grype' },
    ],
    { A: 'open', B: 'open' },
  ],
  [
    'is not fixed by an older scan',
    [
      { at: 2, sees: { A: 'fail' } },
      { at: 1, sees: { B: 'fail' } },
    ],
    { A: 'open', B: 'fixed' },
  ],
  [
    'is not fixed by a report that does not say when it looked',
    [
      { at: 1, sees: { A: 'fail' } },
      { at: 2, sees: { B: 'fail' }, untimed: true },
    ],
    { A: 'open', B: 'open' },
  ],
  [
    'comes back',
    [
      { at: 1, sees: { A: 'fail' } },
      { at: 2, sees: { B: 'fail' } },
      { at: 3, sees: { A: 'fail', B: 'fail' } },
    ],
    { A: 'open again', B: 'open' },
  ],
  [
    'stays open while one of two scanners sees it',
    [
      { at: 1, sees: { A: 'fail' } },
      { at: 1, sees: { A: 'fail' }, scanner: 'grype' },
      { at: 2, sees: { B: 'fail' } },
    ],
    { A: 'open', B: 'open' },
  ],
  [
    'is fixed when a check passes that failed',
    [
      { at: 1, sees: { A: 'fail' } },
      { at: 2, sees: { A: 'pass' } },
    ],
    { A: 'fixed' },
  ],
  ['has passed when it never failed', [{ at: 1, sees: { A: 'pass' } }], { A: 'passed' }],
  [
    'comes back from a pass',
    [
      { at: 1, sees: { A: 'fail' } },
      { at: 2, sees: { A: 'pass' } },
      { at: 3, sees: { A: 'fail' } },
    ],
    { A: 'open again' },
  ],
  [
    'is fixed by a pass of a scanner whose silence says nothing',
    [
      { at: 1, sees: { A: 'fail', B: 'fail' }, covers: [] },
      { at: 2, sees: { A: 'pass' }, covers: [] },
    ],
    { A: 'fixed', B: 'open' },
  ],
  ['is suppressed when the only scanner was told to be silent', [{ at: 1, sees: { A: 'muted' } }], { A: 'suppressed' }],
  [
    'is suppressed by a VEX statement, whoever sees it',
    [
      { at: 1, sees: { A: 'fail' } },
      { at: 1, sees: { A: 'not_applicable' }, scanner: 'vex' },
    ],
    { A: 'suppressed' },
  ],
  ['has to be looked at by a person', [{ at: 1, sees: { A: 'manual' } }], { A: 'manual' }],
]

eachDatabase('the life of a finding', (database) => {
  beforeAll(async () => {
    await database().query(sql`select 1`)
  })

  it.each(lives)('%s, in whatever order the reports come', async (what, reports, expected) => {
    for (const [turn, order] of orders(reports.length).entries()) {
      const target = `${what} ${turn}`
      for (const index of order) await accept(database(), clock, [report(target, reports[index] as Report)])
      expect(await statuses(database(), target), `order ${order.join(' ')}`).toEqual(expected)
    }
  })

  it('has its status since the scan that first said so', async () => {
    const since = async (target: string): Promise<number> => {
      const [row] = await database().query(
        sql<{ status_ns: bigint }>`select status_ns from findings where resource_key = ${target} and check_id = 'A'`,
      )
      return Number(((row?.status_ns ?? 0n) - t0) / hour)
    }
    const told: [string, Report[], number][] = [
      [
        'open',
        [
          { at: 2, sees: { A: 'fail' } },
          { at: 3, sees: { A: 'fail' } },
        ],
        2,
      ],
      [
        'back',
        [
          { at: 1, sees: { A: 'fail' } },
          { at: 2, sees: { B: 'fail' } },
          { at: 4, sees: { A: 'fail' } },
          { at: 5, sees: { A: 'fail' } },
        ],
        4,
      ],
      [
        'gone',
        [
          { at: 1, sees: { A: 'fail' } },
          { at: 3, sees: { B: 'fail' } },
          { at: 4, sees: { B: 'fail' } },
        ],
        3,
      ],
      [
        'passes',
        [
          { at: 1, sees: { A: 'fail' } },
          { at: 3, sees: { A: 'pass' } },
          { at: 4, sees: { A: 'pass' } },
        ],
        3,
      ],
      [
        'passed',
        [
          { at: 3, sees: { A: 'pass' } },
          { at: 4, sees: { A: 'pass' } },
        ],
        3,
      ],
    ]
    for (const [what, reports, expected] of told) {
      for (const one of reports.toReversed()) await accept(database(), clock, [report(`since ${what}`, one)])
      expect(await since(`since ${what}`), what).toBe(expected)
    }
  })

  it('stores the same report once, in one batch or in many', async () => {
    const one = report('same', { at: 1, sees: { A: 'fail', B: 'fail', C: 'pass' } })
    const first = await accept(database(), clock, [one])
    expect(first[0]).toMatchObject({ accepted: 3, duplicates: 0 })
    expect((await accept(database(), clock, [one]))[0]).toMatchObject({ accepted: 0, duplicates: 3 })
    const again = one.findings.map((finding) => delivery({ findings: [finding] }))
    expect((await accept(database(), clock, again)).map((tally) => tally.accepted)).toEqual([0, 0, 0])
  })

  it('takes a check that names no package again with a report that repeats it', async () => {
    const { findings } = report('bare', { at: 1, sees: { A: 'fail' } })
    const bare = findings.map((finding) => ({ ...finding, package: null }))
    for (const accepted of [1, 0]) expect((await accept(database(), clock, [delivery({ findings: bare })]))[0]).toMatchObject({ accepted })
  })

  it('keeps of one scan the worst outcome and all places', async () => {
    const { findings } = report('worst', { at: 1, sees: { A: 'fail' } })
    const [finding] = findings as [NewFinding]
    const also = (outcome: Outcome, path: string): NewFinding => ({
      ...finding,
      outcome,
      package: { ...(finding.package as NonNullable<NewFinding['package']>), paths: [path] },
    })
    const tallies = await accept(database(), clock, [
      delivery({ findings: [also('pass', '/b'), also('fail', '/a')] }),
      delivery({ findings: [also('muted', '/c')] }),
    ])
    expect(tallies.map(({ accepted, duplicates }) => [accepted, duplicates])).toEqual([
      [1, 1],
      [0, 1],
    ])
    expect(await database().query(sql`select w.outcome, w.paths from finding_witnesses w where w.target_key = 'worst'`)).toEqual([
      { outcome: 0, paths: ['/a', '/b', '/c'] },
    ])
  })

  it('joins what two scanners say, and keeps who said what', async () => {
    await accept(database(), clock, [
      report('joined', { at: 1, sees: { A: 'fail' } }),
      report('joined', { at: 2, sees: { A: 'fail' }, scanner: 'grype' }),
    ])
    expect(
      await database().query(
        sql`select f.title, array_agg(w.scanner order by w.scanner) as by from findings f join finding_witnesses w on w.finding_id = f.id where f.resource_key = 'joined' group by 1`,
      ),
    ).toEqual([{ title: 'A by grype at 2', by: ['grype', 'trivy'] }])
  })

  it('is not fixed by a scan that saw it when the database refused to store that', async () => {
    await accept(database(), clock, [report('refused', { at: 1, sees: { A: 'fail', B: 'fail' } })])
    const again = report('refused', { at: 2, sees: { A: 'fail', B: 'fail' } })
    const [seen, refused] = again.findings as [NewFinding, NewFinding]
    const tooLong = { ...refused, severity: 'high' as const, resource: { ...refused.resource, key: randomBytes(20_000).toString('hex') } }
    expect((await accept(database(), clock, [{ ...again, findings: [seen, tooLong] }]))[0]).toMatchObject({ accepted: 1, deadLetters: 1 })
    expect(await statuses(database(), 'refused')).toEqual({ A: 'open', B: 'open' })
  })

  it('takes what the database refuses for itself alone', async () => {
    const one = report('poisoned', { at: 1, sees: { A: 'fail', B: 'fail' } })
    const [good, bad] = one.findings as [NewFinding, NewFinding]
    const poisoned = { ...bad, scan: { ...bad.scan, observedNs: 2n ** 63n } }
    const [tally] = await accept(database(), clock, [{ ...one, findings: [good, poisoned], scans: [] }])
    expect(tally).toMatchObject({ accepted: 1, deadLetters: 1 })
    const nul = { ...good, check: 'NUL\0', title: 'broken \ud800' }
    expect((await accept(database(), clock, [delivery({ findings: [nul] })]))[0]).toMatchObject({ accepted: 1 })
  })
})

/** All orders of so many things. */
function orders(count: number): number[][] {
  if (count === 0) return [[]]
  return orders(count - 1).flatMap((rest) => Array.from({ length: count }, (_, at) => rest.toSpliced(at, 0, count - 1)))
}
