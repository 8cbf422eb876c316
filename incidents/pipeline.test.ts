import fc from 'fast-check'
import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import type { NewAlert } from '../domain/alert.ts'
import { FixedClock } from '../domain/clock.ts'
import type { Principal } from '../domain/principal.ts'
import { accept } from '../store/intake.ts'
import { listIncidents } from '../store/incidents.ts'
import { membershipsOf } from '../store/memberships.ts'
import type { Database } from '../store/database.ts'
import { eachDatabase } from '../test/support/database.ts'
import { containerId, delivery, minute, newAlert, noon, podRecords } from '../test/support/records.ts'
import { property } from '../test/support/sizes.ts'
import { cluster } from './cluster.ts'
import { place, type Placed, type Segment } from './correlate.ts'
import { decide } from './decide.ts'
import { correlatePending } from './pipeline.ts'

const clock = new FixedClock('2026-11-24T12:00:00Z')
const ada: Principal = { id: 'u1', kind: 'user', name: 'Ada', role: 'responder', personId: 'u1', mayApprove: true }
let scopes = 0
const newScope = (): string => `scope-${(scopes += 1)}`
const inContainer = (scope: string, seed: string, at: bigint, over: Partial<NewAlert> = {}): NewAlert =>
  newAlert({ scope, eventNs: at, container: { id: containerId(seed).slice(0, 12), name: null, image: null }, ...over })

async function correlateAll(db: Database): Promise<void> {
  while ((await correlatePending(db, clock)).alerts > 0);
}
async function partition(db: Database, scope: string): Promise<string[][]> {
  const { incidents } = await listIncidents(db, { scope }, { limit: 200 })
  const groups = await Promise.all(
    incidents.map(async (incident) =>
      (await membershipsOf(db, { incidentId: incident.id })).map((membership) => membership.eventNs.toString()),
    ),
  )
  return groups.map((group) => group.sort()).sort((a, b) => (String(a) < String(b) ? -1 : 1))
}

describe('placing one by one', () => {
  it('gives the same incidents as clustering all at once, in any order', () => {
    const alert = fc.record({
      at: fc.integer({ min: 0, max: 300 }),
      containers: fc.uniqueArray(fc.integer({ min: 0, max: 3 }), { maxLength: 2 }),
      workload: fc.option(fc.integer({ min: 0, max: 2 }), { nil: undefined }),
    })
    fc.assert(
      fc.property(fc.array(alert, { minLength: 1, maxLength: 25 }), (drafts) => {
        const alerts = drafts.map((draft, index): Placed => ({
          id: `a${index}`,
          scope: 's',
          eventNs: noon + BigInt(draft.at) * minute,
          facts: [
            ...draft.containers.map((key) => ({ rule: 'same-container', key: String(key), label: '', inferred: false })),
            ...(draft.workload === undefined ? [] : [{ rule: 'same-workload', key: String(draft.workload), label: '', inferred: false }]),
          ],
        }))
        let segments: Segment[] = []
        const incidentOf = new Map<string, string>()
        for (const [index, one] of alerts.entries()) {
          const placement = place(one, segments, () => `i${String(index).padStart(3, '0')}`)
          const rename = (incident: string): string => (placement.mergedIncidentIds.includes(incident) ? placement.incidentId : incident)
          segments = [...segments.filter((segment) => !placement.replaced.includes(segment)), ...placement.written].map((segment) => ({
            ...segment,
            incidentId: rename(segment.incidentId),
          }))
          for (const [id, incident] of incidentOf) incidentOf.set(id, rename(incident))
          incidentOf.set(one.id, placement.incidentId)
        }
        const groups = [...Map.groupBy([...incidentOf], ([, incident]) => incident).values()].map((group) => group.map(([id]) => id).sort())
        const expected = cluster(alerts).map((group) => group.sort())
        expect(groups.sort()).toEqual(expected.sort())
      }),
      property(4_000, 300) as fc.Parameters<[unknown]>,
    )
  })

  it('takes a storm of 30,000 alerts of one rule in its stride', () => {
    let segments: Segment[] = []
    for (let n = 0; n < 30_000; n += 1) {
      const placement = place(
        {
          id: `a${n}`,
          scope: 's',
          eventNs: noon + BigInt(n) * 1_000_000_000n,
          facts: [{ rule: 'same-container', key: 'c', label: '', inferred: false }],
        },
        segments,
        () => 'i',
      )
      segments = placement.written
    }
    expect(segments).toHaveLength(1)
  })
})

