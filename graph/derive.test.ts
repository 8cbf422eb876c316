import {
  assert,
  asyncProperty,
  array,
  constantFrom,
  integer,
  property,
  record,
  subarray,
  boolean,
  option,
  shuffledSubarray,
} from 'fast-check'
import { expect, it } from 'vitest'
import { FixedClock } from '../domain/clock.ts'
import type { NewStep } from '../domain/graph.ts'
import { accept } from '../store/intake.ts'
import type { Entity, EntityKind } from '../domain/entity.ts'
import { allEntitiesWhere } from '../store/entities.ts'
import { markUnits, unitsOf } from '../store/graph-units.ts'
import { markDeleted } from '../store/observe.ts'
import type { Database } from '../store/database.ts'
import { addRecord, emptyDelivery } from '../store/delivery.ts'
import { eachDatabase } from '../test/support/database.ts'
import { sql } from 'kysely'
import { stored } from '../test/support/graph-rows.ts'
import { allSteps, at, type Json, named, said } from '../test/support/graph-world.ts'
import { KubernetesObject } from '../collectors/kubernetes/kubernetes.ts'
import { normaliseObject } from '../collectors/kubernetes/normalise.ts'
import { deriveMarked } from './derive.ts'
import { type Fact, factsOf } from './facts.ts'
import { placeFacts } from './place-facts.ts'
import { worldFrom } from './world-from.ts'

const runs = (small: number, full: number) => ({ numRuns: process.env.FALCONER_FULL === '1' ? full : small })

/** Objects of a small cluster, in two namespaces, that refer to each other by few names and labels. */
const namespace = constantFrom('a', 'b')
const app = constantFrom('web', 'db')
const labels = record({ app })
const podSpec = record({
  hostPID: boolean(),
  hostNetwork: boolean(),
  serviceAccountName: constantFrom('default', 'robot'),
  automountServiceAccountToken: option(boolean(), { nil: undefined }),
  nodeName: constantFrom('n1', 'n2'),
  privileged: boolean(),
  port: constantFrom(80, 443),
}).map(({ privileged, port, ...spec }) => ({
  ...spec,
  containers: [{ name: 'app', image: 'app:1', securityContext: { privileged }, ports: [{ containerPort: port, name: 'http' }] }],
}))
const selector = constantFrom<Json>(
  {},
  { matchLabels: { app: 'web' } },
  { matchLabels: { app: 'db' } },
  { matchExpressions: [{ key: 'app', operator: 'Exists' }] },
)
const peer = constantFrom<Json>(
  { podSelector: { matchLabels: { app: 'web' } } },
  { podSelector: {} },
  { namespaceSelector: {} },
  { namespaceSelector: { matchLabels: { team: 'x' } } },
  { ipBlock: { cidr: '0.0.0.0/0', except: ['10.0.0.0/8'] } },
  { ipBlock: { cidr: '10.0.0.0/8' } },
)
const ingressRule = record({
  from: array(peer, { maxLength: 2 }),
  ports: constantFrom<Json[]>([], [{ port: 80 }], [{ port: 'http' }], [{ port: 400, endPort: 500 }]),
})
const policySpec = record({
  podSelector: selector,
  policyTypes: constantFrom(['Ingress'], ['Ingress', 'Egress'], []),
  ingress: array(ingressRule, { maxLength: 2 }),
})
const rule = record({
  apiGroups: constantFrom([''], ['*'], ['apps']),
  resources: constantFrom(['secrets'], ['pods'], ['pods/exec'], ['*'], ['serviceaccounts/token'], ['deployments']),
  verbs: constantFrom(['get'], ['create'], ['*'], ['list', 'create']),
})
const subject = constantFrom<Json>(
  { kind: 'ServiceAccount', name: 'robot', namespace: 'a' },
  { kind: 'ServiceAccount', name: 'default', namespace: 'b' },
  { kind: 'Group', name: 'system:serviceaccounts' },
  { kind: 'User', name: 'ada' },
)
const objectOf = (kind: string, name: string, space: string, { metadata, ...over }: Json): Json => {
  const made = named(kind, name, over, space)
  return { ...made, metadata: { ...(made.metadata as Json), uid: `${kind}-${space}-${name}`, ...(metadata as Json | undefined) } }
}
type Part = { kind: string; space: string; name: string; over: Json }
const parts = {
  pod: record({ space: namespace, name: constantFrom('p1', 'p2', 'p3'), spec: podSpec, labels }).map(
    ({ space, name, spec, labels: own }): Part => ({
      kind: 'Pod',
      space,
      name,
      over: { spec, status: { phase: 'Running' }, metadata: { labels: own } },
    }),
  ),
  service: record({ space: namespace, name: app, type: constantFrom('ClusterIP', 'NodePort', 'LoadBalancer'), labels }).map(
    ({ space, name, type, labels: own }): Part => ({
      kind: 'Service',
      space,
      name,
      over: { spec: { type, selector: own, ports: [{ port: 80 }] } },
    }),
  ),
  ingress: record({ space: namespace, service: app }).map(({ space, service }): Part => ({
    kind: 'Ingress',
    space,
    name: 'i',
    over: { spec: { rules: [{ http: { paths: [{ backend: { service: { name: service, port: { number: 80 } } } }] } }] } },
  })),
  policy: record({ space: namespace, name: constantFrom('np1', 'np2'), spec: policySpec }).map(({ space, name, spec }): Part => ({
    kind: 'NetworkPolicy',
    space,
    name,
    over: { spec },
  })),
  account: record({ space: namespace, mount: constantFrom(true, false, undefined) }).map(({ space, mount }): Part => ({
    kind: 'ServiceAccount',
    space,
    name: 'robot',
    over: { automountServiceAccountToken: mount },
  })),
  secret: record({ space: namespace, name: constantFrom('s1', 's2') }).map(({ space, name }): Part => ({
    kind: 'Secret',
    space,
    name,
    over: {},
  })),
  role: record({ name: constantFrom('r1', 'r2'), rules: array(rule, { minLength: 1, maxLength: 2 }) }).map(({ name, rules }): Part => ({
    kind: 'ClusterRole',
    space: 'a',
    name,
    over: { rules },
  })),
  binding: record({
    space: namespace,
    wide: boolean(),
    name: constantFrom('b1', 'b2'),
    role: constantFrom('r1', 'r2', 'cluster-admin', 'edit'),
    subjects: array(subject, { minLength: 1, maxLength: 2 }),
  }).map(({ space, wide, name, role, subjects }): Part => ({
    kind: wide ? 'ClusterRoleBinding' : 'RoleBinding',
    space: wide ? 'a' : space,
    name,
    over: { roleRef: { kind: 'ClusterRole', name: role }, subjects },
  })),
  namespace: record({
    name: namespace,
    labels: constantFrom<Json>({}, { team: 'x' }, { 'pod-security.kubernetes.io/enforce': 'restricted' }),
  }).map(({ name, labels: own }): Part => ({ kind: 'Namespace', space: 'a', name, over: { metadata: { labels: own } } })),
  node: record({ name: constantFrom('n1', 'n2'), labels: constantFrom<Json>({}, { 'node-role.kubernetes.io/control-plane': '' }) }).map(
    ({ name, labels: own }): Part => ({ kind: 'Node', space: 'a', name, over: { metadata: { labels: own } } }),
  ),
}
const part = constantFrom(...(Object.keys(parts) as (keyof typeof parts)[])).chain((key) => parts[key])
const asObject = ({ kind, space, name, over }: Part): Json => objectOf(kind, name, space, over)
/** One of each kind and name. */
const cluster = array(part, { maxLength: 18 }).map((all) =>
  [...new Map(all.map((one) => [`${one.kind}/${one.space}/${one.name}`, one])).values()].map(asObject),
)

