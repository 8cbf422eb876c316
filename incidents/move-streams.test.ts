import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { NewAlert } from '../domain/alert.ts'
import { FixedClock } from '../domain/clock.ts'
import type { EntityRef, NewEntity, NewRelation } from '../domain/entity.ts'
import type { NewStep } from '../domain/graph.ts'
import type { Principal } from '../domain/principal.ts'
import { replaceSteps } from '../store/attack-steps.ts'
import type { Database } from '../store/database.ts'
import { listIncidents } from '../store/incidents.ts'
import { accept } from '../store/intake.ts'
import { membershipsOf } from '../store/memberships.ts'
import { reconsiderEscapes } from '../store/reconsider.ts'
import { eachDatabase } from '../test/support/database.ts'
import { delivery, minute, newAlert, noon, podRecords } from '../test/support/records.ts'
import { property } from '../test/support/sizes.ts'
import { decide } from './decide.ts'
import { correlatePending } from './pipeline.ts'
import { recompute } from './recompute.ts'

const clock = new FixedClock('2026-11-24T12:00:00Z')
const ada: Principal = { id: 'u1', kind: 'user', name: 'Ada', role: 'responder', personId: 'u1', mayApprove: true }

type World = { scope: string; cloud: string; account: string; instance: (node: number) => string }
let worlds = 0
function newWorld(): World {
  const n = (worlds += 1)
  const instance = (node: number): string => `i-${(n * 16 + node).toString(16).padStart(8, '0')}`
  return { scope: `moves-${n}`, cloud: `moves-${n}-aws`, account: String(100_000_000_000 + n), instance }
}

/** Two replicas that share an account, two workloads that share another, a bare pod, and one that had another's address before. */
const specs = [
  { name: 'p-0', ip: '10.0.0.10', account: 'checkout', workload: 'w-0', node: 0 },
  { name: 'p-1', ip: '10.0.0.11', account: 'checkout', workload: 'w-0', node: 1, from: 100 },
  { name: 'p-2', ip: '10.0.0.12', account: 'shared', workload: 'w-1', node: 0 },
  { name: 'p-3', ip: '10.0.0.13', account: 'shared', workload: 'w-2', node: 1, until: 200 },
  { name: 'p-4', ip: '10.0.0.14', account: 'solo', workload: null, node: 1 },
  { name: 'p-5', ip: '10.0.0.11', account: 'default', workload: 'w-3', node: 0, until: 90 },
] as const
const at = noon - 60n * minute
const after = (minutes: number): bigint => noon + BigInt(minutes) * minute
type Piece = { entities: NewEntity[]; relations: NewRelation[]; steps?: NewStep[] }
function piecesOf({ scope, account, instance }: World): Piece[] {
  const of = (kind: EntityRef['kind'], key: string): EntityRef => ({ scope, kind, key })
  const shared = { scope, observedNs: at, validFromNs: at, deletedNs: null }
  const pieces = specs.flatMap((spec): Piece[] => {
    const records = podRecords(
      {
        name: spec.name,
        node: `node-${spec.node}`,
        workload: spec.workload === null ? null : { kind: 'Deployment', name: spec.workload },
        labels: { app: spec.workload ?? 'none' },
      },
      scope,
    )
    const [pod, container, _node, workload] = records.entities as [NewEntity, NewEntity, NewEntity, NewEntity | undefined]
    const validFromNs = 'from' in spec ? after(spec.from) : at
    const whole = {
      ...pod,
      validFromNs,
      observedNs: validFromNs,
      properties: { ...pod.properties, ip: spec.ip, serviceAccount: spec.account },
    }
    const runsOn = { from: of('pod', pod.key), type: 'RUNS_ON' as const, to: of('node', `node-${spec.node}`), observedNs: validFromNs }
    // Nothing is seen before it is there.
    const relations = records.relations.map((relation) => ({ ...relation, observedNs: validFromNs }))
    return [
      { entities: [whole], relations: [...relations.filter(({ type }) => type === 'OWNS'), runsOn] },
      {
        entities: [{ ...container, validFromNs, observedNs: validFromNs }],
        relations: relations.filter(({ type }) => type === 'HAS_CONTAINER'),
      },
      ...(workload === undefined ? [] : [{ entities: [workload], relations: [] }]),
      ...('until' in spec ? [{ entities: [{ ...whole, observedNs: validFromNs + 1n, deletedNs: after(spec.until) }], relations: [] }] : []),
    ]
  })
  const nodes = [0, 1].map((n): Piece => {
    const properties = { providerId: `aws:///eu-west-1a/${instance(n)}` }
    return { entities: [{ ...shared, kind: 'node', key: `node-${n}`, name: `node-${n}`, namespace: null, properties }], relations: [] }
  })
  const role = { annotations: { 'eks.amazonaws.com/role-arn': `arn:aws:iam::${account}:role/team/checkout` } }
  const named = (kind: 'service' | 'service_account', word: string, name: string, properties: Record<string, unknown>): Piece => ({
    entities: [{ ...shared, kind, key: `shop/${word}/${name}`, name, namespace: 'shop', properties }],
    relations: [],
  })
  const step = (from: EntityRef): NewStep => ({
    from,
    type: 'escape-privileged',
    to: of('node', 'node-0'),
    technique: { id: 'T1611', name: 'Escape to Host', tactic: 'TA0004', matrix: null },
    cost: 1,
    precondition: 'code runs in it',
    because: 'its container is privileged',
    evidence: [{ entity: from, path: 'properties', value: 'true' }],
    fix: null,
    fromNs: at,
    untilNs: null,
  })
  return [
    ...pieces,
    ...nodes,
    named('service', 'Service', 'checkout', { clusterIP: '10.96.0.1', selector: { app: 'w-0' } }),
    named('service', 'Service', 'other', { clusterIP: '10.96.0.2', selector: { app: 'w-1' } }),
    named('service_account', 'ServiceAccount', 'checkout', role),
    { entities: [], relations: [], steps: [step(of('workload', 'uid-w-shop-w-1')), step(of('pod', 'uid-shop-p-4'))] },
  ]
}

