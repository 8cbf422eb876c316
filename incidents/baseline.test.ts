import fc from 'fast-check'
import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import type { NewAlert } from '../domain/alert.ts'
import { FixedClock } from '../domain/clock.ts'
import type { Incident } from '../domain/incident.ts'
import type { Database } from '../store/database.ts'
import type { Delivery } from '../store/delivery.ts'
import { listIncidents } from '../store/incidents.ts'
import { accept } from '../store/intake.ts'
import { eachDatabase } from '../test/support/database.ts'
import { delivery, minute, newAlert, noon, podRecords, process_ } from '../test/support/records.ts'
import { property } from '../test/support/sizes.ts'
import { type Normal, usual } from './baseline.ts'
import { correlatePending } from './pipeline.ts'
import { recompute } from './recompute.ts'
import { assess, type RuleGroup } from './severity.ts'

const clock = new FixedClock('2026-11-24T12:00:00Z')
const day = 24n * 60n * minute
let scopes = 0
const newScope = (): string => `noise-${(scopes += 1)}`
const today = '2026-10-20'
/** YYYY-MM-DD of so many days before. */
const ago = (days: number): string => new Date(Date.parse(today) - days * 86_400_000).toISOString().slice(0, 10)
const daysAgo = (from: number, to: number, count = 1): { day: string; count: number }[] =>
  Array.from({ length: from - to + 1 }, (_, n) => ({ day: ago(from - n), count }))

async function correlateAll(db: Database): Promise<void> {
  while ((await correlatePending(db, clock)).alerts > 0);
}
const alertOf = (scope: string, containerId: string, at: bigint, over: Partial<NewAlert> = {}): NewAlert =>
  newAlert({
    scope,
    eventNs: at,
    rule: 'Noisy',
    priority: 'Warning',
    tactics: ['TA0002'],
    techniques: ['T1059'],
    container: { id: containerId.slice(0, 12), name: null, image: null },
    process: process_({ exepath: '/usr/bin/backup' }),
    ...over,
  })
const send = (db: Database, alerts: NewAlert[]): Promise<unknown> => accept(db, clock, [delivery({ alerts })])
async function newest(db: Database, scope: string): Promise<Incident> {
  const { incidents } = await listIncidents(db, { scope }, { limit: 200 })
  return incidents.toSorted((a, b) => (a.firstNs < b.firstNs ? 1 : -1))[0] as Incident
}

describe('what is usual', () => {
  const watched = daysAgo(40, 0).map((one) => one.day)
  const asked = (days: { day: string; count: number }[], placeSince: string | null = days[0]?.day ?? null) =>
    usual(days, today, { watched, placeSince })

  it.each<[string, ReturnType<typeof daysAgo>, string, string]>([
    ['every day of a month', daysAgo(31, 1, 132), 'usual', 'seen 4,092 times on 31 of 31 days here'],
    [
      'what comes today or later is not looked at',
      [...daysAgo(31, 1, 2), { day: today, count: 999 }, { day: '2026-10-21', count: 9 }],
      'usual',
      'seen 62 times on 31 of 31 days here',
    ],
    ['a place of a week', daysAgo(7, 1), 'usual', 'seen 7 times on 7 of 7 days here'],
    ['a place of six days', daysAgo(6, 1), 'recurring', 'seen 6 times on 6 of 6 days here'],
    ['a burst on one day is no habit', [{ day: ago(10), count: 5_000 }], 'rare', 'seen 5,000 times on 1 of 10 days here'],
    ['less than four days of five', daysAgo(31, 1).filter((_one, n) => n % 4 !== 1), 'recurring', 'seen 23 times on 23 of 31 days here'],
    ['nothing', [], 'new', 'not seen before on 31 days here'],
    ['only long ago', [{ day: ago(60), count: 3 }], 'rare', `not seen on 31 days here; before that since ${ago(60)}`],
  ])('%s', (_what, days, level, text) => {
    expect(asked(days)).toMatchObject({ level, text })
  })
  it('is not known where nobody watched: that is not “new”', () => {
    expect(usual([], today, { watched: [today], placeSince: null })).toMatchObject({ level: 'unknown', ofDays: 0 })
  })
})

