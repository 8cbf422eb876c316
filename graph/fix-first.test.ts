/**
 * Fixes kept current: random histories of scans, suppressions, lists, pods and incidents, in two orders of arrival and with derivations in between,
 * come to the same; it is what deriving everything anew gives; and counts and order are what a judge works out from the words.
 */
import fc from 'fast-check'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { FixedClock } from '../domain/clock.ts'
import type { NewAdvisory } from '../domain/advisory.ts'
import type { NewFinding } from '../domain/finding.ts'
import { operatorPrincipal } from '../domain/principal.ts'
import type { Database } from '../store/database.ts'
import { decideFinding } from '../store/finding-decisions.ts'
import type { Delivery } from '../store/delivery.ts'
import { type Fix, listFixes } from '../store/fixes.ts'
import { accept } from '../store/intake.ts'
import { evidenceAsOf } from '../store/advisories.ts'
import { eachDatabase } from '../test/support/database.ts'
import { delivery, noon, podRecords } from '../test/support/records.ts'
import { cases, seed } from '../test/support/sizes.ts'
import { deriveMarked } from './derive.ts'
import { deriveFixes } from './fix-first.ts'
import { moreExploitable } from './fixes/risk.ts'

const clock = new FixedClock('2026-11-24T10:00:00Z')
const nowNs = BigInt(clock.now().getTime()) * 1_000_000n
const day = 86_400_000_000_000n

type Told =
  | {
      kind: 'finding'
      image: number
      package: number
      check: number
      system: boolean
      cvss: number | null
      fixedIn: string[]
      again: boolean
    }
  | { kind: 'setting'; workload: number; check: string }
  | { kind: 'list'; list: 'kev' | 'epss'; check: number; daysAgo: number; score: number }
  | { kind: 'pod'; workload: number; image: number; critical: boolean }
const told: fc.Arbitrary<Told> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('finding' as const),
      image: fc.nat(2),
      package: fc.nat(1),
      check: fc.nat(3),
      system: fc.boolean(),
      cvss: fc.option(fc.constantFrom(3.1, 7.5, 9.8)),
      fixedIn: fc.constantFrom<string[]>([], ['2.0'], ['1.2', '3.0']),
      again: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('setting' as const),
      workload: fc.nat(1),
      check: fc.constantFrom('kubescape/C-0057', 'trivy/KSV-0017', 'other/1'),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('list' as const),
      list: fc.constantFrom('kev' as const, 'epss' as const),
      check: fc.nat(3),
      daysAgo: fc.integer({ min: -1, max: 3 }),
      score: fc.constantFrom(0.01, 0.3, 0.9),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('pod' as const), workload: fc.nat(1), image: fc.nat(2), critical: fc.boolean() }) },
)

const digest = (name: string, image: number): string =>
  `sha256:${Buffer.from(`${name}-${image}`).toString('hex').padEnd(64, '0').slice(0, 64)}`
const cve = (name: string, check: number): string => `CVE-2026-${10_000 + Number(name.slice(1)) * 10 + check}`

function finding(name: string, one: Extract<Told, { kind: 'finding' | 'setting' }>, place: number): NewFinding {
  const resource =
    one.kind === 'finding'
      ? { kind: 'image' as const, scope: 'global', key: digest(name, one.image), name: `app-${one.image}`, namespace: null }
      : { kind: 'workload' as const, scope: name, key: `shop/Deployment/w${one.workload}`, name: `w${one.workload}`, namespace: 'shop' }
  const scan = {
    scope: name,
    scanner: one.kind === 'finding' ? `scanner-${place % 2}` : (one.check.split('/')[0] as string),
    version: null,
    target: resource,
    covers: [],
    contentKey: `${name}${place}`,
    observedNs: noon + BigInt(place) * 1_000_000_000n,
    observedFrom: 'report' as const,
  }
  return {
    scope: name,
    class: one.kind === 'finding' ? 'vulnerability' : 'misconfiguration',
    check: one.kind === 'finding' ? cve(name, one.check) : one.check,
    aliases: [],
    title: 'title',
    description: null,
    remediation: null,
    references: [],
    severity: 'high',
    outcome: 'fail',
    outcomeReason: null,
    resource,
    package:
      one.kind === 'finding'
        ? {
            key: `pkg:${one.system ? 'apk/alpine' : 'npm'}/p${one.package}@1.0`,
            name: `p${one.package}`,
            version: '1.0',
            type: one.system ? 'apk' : 'npm',
            fixedIn: one.fixedIn,
            paths: [],
          }
        : null,
    cvss: one.kind === 'finding' && one.cvss !== null ? { version: '3.1', score: one.cvss, vector: null } : null,
    properties: one.kind === 'finding' && one.system ? { baseLayer: `sha256:base-${name}`, distribution: 'alpine 3.19' } : {},
    scan: { ...scan, contentKey: Buffer.from(scan.contentKey).toString('hex').padEnd(64, '0') },
    document: {},
    raw: Buffer.from('{}'),
  }
}

