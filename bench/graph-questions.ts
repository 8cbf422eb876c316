/** What the graph is asked, each with the statement on plain tables that answers the same. */
import { sql } from 'kysely'
import { systemClock } from '../domain/clock.ts'
import type { NewEntity, NewRelation } from '../domain/entity.ts'
import { chokePoints } from '../graph/engine/choke-points.ts'
import { deriveMarked } from '../graph/derive.ts'
import { HeldGraph } from '../graph/held.ts'
import { shortestPaths } from '../graph/engine/shortest-paths.ts'
import type { Database } from '../store/database.ts'
import { getEntities } from '../store/entities.ts'
import { blastRadius, neighbours } from '../store/graph.ts'
import { markUnits } from '../store/graph-units.ts'
import { upsertInventory } from '../store/observe.ts'
import * as plain from './graph-baseline.ts'
import { fixFirst } from './graph-fixes.ts'
import { type Estate, type EstateKind, scope } from './graph-layout.ts'

/** `place`: the how-manyth ask; what is asked about differs from one to the next. */
export type Ask = (place: number) => Promise<unknown>
export type Question = { what: string; ours: Ask; baseline: { what: string; ask: Ask } }

const now = { atNs: null }
const depth = 6
/** Of scale 1. */
const findings = 1_000_000
const paths = { k: 10, maxSteps: 8 }
const goals = ['secret', 'cloud_account', 'cluster']

export async function questions(db: Database, estate: Estate): Promise<Question[]> {
  const row = (kind: EstateKind, number: number): bigint => BigInt(estate.first[kind] + (number % estate.count[kind]))
  const internet = row('internet', 0)
  return [
    ...around(db, (place) => row('pod', place * 811 + 5)),
    ...blasts(db, (place) => row('workload', place * 811 + 5)),
    ...(await exactly(db, internet, row('cloud_account', 0))),
    await observations(db, (place) => row('pod', place)),
    await recompute(db, estate),
    await fixFirst(db, Math.round(findings * estate.scale)),
  ]
}

const around = (db: Database, pod: (place: number) => bigint): Question[] =>
  [
    { depth: 1, limit: 200 },
    { depth: 3, limit: 200 },
  ].map((size) => ({
    what: `${size.depth === 1 ? 'neighbours' : `neighbourhood of ${size.depth} hops, ${size.limit} nodes`} of a pod`,
    ours: (place) => neighbours(db, [pod(place)], { ...size, ...now }),
    baseline: {
      what: 'recursive SQL over plain relations',
      ask: (place) => db.query(plain.neighbourhood(pod(place), size.depth, size.limit)),
    },
  }))

const stepTypes = [
  'lateral',
  'escape-privileged',
  'node-runs',
  'token',
  'mounted-secret',
  'read-secrets',
  'create-pods',
  'cluster-admin',
  'assume-role',
  'cloud-admin',
  'key-in-secret',
]
const blasts = (db: Database, workload: (place: number) => bigint): Question[] => [
  {
    what: `blast radius of a workload, ${depth} steps`,
    ours: (place) => blastRadius(db, [workload(place)], { depth, limit: 10_000, ...now }),
    baseline: { what: 'recursive SQL over plain steps', ask: (place) => db.query(plain.blastRadius(workload(place), depth, stepTypes)) },
  },
]

