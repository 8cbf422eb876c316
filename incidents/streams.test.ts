import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { NewAlert } from '../domain/alert.ts'
import { FixedClock } from '../domain/clock.ts'
import type { NewEntity, NewRelation } from '../domain/entity.ts'
import type { Principal } from '../domain/principal.ts'
import type { Database } from '../store/database.ts'
import { groupsOf, placesOf } from '../store/groups.ts'
import { listIncidents } from '../store/incidents.ts'
import { accept } from '../store/intake.ts'
import { membershipsOf } from '../store/memberships.ts'
import { eachDatabase } from '../test/support/database.ts'
import { delivery, minute, newAlert, noon, podRecords, process_ } from '../test/support/records.ts'
import { property } from '../test/support/sizes.ts'
import { correlatePending } from './pipeline.ts'
import { decide } from './decide.ts'
import { recompute } from './recompute.ts'

const clock = new FixedClock('2026-11-24T12:00:00Z')
const ada: Principal = { id: 'u1', kind: 'user', name: 'Ada', role: 'responder', personId: 'u1', mayApprove: true }

type Where =
  | { in: 'container'; pod: number }
  | { in: 'pod'; pod: number }
  | { in: 'host'; host: number; pid: number | null }
  | { in: 'cloud'; user: number }
type Step =
  | { do: 'alert'; at: number; where: Where; rule: number }
  | { do: 'inventory'; piece: number }
  | { do: 'correlate'; limit: number }
  | { do: 'merge'; a: number; b: number }
  | { do: 'split'; of: number; mask: number }

const small = (max: number): fc.Arbitrary<number> => fc.integer({ min: 0, max })
const where: fc.Arbitrary<Where> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ in: fc.constant('container' as const), pod: small(4) }) },
  { weight: 2, arbitrary: fc.record({ in: fc.constant('pod' as const), pod: small(4) }) },
  { weight: 2, arbitrary: fc.record({ in: fc.constant('host' as const), host: small(1), pid: fc.option(fc.integer({ min: 2, max: 5 })) }) },
  { weight: 1, arbitrary: fc.record({ in: fc.constant('cloud' as const), user: small(1) }) },
)
const alertStep = fc.record({ do: fc.constant('alert' as const), at: small(400), where, rule: small(2) })
const inventoryStep = fc.record({ do: fc.constant('inventory' as const), piece: small(30) })
const correlateStep = fc.record({ do: fc.constant('correlate' as const), limit: fc.integer({ min: 1, max: 8 }) })
const decisionStep = fc.oneof(
  fc.record({ do: fc.constant('merge' as const), a: small(9), b: small(9) }),
  fc.record({ do: fc.constant('split' as const), of: small(9), mask: fc.integer({ min: 1, max: 255 }) }),
)
const steps = (withDecisions: boolean): fc.Arbitrary<Step[]> =>
  fc.array(
    fc.oneof(
      { weight: 8, arbitrary: alertStep },
      { weight: 4, arbitrary: inventoryStep },
      { weight: 3, arbitrary: correlateStep },
      ...(withDecisions ? [{ weight: 2, arbitrary: decisionStep }] : []),
    ),
    { minLength: 10, maxLength: 45 },
  )