function deliveryOf(name: string, one: Told, place: number): Delivery {
  switch (one.kind) {
    case 'finding':
    case 'setting':
      return delivery({ scope: name, findings: [finding(name, one, place)] })
    case 'list': {
      const snapshotNs = nowNs - BigInt(one.daysAgo) * day
      const advisory: NewAdvisory = {
        list: one.list,
        cve: cve(name, one.check),
        snapshot: `day-${one.daysAgo}`,
        snapshotNs,
        facts: one.list === 'kev' ? { dateAdded: '2026-01-01' } : { score: one.score, percentile: null },
      }
      return delivery({ scope: name, advisories: [advisory] })
    }
    case 'pod': {
      // Told once each: what inventory says later wins by its own time, which is not what this is about.
      const pod = podRecords({ name: `w${one.workload}-${place}`, workload: { kind: 'Deployment', name: `w${one.workload}` } }, name)
      for (const entity of pod.entities) {
        if (entity.kind === 'pod')
          entity.properties = {
            ...entity.properties,
            containers: [{ ...(entity.properties.containers as object[])[0], imageId: `app@${digest(name, one.image)}` }],
          }
        if (entity.kind === 'pod' || entity.kind === 'container') entity.key = `${name}-${entity.key}`
        if (entity.kind === 'workload' && one.workload === 0)
          entity.properties = { ...entity.properties, labels: { 'falconer.dev/criticality': 'critical' } }
      }
      return delivery({ scope: name, entities: pod.entities.filter(({ kind }) => kind !== 'node') })
    }
  }
}

async function derive(db: Database): Promise<void> {
  while ((await deriveMarked(db, clock)).more);
  while ((await deriveFixes(db, clock, 5)).more);
}

/** Without what says when it was derived, and without row numbers. */
const comparable = (fixes: readonly Fix[], name: string): string[] => {
  const hex = new RegExp(Buffer.from(`${name}-`).toString('hex'), 'g')
  return fixes
    .map(({ derivedAt: _at, id: _id, details, ...fix }) => {
      const best = details.best.map(({ id: _row, ...one }) => one)
      const places = details.places.map(({ id: _row, ...one }) => one)
      const steps = details.steps.map(({ from: _from, to: _to, ...one }) => one).toSorted((a, b) => (a.because < b.because ? -1 : 1))
      return JSON.stringify({ ...fix, details: { ...details, best, places, steps } }, (_key, value: unknown) =>
        typeof value === 'bigint' ? String(value) : value,
      )
        .replaceAll(name, 'NAME')
        .replaceAll(hex, 'HEX')
        .replaceAll(/CVE-2026-\d+(\d)/g, 'CVE-$1')
    })
    .sort()
}

const all = async (db: Database, scope: string): Promise<Fix[]> => (await listFixes(db, { scope }, { limit: 1_000 })).fixes