describe('severity', () => {
  const group = (over: Partial<RuleGroup> = {}): RuleGroup => ({
    rule: 'Noisy',
    priority: 'Error',
    tactics: ['TA0002'],
    techniques: ['T1059'],
    count: 1,
    firstNs: 0n,
    lastNs: 0n,
    ...over,
  })
  const seen = (days: number, over: Partial<Normal['here'][number]> = {}): Normal['here'][number] => ({
    rule: 'Noisy',
    place: 'Deployment shop/web',
    process: '/usr/bin/backup',
    crowded: false,
    said: [],
    usual: usual(daysAgo(days, 1, 2), today, { watched: daysAgo(31, 1).map((one) => one.day), placeSince: ago(31) }),
    ...over,
  })
  const normal = (...here: Normal['here']): Normal => ({ here, newPlaces: [], watchedDays: 31, whole: true, harmless: null })

  it('of what is usual is one step less, and says why', () => {
    const { severity, reasons } = assess([group()], normal(seen(31)))
    expect(severity).toBe('medium')
    expect(reasons.at(-1)).toEqual({ code: 'usual_here', text: 'seen 62 times on 31 of 31 days here', severity: 'medium' })
  })
  it.each<[string, RuleGroup[], Normal]>([
    ['too few days', [group()], normal(seen(6))],
    ['too few of the days', [group()], normal(seen(20))],
    ['another process', [group()], normal(seen(31), seen(0, { process: '/tmp/x' }))],
    ['a process nobody named', [group()], normal(seen(31, { process: '' }))],
    ['a place with too many processes', [group()], normal(seen(31, { crowded: true }))],
    ['a rule that is new here', [group(), group({ rule: 'New' })], normal(seen(31), seen(0, { rule: 'New' }))],
    ['a rule that nothing is known of', [group(), group({ rule: 'New' })], normal(seen(31))],
    ['critical', [group({ priority: 'Critical' })], normal(seen(31))],
    ['high with two tactics', [group({ tactics: ['TA0002', 'TA0003'] })], normal(seen(31))],
    ['escape to the host', [group({ techniques: ['T1611'] })], normal(seen(31))],
    ['taking secrets', [group({ techniques: ['T1552.001'] })], normal(seen(31))],
    ['more counts than are looked through', [group()], { ...normal(seen(31)), whole: false }],
  ])('is not less for %s', (_what, groups, given) => {
    expect(assess(groups, given)).toEqual(assess(groups))
  })
  it('is at most one step less, whatever an attacker trained', () => {
    const priorities = ['Emergency', 'Critical', 'Error', 'Warning', 'Notice', 'Informational'] as const
    const rank = ['informational', 'low', 'medium', 'high', 'critical']
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            priority: fc.constantFrom(...priorities),
            tactics: fc.subarray(['TA0002', 'TA0003', 'TA0006', 'TA0011']),
            days: fc.integer({ min: 0, max: 31 }),
            technique: fc.constantFrom('T1059', 'T1611', 'T1552'),
          }),
          { minLength: 1, maxLength: 4 },
        ),
        (drafts) => {
          const groups = drafts.map(({ priority, tactics, technique }, n) =>
            group({ rule: `R${n}`, priority, tactics, techniques: [technique] }),
          )
          const plain = rank.indexOf(assess(groups).severity)
          const weighed = rank.indexOf(assess(groups, normal(...drafts.map(({ days }, n) => seen(days, { rule: `R${n}` })))).severity)
          expect(plain - weighed).toBeGreaterThanOrEqual(0)
          expect(plain - weighed).toBeLessThanOrEqual(1)
          if (drafts.some(({ days, technique }) => days < 7 || technique !== 'T1059')) expect(weighed).toBe(plain)
        },
      ),
      property(2_000, 300) as fc.Parameters<[unknown]>,
    )
  })
  it('a new place raises nothing and is said', () => {
    const { severity, reasons } = assess([group()], {
      here: [],
      newPlaces: ['Deployment shop/new'],
      watchedDays: 9,
      whole: true,
      harmless: null,
    })
    expect(severity).toBe('high')
    expect(reasons.at(-1)).toEqual({
      code: 'new_here',
      text: 'nothing was reported of Deployment shop/new on the 9 days watched before',
      severity: 'high',
    })
  })
})