/** Five pods of two workloads and a bare one, each object a piece of its own that may come at any time. */
function inventoryOf(scope: string): { entities: NewEntity[]; relations: NewRelation[] }[] {
  const at = noon - 60n * minute
  const shared = { scope, observedNs: at, validFromNs: at, deletedNs: null }
  const deployment = { kind: 'Deployment', name: 'checkout', uid: 'uid-deployment' }
  const pods = [0, 1, 2, 3, 4].map((n) =>
    podRecords({ name: `p-${n}`, node: `node-${n % 2}`, workload: n === 4 ? null : { kind: 'ReplicaSet', name: `rs-${n >> 1}` } }, scope),
  )
  const pieces = pods.flatMap(({ entities, relations }) =>
    entities.map((entity) => ({
      // The first replica set is owned by a deployment: its pods’ owner chain is two long.
      entities: [
        entity.name === 'rs-0' && entity.kind === 'workload'
          ? { ...entity, properties: { ...entity.properties, owner: deployment } }
          : entity,
      ],
      relations: relations.filter((relation) => relation.to.key === entity.key || relation.from.key === entity.key),
    })),
  )
  const properties = { workloadKind: 'Deployment', uid: deployment.uid, replicas: 2, labels: {}, annotations: {}, owner: null }
  return [
    ...pieces,
    {
      entities: [{ ...shared, kind: 'workload', key: deployment.uid, name: 'checkout', namespace: 'shop', properties }],
      relations: [
        {
          from: { scope, kind: 'workload', key: deployment.uid },
          type: 'OWNS',
          to: { scope, kind: 'workload', key: 'uid-w-shop-rs-0' },
          observedNs: at,
        },
      ],
    },
  ]
}

const rules = [
  { rule: 'Terminal shell in container', priority: 'Notice', tactics: ['TA0002'] },
  { rule: 'Read sensitive file untrusted', priority: 'Warning', tactics: ['TA0006'] },
  { rule: 'Drop and execute new binary in container', priority: 'Critical', tactics: ['TA0003', 'TA0005'] },
] as const

/** Unlike any other of its stream by one nanosecond: what an alert is recognised by. */
function alertOf(scope: string, { at, where: place, rule }: Step & { do: 'alert' }, index: number): NewAlert {
  const { tactics, ...kind } = rules[rule] ?? rules[0]
  const base = { scope, eventNs: noon + BigInt(at) * minute + BigInt(index), hostname: 'node-0', ...kind, tactics: [...tactics] }
  switch (place.in) {
    case 'container': {
      const { containerId } = podRecords({ name: `p-${place.pod}` }, scope)
      return newAlert({ ...base, container: { id: containerId.slice(0, 12), name: null, image: null } })
    }
    case 'pod':
      return newAlert({ ...base, pod: { namespace: 'shop', name: `p-${place.pod}`, uid: null } })
    case 'host': {
      const process = place.pid === null ? null : process_({ pid: BigInt(place.pid), parentPid: BigInt(place.pid + 1) })
      return newAlert({ ...base, hostname: `node-${place.host}`, process })
    }
    case 'cloud':
      return newAlert({ ...base, hostname: null, fields: { 'aws.user.arn': `arn:${place.user}` } })
  }
}

async function correlateAll(db: Database): Promise<void> {
  while ((await correlatePending(db, clock)).alerts > 0);
}

async function run(db: Database, scope: string, stream: readonly Step[]): Promise<void> {
  const pieces = inventoryOf(scope)
  const incidents = async () => (await listIncidents(db, { scope }, { limit: 200 })).incidents
  for (const [index, step] of stream.entries()) {
    if (step.do === 'alert') await accept(db, clock, [delivery({ scope, alerts: [alertOf(scope, step, index)] })])
    else if (step.do === 'inventory') await accept(db, clock, [delivery({ scope, ...pieces[step.piece % pieces.length] })])
    else if (step.do === 'correlate') await correlatePending(db, clock, step.limit)
    else {
      const there = await incidents()
      const pick = (n: number): string | undefined => there[n % Math.max(1, there.length)]?.id
      if (step.do === 'merge') {
        const [into, from] = [pick(step.a), pick(step.b)]
        if (into !== undefined && from !== undefined && into !== from)
          await decide(db, clock, ada, 'web', { kind: 'merge', into, from }, 'the same hand')
      } else {
        const incident = pick(step.of)
        const members = incident === undefined ? [] : await membershipsOf(db, { incidentId: incident })
        const alerts = members.filter((_member, n) => ((step.mask >> (n % 8)) & 1) === 1).map((member) => member.alertId)
        if (incident !== undefined && alerts.length > 0 && alerts.length < members.length)
          await decide(db, clock, ada, 'web', { kind: 'split', incident, alerts }, 'another hand')
      }
    }
  }
  for (const piece of pieces) await accept(db, clock, [delivery({ scope, ...piece })])
  await correlateAll(db)
}