const addresses = ['10.0.0.10', '10.0.0.11', '10.0.0.12', '10.0.0.13', '10.96.0.1', '10.96.0.2', '169.254.169.254', '203.0.113.9'] as const
type Where =
  | { in: 'pod'; pod: number; to: string | null; escape: boolean }
  | { in: 'host'; node: number; escape: boolean }
  | { in: 'audit'; account: string; from: string | null; pod: number | null }
  | { in: 'cloud'; who: 'role' | 'node-0' | 'node-1' | 'mara' }
type Step =
  | { do: 'alert'; at: number; where: Where }
  | { do: 'inventory'; piece: number }
  | { do: 'correlate'; limit: number }
  | { do: 'merge'; a: number; b: number }
  | { do: 'split'; of: number; mask: number }

const small = (max: number): fc.Arbitrary<number> => fc.integer({ min: 0, max })
const where: fc.Arbitrary<Where> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      in: fc.constant('pod' as const),
      pod: small(5),
      to: fc.option(fc.constantFrom(...addresses)),
      escape: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ in: fc.constant('host' as const), node: small(1), escape: fc.boolean() }) },
  {
    weight: 3,
    arbitrary: fc.record({
      in: fc.constant('audit' as const),
      account: fc.constantFrom('checkout', 'shared', 'solo', 'default'),
      from: fc.option(fc.constantFrom('10.0.0.10', '10.0.0.11', '10.0.0.12', '192.0.2.1')),
      pod: fc.option(small(5)),
    }),
  },
  { weight: 2, arbitrary: fc.record({ in: fc.constant('cloud' as const), who: fc.constantFrom('role', 'node-0', 'node-1', 'mara') }) },
)
const steps = (withDecisions: boolean): fc.Arbitrary<Step[]> =>
  fc.array(
    fc.oneof(
      { weight: 8, arbitrary: fc.record({ do: fc.constant('alert' as const), at: small(260), where }) },
      { weight: 5, arbitrary: fc.record({ do: fc.constant('inventory' as const), piece: small(40) }) },
      { weight: 3, arbitrary: fc.record({ do: fc.constant('correlate' as const), limit: fc.integer({ min: 1, max: 8 }) }) },
      ...(withDecisions
        ? [
            { weight: 1, arbitrary: fc.record({ do: fc.constant('merge' as const), a: small(9), b: small(9) }) },
            {
              weight: 1,
              arbitrary: fc.record({ do: fc.constant('split' as const), of: small(9), mask: fc.integer({ min: 1, max: 255 }) }),
            },
          ]
        : []),
    ),
    { minLength: 12, maxLength: 50 },
  )