let next = 100
eachDatabase('fixes', (database) => {
  it('come to the same in whatever order, are what deriving everything anew gives, and count what is open', async () => {
    const db = database()
    await fc.assert(
      fc.asyncProperty(
        fc.array(told, { minLength: 3, maxLength: 14 }),
        fc.array(fc.nat(1_000), { minLength: 14, maxLength: 14 }),
        fc.nat(),
        async (those, places, suppress) => {
          const outcomes: string[][] = []
          for (const order of ['as told', 'another'] as const) {
            next += 1
            // What other runs left is none of this one’s business, and each list of KEV would have it derived again.
            await db.query(sql`delete from fixes`)
            await db.query(sql`delete from fix_marks`)
            const name = `s${next}`
            // Advisories are the same for all: each run has CVEs of its own, and the snapshots that the other runs made.
            const events = those
              .map((one, place) => ({ one, place, at: order === 'as told' ? place : (places[place % 14] as number) }))
              .sort((a, b) => a.at - b.at)
            for (const { one, place, at } of events) {
              await accept(db, clock, [deliveryOf(name, one, place)])
              if (at % 3 === (order === 'as told' ? 0 : 1)) await derive(db)
            }
            const rows = await db.query(sql<{
              id: string
            }>`select f.id::text from findings f join finding_witnesses w on w.finding_id = f.id where w.scope = ${name}
            group by f.id, f.check_id, f.resource_key, f.package_key order by f.check_id, f.resource_key collate "C", f.package_key collate "C"`)
            const held = rows[suppress % Math.max(1, rows.length)]
            if (held !== undefined && suppress % 2 === 0)
              await db.transaction((tx) =>
                decideFinding(tx, {
                  findingId: held.id,
                  at: clock.now(),
                  principal: operatorPrincipal,
                  reason: 'x',
                  until: new Date(clock.now().getTime() + 60_000),
                }),
              )
            await derive(db)
            const fixes = await all(db, name)
            outcomes.push(comparable(fixes, name))
            expect(fixes.map(({ score }) => score)).toEqual(fixes.map(({ score }) => score).toSorted((a, b) => b - a))
            const open = await db.query(sql<{
              n: bigint
            }>`select count(*) as n from findings f where status = 'open' and (suppressed_until is null or suppressed_until <= ${clock.now()})
            and exists (select 1 from finding_witnesses w where w.finding_id = f.id and w.scope = ${name})`)
            expect(fixes.reduce((sum, one) => sum + one.findings, 0)).toBe(Number(open[0]?.n))
            // All anew: the same.
            await db.query(sql`insert into fix_marks (fix_id) select id from fixes`)
            await db.query(sql`update graph_units set dirty_at = now() where scope = ${name}`)
            await derive(db)
            expect(comparable(await all(db, name), name)).toEqual(outcomes.at(-1))
          }
          expect(outcomes[1]).toEqual(outcomes[0])
        },
      ),
      { numRuns: cases(400, 15), seed, endOnFailure: true },
    )
  }, 3_600_000)

  it('stand on what the lists said at a moment: of KEV and EPSS the newest snapshot not after it', async () => {
    const db = database()
    const at = (date: string): bigint => BigInt(Date.parse(date)) * 1_000_000n
    const kev = (date: string, ...cves: string[]): NewAdvisory[] =>
      cves.map((one) => ({ list: 'kev', cve: one, snapshot: date, snapshotNs: at(date), facts: { dateAdded: '2020-01-01' } }))
    const epss = (date: string, scores: Record<string, number>): NewAdvisory[] =>
      Object.entries(scores).map(([one, score]) => ({
        list: 'epss',
        cve: one,
        snapshot: date,
        snapshotNs: at(date),
        facts: { score, percentile: null },
      }))
    const [a, b, c] = ['CVE-1999-9001', 'CVE-1999-9002', 'CVE-1999-9003'] as const
    // Newest first: the order in which they come says nothing.
    for (const advisories of [
      epss('2020-03-01', { [a]: 0.1, [b]: 0.2 }),
      kev('2020-03-01', b),
      kev('2020-02-01', a, c),
      epss('2020-02-01', { [a]: 0.9, [b]: 0.3, [c]: 0.9 }),
    ])
      await accept(db, clock, [delivery({ advisories })])
    const order = async (date: string): Promise<string[]> => {
      const found = await evidenceAsOf(db, [a, b, c], at(date))
      return [...found.entries()].toSorted(([, x], [, y]) => moreExploitable(x, y)).map(([one]) => one)
    }
    const said = async (date: string): Promise<unknown> => Object.fromEntries(await evidenceAsOf(db, [a, b, c], at(date)))
    expect(await said('2020-01-31')).toEqual({ [a]: {}, [b]: {}, [c]: {} })
    expect(await said('2020-02-01')).toEqual({
      [a]: { kev: true, kevAsOf: '2020-02-01', epss: 0.9, epssAsOf: '2020-02-01' },
      [b]: { kev: false, kevAsOf: '2020-02-01', epss: 0.3, epssAsOf: '2020-02-01' },
      [c]: { kev: true, kevAsOf: '2020-02-01', epss: 0.9, epssAsOf: '2020-02-01' },
    })
    expect(await order('2020-02-29')).toEqual([a, c, b])
    // What the newer KEV does not name is no longer on it; what the newer EPSS does not know keeps the score it had.
    expect(await said('2020-03-02')).toMatchObject({
      [a]: { kev: false, epss: 0.1 },
      [b]: { kev: true, epss: 0.2 },
      [c]: { kev: false, epss: 0.9 },
    })
    expect(await order('2020-03-02')).toEqual([b, c, a])
  })
})