/** Paths on the engine, which is exact; the baseline’s SQL keeps k ways to a node, and simple paths may need more. */
async function exactly(db: Database, internet: bigint, admin: bigint): Promise<Question[]> {
  const held = new HeldGraph(db)
  const graph = await held.graph()
  held.drop()
  const rows = await db.query(sql<{ id: bigint }>`select id from entities where kind = any(${goals}::text[])`)
  const many = new Set(rows.map(({ id }) => id))
  const from = [internet]
  const sqlToMany = (): Promise<unknown> => db.query(plain.pathsToMany(internet, goals, paths.k, paths.maxSteps))
  return [
    {
      what: 'the path engine built',
      ours: () => build(db),
      baseline: { what: 'its rows read at once', ask: () => db.query(sql`select src, dst, cost, type from baseline.attack_steps`) },
    },
    {
      what: '10 paths to the cloud admin, exactly',
      ours: async () => shortestPaths(graph, { from, targets: new Set([admin]), k: paths.k, maxHops: paths.maxSteps }),
      baseline: {
        what: 'pruned backward, 10 ways a node',
        ask: () => db.query(plain.pathsToFew(internet, [admin], paths.k, paths.maxSteps)),
      },
    },
    {
      what: '10 paths to any secret or admin, exactly',
      ours: async () => shortestPaths(graph, { from, targets: many, k: paths.k, maxHops: paths.maxSteps }),
      baseline: { what: 'one way kept a node', ask: sqlToMany },
    },
    {
      what: 'what each fix cuts off of every secret and admin',
      ours: async () => chokePoints(graph, { from, targets: many, maxHops: paths.maxSteps }),
      baseline: { what: '10 paths to them by SQL', ask: sqlToMany },
    },
  ]
}

async function build(db: Database): Promise<void> {
  const held = new HeldGraph(db)
  await held.graph()
  held.drop()
}

const hourNs = 3_600_000_000_000n
/** 5,000 pods and where each runs, seen again an hour later each time: all of it is written. */
async function observations(db: Database, pod: (place: number) => bigint): Promise<Question> {
  const many = 5_000
  const stored = await getEntities(db, [...new Set(Array.from({ length: many }, (_, place) => pod(place)))])
  const nodes = new Map(
    (await db.query(sql<{ key: string; id: bigint }>`select key, id from entities where kind = 'node'`)).map(({ key, id }) => [key, id]),
  )
  const nodeOf = ({ properties }: Pick<NewEntity, 'properties'>): string => String(properties.node)
  const seen = (place: number): { entities: NewEntity[]; relations: NewRelation[] } => {
    const observedNs = (stored[0]?.lastNs ?? 0n) + hourNs * BigInt(place + 1)
    return {
      entities: stored.map(({ kind, key, name, namespace, properties, validFromNs }) => ({
        scope,
        kind,
        key,
        name,
        namespace,
        properties,
        observedNs,
        validFromNs,
        deletedNs: null,
      })),
      relations: stored.map((one) => ({
        from: { scope, kind: 'pod', key: one.key },
        type: 'RUNS_ON',
        to: { scope, kind: 'node', key: nodeOf(one) },
        observedNs,
      })),
    }
  }
  let [asked, plainly] = [0, 0]
  return {
    what: `${(stored.length * 2).toLocaleString('en')} observations`,
    ours: () => {
      const { entities, relations } = seen((asked += 1))
      return db.transaction((tx) => upsertInventory(tx, { sourceId: null, inventory: true, entities, relations }))
    },
    baseline: {
      what: 'insert … on conflict into plain tables',
      ask: () => {
        const at = new Date(Date.now() + 3_600_000 * (plainly += 1))
        const relations = stored.map((one) => ({ src: one.id, type: 'RUNS_ON', dst: nodes.get(nodeOf(one)) ?? 0n }))
        return plain.upsert(db, stored, relations, at)
      },
    },
  }
}

/** A pod of one namespace changes and its steps are derived again. */
async function recompute(db: Database, estate: Estate): Promise<Question> {
  const namespace = `ns-${Math.min(7, estate.count.namespace - 1)}`
  const unit = { scope, unit: `namespace/${namespace}` }
  const sources = await db.query(sql<{ src: bigint }>`select distinct src from attack_steps where scope = ${scope} and unit = ${unit.unit}`)
  const change = sql`update entities set properties = jsonb_set(properties, '{containers,0,privileged}', to_jsonb(not (properties->'containers'->0->>'privileged')::boolean))
    where id = (select min(id) from entities where scope = ${scope} and kind = 'pod' and namespace = ${namespace})`
  return {
    what: 'steps of a changed namespace',
    ours: async () => {
      await db.transaction(async (tx) => {
        await tx.query(change)
        await markUnits(tx, [unit], systemClock.now())
      })
      await deriveMarked(db, systemClock, 1)
    },
    baseline: {
      what: 'as many plain rows written anew',
      ask: () =>
        plain.replaceSteps(
          db,
          sources.map(({ src }) => src),
        ),
    },
  }
}