eachDatabase('the baseline', (database) => {
  const days = (scope: string): Promise<unknown[]> =>
    database()
      .query(sql`select k.rule, k.place, k.process, d.day::text, d.count from baseline_keys k join baseline_days d on d.key_id = k.id
      where k.scope = ${scope} order by k.place, k.rule, k.process, d.day`)

  it('lowers the everyday incident, and not the same rule by another process; new pods of a workload are no new place', async () => {
    const scope = newScope()
    const pods = ['web-1', 'web-2'].map((name) =>
      podRecords({ name, workload: { kind: 'Deployment', name: 'web' } }, scope, noon - 60n * day),
    )
    for (const { entities, relations } of pods) await accept(database(), clock, [delivery({ entities, relations })])
    const at = (n: number): bigint => noon - BigInt(n) * day
    const ids = pods.map((one) => one.containerId)
    await send(
      database(),
      Array.from({ length: 10 }, (_, n) => alertOf(scope, ids[n % 2] ?? '', at(n))),
    )
    await correlateAll(database())
    const usually = await newest(database(), scope)
    expect(usually.severity).toBe('low')
    expect(usually.severityFloor).toBe('low')
    expect(usually.severityReasons.at(-1)).toMatchObject({ code: 'usual_here', text: 'seen 9 times on 9 of 9 days here' })
    await send(database(), [alertOf(scope, ids[0] ?? '', noon + minute, { process: process_({ exepath: '/tmp/x' }) })])
    await correlateAll(database())
    expect(await newest(database(), scope)).toMatchObject({ severity: 'medium', alertCount: 2 })
  })

  it('counts an event once, wherever inventory says it was in the end, and keeps what was counted when the same comes by two routes', async () => {
    const scope = newScope()
    const { entities, relations, containerId } = podRecords(
      { name: 'late-1', workload: { kind: 'Deployment', name: 'late' } },
      scope,
      noon - day,
    )
    const fields = { 'proc.name': 'backup' }
    const direct = alertOf(scope, containerId, noon, { fields, pod: { namespace: 'shop', name: 'late-1', uid: null } })
    const relayed = alertOf(scope, containerId, noon, {
      fields,
      relayedAs: 'r1',
      pod: { namespace: 'shop', name: 'late-1', uid: null },
      process: process_({ exepath: null, name: 'backup' }),
    })
    for (const one of [relayed, direct]) {
      await send(database(), [one])
      await correlateAll(database())
    }
    expect(await days(scope)).toMatchObject([{ place: 'Pod shop/late-1', process: '/usr/bin/backup', count: 1 }])
    await accept(database(), clock, [delivery({ entities, relations })])
    await correlateAll(database())
    expect(await days(scope)).toMatchObject([{ place: 'Deployment shop/late', process: '/usr/bin/backup', count: 1 }])
    await recompute(database(), clock, scope)
    expect(await days(scope)).toMatchObject([{ place: 'Deployment shop/late', process: '/usr/bin/backup', count: 1 }])
  })

  it('tells twenty processes of a rule in a place apart and counts the others together: none of them is the same any more', async () => {
    const scope = newScope()
    const { entities, relations, containerId } = podRecords({ name: 'many-1' }, scope, noon - 60n * day)
    await accept(database(), clock, [delivery({ entities, relations })])
    await send(
      database(),
      Array.from({ length: 10 }, (_, n) => alertOf(scope, containerId, noon - BigInt(n) * day)),
    )
    await correlateAll(database())
    expect((await newest(database(), scope)).severity).toBe('low')
    const others = Array.from({ length: 30 }, (_, n) =>
      alertOf(scope, containerId, noon - 20n * day, { process: process_({ exepath: `/tmp/${n}` }) }),
    )
    await send(database(), others)
    await correlateAll(database())
    expect((await newest(database(), scope)).severity).toBe('medium')
    const [{ keys, total } = { keys: 0, total: 0 }] = await database().query(sql<{ keys: number; total: number }>`
      select count(distinct k.id)::int as keys, sum(d.count)::int as total from baseline_keys k join baseline_days d on d.key_id = k.id where k.scope = ${scope}`)
    expect({ keys, total }).toEqual({ keys: 21, total: 40 })
  })

  it('alerts of before it was kept are counted when incidents are recomputed', async () => {
    const scope = newScope()
    const { entities, relations, containerId } = podRecords({ name: 'old-1' }, scope, noon - 60n * day)
    await accept(database(), clock, [delivery({ entities, relations })])
    await send(
      database(),
      Array.from({ length: 9 }, (_, n) => alertOf(scope, containerId, noon - BigInt(n) * day)),
    )
    await correlateAll(database())
    const counted = await days(scope)
    await database().query(
      sql`update incident_alerts set baseline_id = null where incident_id in (select id from incidents where scope = ${scope})`,
    )
    await database().query(sql`delete from baseline_keys where scope = ${scope}`)
    await database().query(sql`delete from incident_baselines where incident_id in (select id from incidents where scope = ${scope})`)
    await recompute(database(), clock, scope)
    expect(await days(scope)).toEqual(counted)
    expect((await newest(database(), scope)).severityReasons.at(-1)?.code).toBe('usual_here')
  })

  it('is the same in any order and batches, inventory early or late, and so are severities and their reasons', async () => {
    const draft = fc.record({
      ago: fc.integer({ min: 0, max: 12 }),
      pod: fc.integer({ min: 0, max: 2 }),
      rule: fc.constantFrom('Noisy', 'Noisy', 'Other'),
      exe: fc.constantFrom('/usr/bin/backup', '/usr/bin/backup', '/bin/sh'),
      relayed: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(draft, { minLength: 1, maxLength: 14 }),
        fc.boolean(),
        fc.infiniteStream(fc.nat(99)),
        async (drafts, steady, choices) => {
          const results = []
          const all = steady
            ? [...drafts, ...daysAgo(12, 0).map((_one, n) => ({ ago: n, pod: 0, rule: 'Noisy', exe: '/usr/bin/backup', relayed: false }))]
            : drafts
          for (const shuffled of [false, true]) {
            const scope = newScope()
            const pods = ['web-1', 'web-2', 'api-1'].map((name) =>
              podRecords({ name, workload: { kind: 'Deployment', name: name.slice(0, 3) } }, scope, noon - 60n * day),
            )
            const inventory = pods.map(({ entities, relations }): Delivery => delivery({ entities, relations }))
            const alerts = all.flatMap(({ ago: n, pod, rule, exe, relayed }, index) => {
              const one = (over: Partial<NewAlert>): Delivery =>
                delivery({
                  alerts: [
                    alertOf(scope, pods[pod]?.containerId ?? '', noon - BigInt(n) * day + BigInt(index), {
                      rule,
                      process: process_({ exepath: exe }),
                      fields: { index },
                      ...over,
                    }),
                  ],
                })
              return [one({}), ...(relayed ? [one({ relayedAs: `r${index}` })] : [])]
            })
            const steps = [...inventory, ...alerts].map((one) => ({ one, at: shuffled ? (choices.next().value ?? 0) : 0 }))
            for (const { one, at } of steps.toSorted((a, b) => a.at - b.at)) {
              await accept(database(), clock, [one])
              if (at % 4 === 1) await correlateAll(database())
            }
            await correlateAll(database())
            const { incidents } = await listIncidents(database(), { scope }, { limit: 200 })
            results.push({
              days: await days(scope),
              incidents: incidents
                .map(({ firstNs, severity, severityReasons, alertCount }) => ({ firstNs, severity, severityReasons, alertCount }))
                .toSorted((a, b) => (a.firstNs < b.firstNs ? -1 : 1)),
            })
          }
          expect(results[1]).toEqual(results[0])
        },
      ),
      property(60, 12) as fc.Parameters<[unknown, unknown, unknown]>,
    )
  })
})