const whole = (steps: readonly NewStep[]): string[] =>
  steps.map((step) => JSON.stringify(step, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value))).sort()

it('steps are the same whatever order the records came in', () => {
  assert(
    property(
      cluster.chain((objects) =>
        record({ objects: constantFrom(objects), other: shuffledSubarray(objects, { minLength: objects.length }) }),
      ),
      ({ objects, other }) => {
        expect(whole(allSteps(other))).toEqual(whole(allSteps(objects)))
      },
    ),
    runs(60, 2_000),
  )
})

it('one more network policy opens nothing, save by its own rules', () => {
  assert(
    property(cluster, namespace, policySpec, (objects, space, spec) => {
      const more = objectOf('NetworkPolicy', 'np9', space, { spec })
      const before = new Set(allSteps(objects).filter(arrives).map(said))
      const opened = allSteps([...objects, more]).filter((step) => arrives(step) && !before.has(said(step)))
      const outside = ({ from }: NewStep): boolean => from.kind === 'internet' || from.kind === 'service' || from.kind === 'ingress'
      // Whoever was let in from everywhere is now let in from where a rule says.
      for (const { evidence } of opened.filter((step) => !outside(step)))
        expect(evidence).toContainEqual(
          expect.objectContaining({ entity: { scope: 'lab', kind: 'network_policy', key: `${space}/NetworkPolicy/np9` } }),
        )
      // Policies add up: only where another kept them out may a rule of this one let outsiders in.
      const kept = objects.some(({ kind, metadata }) => kind === 'NetworkPolicy' && (metadata as Json).namespace === space)
      if (!kept || !spec.ingress.some(mayLetIn)) expect(opened.filter(outside)).toEqual([])
      if (spec.ingress.length === 0) expect(opened).toEqual([])
    }),
    runs(100, 5_000),
  )
})
/** Anyone, addresses, or pods of other namespaces, an ingress controller’s among them. */
const mayLetIn = ({ from }: { from: Json[] }): boolean =>
  from.length === 0 || from.some(({ ipBlock, namespaceSelector }) => ipBlock !== undefined || namespaceSelector !== undefined)