eachDatabase('correlator', (database) => {
  it('joins by container, pod and workload with the reason, and keeps decoys apart', async () => {
    const scope = newScope()
    const first = podRecords({ name: 'checkout-a', workload: { kind: 'Deployment', name: 'checkout' } }, scope)
    const second = podRecords({ name: 'checkout-b', workload: { kind: 'Deployment', name: 'checkout' } }, scope)
    const decoy = podRecords({ name: 'catalogue-a', workload: { kind: 'Deployment', name: 'catalogue' } }, scope)
    for (const { entities, relations } of [first, second, decoy])
      await accept(database(), clock, [delivery({ scope, entities, relations })])
    const at = (pod: typeof first, minutes: bigint): NewAlert =>
      newAlert({ scope, eventNs: noon + minutes * minute, container: { id: pod.containerId.slice(0, 12), name: null, image: null } })
    await accept(database(), clock, [delivery({ scope, alerts: [at(first, 0n), at(first, 50n), at(second, 20n), at(decoy, 1n)] })])
    await correlateAll(database())
    const { incidents } = await listIncidents(database(), { scope }, { limit: 10 })
    expect(incidents.map((incident) => incident.alertCount).sort()).toEqual([1, 3])
    const joined = incidents.find((incident) => incident.alertCount === 3)
    expect(joined?.title).toBe('Terminal shell in container in shop/checkout')
    const reasons = (await membershipsOf(database(), { incidentId: joined?.id as string })).flatMap((membership) => membership.reasons)
    expect(reasons).toContainEqual(expect.objectContaining({ rule: 'same-workload', label: 'workload shop/checkout', inferred: true }))
  })

  it('gives the same incidents whatever the order of arrival, batch size, and moment inventory came', async () => {
    const shape = [
      [0, 'a'],
      [30, 'a'],
      [100, 'a'],
      [150, 'b'],
      [10, 'b'],
      [61, 'a'],
      [400, 'a'],
    ] as const
    const outcomes = []
    for (const order of [
      [0, 1, 2, 3, 4, 5, 6],
      [6, 5, 4, 3, 2, 1, 0],
      [3, 0, 5, 6, 1, 4, 2],
    ]) {
      const scope = newScope()
      const records = ['a', 'b'].map((name) =>
        podRecords({ name: `checkout-${name}`, workload: { kind: 'Deployment', name: 'checkout' } }, scope),
      )
      const inventory = (): Promise<unknown> =>
        accept(
          database(),
          clock,
          records.map(({ entities, relations }) => delivery({ scope, entities, relations })),
        )
      if (order[0] === 0) await inventory()
      for (const index of order) {
        const [at, name] = shape[index] as (typeof shape)[number]
        await accept(database(), clock, [
          delivery({ scope, alerts: [inContainer(scope, `uid-shop-checkout-${name}`, noon + BigInt(at) * minute)] }),
        ])
        if (index % 2 === 0) await correlateAll(database())
      }
      if (order[0] !== 0) await inventory()
      await correlateAll(database())
      outcomes.push(await partition(database(), scope))
    }
    expect(outcomes[1]).toEqual(outcomes[0])
    expect(outcomes[2]).toEqual(outcomes[0])
    expect(outcomes[0]).toHaveLength(3)
  })

  it('lets a late alert bridge two incidents, and the older id answers for both', async () => {
    const scope = newScope()
    for (const at of [0n, 100n])
      await accept(database(), clock, [delivery({ scope, alerts: [inContainer(scope, 'x', noon + at * minute)] })])
    await correlateAll(database())
    const before = (await listIncidents(database(), { scope }, { limit: 10 })).incidents
    expect(before).toHaveLength(2)
    await accept(database(), clock, [delivery({ scope, alerts: [inContainer(scope, 'x', noon + 50n * minute)] })])
    await correlateAll(database())
    const after = (await listIncidents(database(), { scope }, { limit: 10 })).incidents
    expect(after).toHaveLength(1)
    expect(after[0]).toMatchObject({ alertCount: 3, id: before.map((incident) => incident.id).sort()[0] })
    const { getIncident } = await import('../store/incidents.ts')
    expect((await getIncident(database(), { id: before.map((incident) => incident.id).sort()[1] as string }))?.id).toBe(after[0]?.id)
  })

  it('obeys a person’s merge and split, also when more alerts come', async () => {
    const scope = newScope()
    const send = async (seed: string, at: bigint): Promise<void> => {
      await accept(database(), clock, [delivery({ scope, alerts: [inContainer(scope, seed, noon + at * minute)] })])
      await correlateAll(database())
    }
    for (const [seed, at] of [
      ['m', 0n],
      ['m', 10n],
      ['n', 0n],
    ] as const)
      await send(seed, at)
    const list = async () => (await listIncidents(database(), { scope }, { limit: 10 })).incidents
    const [one, two] = await list()
    const merged = await decide(
      database(),
      clock,
      ada,
      'web',
      { kind: 'merge', into: one?.id as string, from: two?.id as string },
      'same intruder',
    )
    expect((await list()).map((incident) => [incident.id, incident.alertCount])).toEqual([[merged, 3]])
    await send('n', 5n)
    expect((await list()).map((incident) => incident.alertCount)).toEqual([4])
    const members = await membershipsOf(database(), { incidentId: merged })
    const apart = members.filter((membership) => membership.eventNs === noon + 10n * minute).map((membership) => membership.alertId)
    await decide(database(), clock, ada, 'web', { kind: 'split', incident: merged, alerts: apart }, 'unrelated')
    expect((await list()).map((incident) => incident.alertCount).sort()).toEqual([1, 3])
    await send('m', 12n)
    expect((await list()).map((incident) => incident.alertCount).sort()).toEqual([1, 4])
    await expect(
      decide(
        database(),
        clock,
        ada,
        'web',
        { kind: 'split', incident: merged, alerts: [members[0]?.alertId as string, '01a20d95-6411-70dc-9d98-8215069676d4'] },
        '',
      ),
    ).rejects.toThrow(/not part of this incident/)
  })

  it('loses nothing when it dies in the middle: a batch is correlated whole or not at all', async () => {
    const scope = newScope()
    await accept(database(), clock, [delivery({ scope, alerts: [inContainer(scope, 'k', noon), inContainer(scope, 'k', noon + minute)] })])
    const dying = {
      ...clock,
      now: () => {
        throw new Error('killed')
      },
    }
    await expect(correlatePending(database(), dying)).rejects.toThrow('killed')
    expect((await listIncidents(database(), { scope }, { limit: 10 })).incidents).toHaveLength(0)
    await correlateAll(database())
    expect((await listIncidents(database(), { scope }, { limit: 10 })).incidents.map((incident) => incident.alertCount)).toEqual([2])
    expect(await database().query(sql`select 1 from alerts_pending`)).toHaveLength(0)
  })
})