/** Unlike any other by one nanosecond. */
function alertOf(world: World, { at: minutes, where: place }: Step & { do: 'alert' }, index: number): NewAlert {
  const base = { scope: world.scope, eventNs: after(minutes) + BigInt(index), hostname: null as string | null, techniques: ['T1059'] }
  const escape = { techniques: ['T1611'] }
  switch (place.in) {
    case 'pod': {
      const { containerId } = podRecords({ name: `p-${place.pod}` }, world.scope)
      const connection = { clientIp: null, clientPort: null, serverIp: place.to, serverPort: 443, protocol: 'tcp' }
      const container = { id: containerId.slice(0, 12), name: null, image: null }
      return newAlert({ ...base, ...(place.escape ? escape : {}), container, connection: place.to === null ? null : connection })
    }
    case 'host':
      return newAlert({ ...base, ...(place.escape ? escape : {}), hostname: `node-${place.node}` })
    case 'audit': {
      const bound = place.pod === null ? {} : { 'ka.user.pod.uid': `uid-shop-p-${place.pod}` }
      const from = place.from === null ? {} : { 'ka.sourceips': ['203.0.113.1', place.from] }
      const fields = { 'ka.user.name': `system:serviceaccount:shop:${place.account}`, ...bound, ...from }
      return newAlert({ ...base, sensor: 'kubernetes-audit', sensorSource: 'k8s_audit', fields })
    }
    case 'cloud': {
      const session = {
        role: 'checkout/botocore-session-1',
        'node-0': `node/${world.instance(0)}`,
        'node-1': `node/${world.instance(1)}`,
        mara: 'x/mara',
      }
      const fields = { 'ct.user.arn': `arn:aws:sts::${world.account}:assumed-role/${session[place.who]}` }
      return newAlert({ ...base, scope: world.cloud, sensor: 'cloudtrail', sensorSource: 'aws_cloudtrail', fields })
    }
  }
}

async function correlateAll(db: Database): Promise<void> {
  while ((await correlatePending(db, clock)).alerts > 0);
}
async function give(db: Database, { scope }: World, { entities, relations, steps: derived }: Piece): Promise<void> {
  if (derived === undefined) await accept(db, clock, [delivery({ scope, entities, relations })])
  else
    await db.transaction(async (tx) => {
      await replaceSteps(tx, { scope, unit: 'namespace/shop' }, derived)
      await reconsiderEscapes(tx, scope)
    })
}
const send = (db: Database, alert: NewAlert): Promise<unknown> => accept(db, clock, [delivery({ scope: alert.scope, alerts: [alert] })])

async function incidentsOf(db: Database, { scope, cloud }: World) {
  const both = await Promise.all([scope, cloud].map((one) => listIncidents(db, { scope: one }, { limit: 200 })))
  return both.flatMap(({ incidents }) => incidents).sort((a, b) => (a.id < b.id ? -1 : 1))
}

async function run(db: Database, world: World, stream: readonly Step[]): Promise<void> {
  const pieces = piecesOf(world)
  for (const [index, step] of stream.entries()) {
    if (step.do === 'alert') await send(db, alertOf(world, step, index))
    else if (step.do === 'inventory') await give(db, world, pieces[step.piece % pieces.length] as Piece)
    else if (step.do === 'correlate') await correlatePending(db, clock, step.limit)
    else await decideOne(db, world, step)
  }
  for (const piece of pieces) await give(db, world, piece)
  await correlateAll(db)
}