/** The other way: all inventory first, then all alerts at once, last ones first. */
async function runAtOnce(db: Database, scope: string, stream: readonly Step[]): Promise<void> {
  for (const piece of inventoryOf(scope)) await accept(db, clock, [delivery({ scope, ...piece })])
  const alerts = stream.flatMap((step, index) => (step.do === 'alert' ? [alertOf(scope, step, index)] : []))
  await accept(db, clock, [delivery({ scope, alerts: alerts.toReversed() })])
  await correlateAll(db)
}

type Told = { title: string; severity: string; rules: string[]; alerts: string[]; places: number; contexts: string[] }
/** Everything a person can tell of the incidents of a scope but their ids. */
async function tell(db: Database, scope: string): Promise<Told[]> {
  const told: Told[] = []
  for (const { id, title, severity, rules: names, entityIds } of (await listIncidents(db, { scope }, { limit: 200 })).incidents) {
    const members = await membershipsOf(db, { incidentId: id })
    told.push({
      title,
      severity,
      rules: names,
      alerts: members.map((member) => member.eventNs.toString()),
      places: entityIds.length,
      contexts: members.map(({ context }) => `${context.how} ${context.inferred}`),
    })
  }
  return told.sort((a, b) => (String(a.alerts) < String(b.alerts) ? -1 : 1))
}

/** What is counted as alerts come must be what one would count now. */
async function checkCounts(db: Database, scope: string, alerts: number): Promise<void> {
  const { incidents } = await listIncidents(db, { scope }, { limit: 200 })
  expect(incidents.reduce((sum, incident) => sum + incident.alertCount, 0)).toBe(alerts)
  for (const { id, alertCount } of incidents) {
    const members = await membershipsOf(db, { incidentId: id })
    const groups = (await groupsOf(db, [id])).get(id) ?? []
    expect(groups.reduce((sum, group) => sum + group.count, 0)).toBe(members.length)
    expect(alertCount).toBe(members.length)
    const places = (await placesOf(db, [id])).get(id) ?? []
    const named = members.flatMap(({ context }) =>
      (['container', 'pod', 'workload', 'node'] as const).flatMap((kind) => (context[kind] === null ? [] : [`${kind} ${context[kind]}`])),
    )
    expect(places.map((place) => `${place.kind} ${place.id}`).sort()).toEqual([...new Set(named)].sort())
  }
}

const alertsIn = (stream: readonly Step[]): number => stream.filter((step) => step.do === 'alert').length
let scopes = 0

eachDatabase('incidents of random streams', (database) => {
  it('are the same however alerts and inventory came, and in whatever batches', async () => {
    await fc.assert(
      fc.asyncProperty(steps(false), async (stream) => {
        const [scope, other] = [`stream-${(scopes += 1)}`, `stream-${(scopes += 1)}`]
        await run(database(), scope, stream)
        await runAtOnce(database(), other, stream)
        await checkCounts(database(), scope, alertsIn(stream))
        expect(await tell(database(), scope)).toEqual(await tell(database(), other))
      }),
      property(200, 10) as fc.Parameters<[Step[]]>,
    )
  }, 600_000)

  it('are the same when recomputed from alerts and recorded decisions, ids and all', async () => {
    await fc.assert(
      fc.asyncProperty(steps(true), async (stream) => {
        const scope = `stream-${(scopes += 1)}`
        await run(database(), scope, stream)
        await checkCounts(database(), scope, alertsIn(stream))
        const before = await listIncidents(database(), { scope }, { limit: 200 })
        const told = await tell(database(), scope)
        await recompute(database(), clock, scope)
        expect(await tell(database(), scope)).toEqual(told)
        expect(await listIncidents(database(), { scope }, { limit: 200 })).toEqual(before)
        await checkCounts(database(), scope, alertsIn(stream))
      }),
      property(200, 10) as fc.Parameters<[Step[]]>,
    )
  }, 600_000)
})