const arrives = ({ type }: NewStep): boolean => /^(exposed-|service-to-|ingress-to-|reach-)/.test(type)

it('one more binding takes no step away', () => {
  assert(
    property(cluster, parts.binding, (objects, binding) => {
      const more = allSteps([...objects, asObject({ ...binding, name: 'b9' })]).map(said)
      expect(
        allSteps(objects)
          .map(said)
          .filter((one) => !more.includes(one)),
      ).toEqual([])
    }),
    runs(60, 2_000),
  )
})

eachDatabase('deriving what changed', (database) => {
  let scopes = 0
  const change = record({
    changed: array(part, { maxLength: 6 }),
    gone: subarray([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
    seconds: integer({ min: 1, max: 60 }),
  })

  it('comes to the same as deriving everything from nothing', async () => {
    await assert(
      asyncProperty(array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const db = database()
        const scope = `lab-${(scopes += 1)}`
        let now = at
        for (const { changed, gone, seconds } of changes) {
          now += BigInt(seconds) * 1_000_000_000n
          await write(db, scope, changed.map(asObject), now)
          await remove(db, scope, gone, now)
          const clock = new FixedClock(new Date(Number(now / 1_000_000n) + 1))
          while ((await deriveMarked(db, clock)).more);
        }
        const incremental = await stored(db, scope)
        await db.query(sql`delete from attack_steps where scope = ${scope}`)
        await db.query(sql`delete from graph_units where scope = ${scope}`)
        await markUnits(db, (await present(db, scope, ['inventory', 'derived'])).flatMap(unitsOf), new Date(Number(now / 1_000_000n) + 5))
        while ((await deriveMarked(db, new FixedClock(new Date(Number(now / 1_000_000n) + 9)))).more);
        expect(whole(incremental)).toEqual(whole(await stored(db, scope)))
      }),
      runs(15, 500),
    )
  })

  it('facts of a place are those that the records of all places tell', async () => {
    let told = 0
    await assert(
      asyncProperty(cluster, async (objects) => {
        const db = database()
        const scope = `lab-${(scopes += 1)}`
        await write(db, scope, objects, at)
        const all = await allEntitiesWhere(db, sql`scope = ${scope}`)
        for (const space of ['a', 'b']) {
          const beside = all.filter((one) => one.namespace === space || isWide(one))
          const world = worldFrom({ scope, namespace: space }, beside)
          for (const place of world.places) {
            const rights = ({ code }: Fact): boolean => !/flaw|scanned/.test(code)
            const expected = factsOf(world, place).filter(rights)
            expect((await placeFacts(db, place.entity)).facts.filter(rights)).toEqual(expected)
            told += expected.length
          }
        }
      }),
      runs(40, 500),
    )
    expect(told).toBeGreaterThan(40)
  })
})

const isWide = ({ kind }: Entity): boolean => ['namespace', 'role', 'role_binding', 'service_account'].includes(kind)

async function write(db: Database, scope: string, objects: readonly Json[], receivedNs: bigint): Promise<void> {
  const source = { sourceId: null, sourceName: 's', scope, receivedNs }
  const delivery = emptyDelivery({ sourceId: null, scope, receivedNs, inventory: true })
  for (const object of objects)
    for (const one of normaliseObject(KubernetesObject.parse(object), { raw: object, bytes: new Uint8Array(), at: '' }, source))
      addRecord(delivery, one)
  await accept(db, new FixedClock(new Date(Number(receivedNs / 1_000_000n))), [delivery])
}

type Row = { scope: string; kind: EntityKind; key: string; namespace: string | null; name: string }
const present = (db: Database, scope: string, origins = ['inventory']): Promise<Row[]> =>
  db.query(
    sql<Row>`select scope, kind, key, namespace, name from entities where scope = ${scope} and origin = any(${origins}::text[]) order by kind, key`,
  )

/** Those at these places of the list, as a later list that no longer shows them. */
async function remove(db: Database, scope: string, gone: readonly number[], atNs: bigint): Promise<void> {
  const all = await present(db, scope)
  const those = gone.flatMap((place) => all[place] ?? [])
  await db.transaction(async (tx) => {
    for (const { kind, key } of those) await markDeleted(tx, scope, kind, [key], atNs)
  })
}