async function decideOne(db: Database, world: World, step: Extract<Step, { do: 'merge' | 'split' }>): Promise<void> {
  const there = await incidentsOf(db, world)
  const pick = (n: number) => there[n % Math.max(1, there.length)]
  if (step.do === 'merge') {
    const [into, from] = [pick(step.a), pick(step.b)]
    if (into === undefined || from === undefined || into.id === from.id || into.scope !== from.scope) return
    await decide(db, clock, ada, 'web', { kind: 'merge', into: into.id, from: from.id }, 'the same hand')
    return
  }
  const incident = pick(step.of)
  const members = incident === undefined ? [] : await membershipsOf(db, { incidentId: incident.id })
  const alerts = members.filter((_member, n) => ((step.mask >> (n % 8)) & 1) === 1).map((member) => member.alertId)
  if (incident !== undefined && alerts.length > 0 && alerts.length < members.length)
    await decide(db, clock, ada, 'web', { kind: 'split', incident: incident.id, alerts }, 'another hand')
}

/** The other way: all inventory first, in another order, then all alerts at once, last ones first. */
async function runAtOnce(db: Database, world: World, stream: readonly Step[]): Promise<void> {
  for (const piece of piecesOf(world).toReversed()) await give(db, world, piece)
  const alerts = stream.flatMap((step, index) => (step.do === 'alert' ? [alertOf(world, step, index)] : []))
  for (const alert of alerts.toReversed()) await send(db, alert)
  await correlateAll(db)
}

async function tell(db: Database, world: World): Promise<unknown[]> {
  const told: { title: string; scope: string; alerts: string[]; severity: string; contexts: string[]; facts: string[] }[] = []
  for (const { id, title, scope, severity } of await incidentsOf(db, world)) {
    const members = await membershipsOf(db, { incidentId: id })
    told.push({
      title: title.replaceAll(world.account, 'ACCOUNT').replaceAll(world.cloud, 'CLOUD').replaceAll(world.scope, 'CLUSTER'),
      scope: scope === world.cloud ? 'cloud' : 'cluster',
      severity,
      alerts: members.map((member) => member.eventNs.toString()),
      contexts: members.map(({ context }) => `${context.how} ${context.inferred}`),
      facts: members.map(({ facts }) =>
        facts
          .flatMap((fact) => (fact.reaches === undefined ? [] : [`${fact.rule} ${fact.key}`]))
          .sort()
          .join(),
      ),
    })
  }
  return told.sort((a, b) => (String(a.alerts) < String(b.alerts) ? -1 : 1))
}

eachDatabase('incidents of random moves', (database) => {
  it('are the same however alerts, inventory and attack steps came, and in whatever batches', async () => {
    await fc.assert(
      fc.asyncProperty(steps(false), async (stream) => {
        const [world, other] = [newWorld(), newWorld()]
        await run(database(), world, stream)
        await runAtOnce(database(), other, stream)
        expect(await tell(database(), world)).toEqual(await tell(database(), other))
      }),
      property(100, 10) as fc.Parameters<[Step[]]>,
    )
  }, 600_000)

  it('are the same when recomputed from alerts and recorded decisions, ids and all', async () => {
    await fc.assert(
      fc.asyncProperty(steps(true), async (stream) => {
        const world = newWorld()
        await run(database(), world, stream)
        const [before, told] = [await incidentsOf(database(), world), await tell(database(), world)]
        for (const scope of [world.scope, world.cloud]) {
          await recompute(database(), clock, scope)
          expect(await tell(database(), world)).toEqual(told)
          expect(await incidentsOf(database(), world)).toEqual(before)
        }
      }),
      property(100, 10) as fc.Parameters<[Step[]]>,
    )
  }, 600_000)
})
