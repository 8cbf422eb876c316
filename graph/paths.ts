/** The cheapest attack paths, exactly, with the names and reasons of every move; and which single fix takes the most of them away. Asked of the path engine. */
import type { EntityKind } from '../domain/entity.ts'
import type { AttackStep, Fix } from '../domain/graph.ts'
import { fixesByKey, stepsBetween } from '../store/attack-steps.ts'
import type { Queryable } from '../store/database.ts'
import { type AsOf, idsOfKinds } from '../store/graph.ts'
import { byId, type NamedNode, namedNode } from './ask.ts'
import { chokePoints } from './engine/choke-points.ts'
import type { HeldGraph } from './held.ts'
import { shortestPaths } from './engine/shortest-paths.ts'

export const pathGoals = ['secret', 'node', 'cluster', 'cloud'] as const
export type PathGoal = (typeof pathGoals)[number]
const goalKinds: Readonly<Record<PathGoal, EntityKind>> = { secret: 'secret', node: 'node', cluster: 'cluster', cloud: 'cloud_account' }

export type PathQuestion = AsOf & {
  from: readonly bigint[]
  to: { ids: readonly bigint[] } | { goals: readonly PathGoal[]; scope?: string }
  /** How many of the cheapest. */ k: number
  maxSteps: number
}
export type AttackPath = {
  cost: number
  nodes: NamedNode[]
  /** One for each move: the cheapest way, and how many other ways there are. */ steps: (AttackStep & { others: number })[]
}

/** Cheapest first, then shortest, then by ids. `complete` false: the work allowed was used up before all of the k were found. */
export async function attackPaths(
  db: Queryable,
  held: HeldGraph,
  { from, to, k, maxSteps, atNs }: PathQuestion,
): Promise<{ paths: AttackPath[]; complete: boolean }> {
  const { paths, complete } = shortestPaths(await held.graph(atNs), { from, targets: await targetsOf(db, to), k, maxHops: maxSteps })
  return { paths: await told(db, paths, atNs), complete }
}

export type NamedChokePoint = {
  fix: Fix
  on: NamedNode | null
  /** How many steps it takes away, whether a path uses them or not. */ steps: number
  targetsCutOff: number
  pathsRemoved: number
}
export type ChokeAnswer = {
  points: NamedChokePoint[]
  targetsReached: number
  paths: number
  /** False: the work allowed was used up; other fixes may do as much. */ complete: boolean
}

/** Most targets cut off first, then most of the k cheapest paths removed. */
export async function namedChokePoints(db: Queryable, held: HeldGraph, question: PathQuestion, limit: number): Promise<ChokeAnswer> {
  const graph = await held.graph(question.atNs)
  const targets = await targetsOf(db, question.to)
  const found = chokePoints(graph, { from: question.from, targets, k: question.k, maxHops: question.maxSteps })
  const best = found.points.slice(0, limit)
  const fixes = await fixesByKey(
    db,
    best.map(({ fixKey }) => fixKey),
  )
  const entities = await byId(
    db,
    [...fixes.values()].flatMap(({ entityId }) => entityId ?? []),
  )
  return {
    ...found,
    points: best.flatMap(({ fixKey, ...counts }) => {
      const known = fixes.get(fixKey)
      if (known === undefined) return []
      const entity = known.entityId === null ? undefined : entities.get(known.entityId)
      return [{ fix: known.fix, on: entity === undefined ? null : namedNode(entity), steps: known.steps, ...counts }]
    }),
  }
}

const targetsOf = async (db: Queryable, to: PathQuestion['to']): Promise<Set<bigint>> => {
  if ('ids' in to) return new Set(to.ids)
  const kinds = to.goals.map((goal) => goalKinds[goal])
  return new Set(await idsOfKinds(db, kinds, to.scope))
}

async function told(
  db: Queryable,
  paths: readonly { nodes: readonly bigint[]; cost: number }[],
  atNs: bigint | null,
): Promise<AttackPath[]> {
  const entities = await byId(db, [...new Set(paths.flatMap(({ nodes }) => nodes))])
  const moves = paths.flatMap(({ nodes }) => nodes.slice(1).map((dst, index) => ({ src: nodes[index] as bigint, dst })))
  const steps = Map.groupBy(await stepsBetween(db, moves, atNs), ({ src, dst }) => `${src} ${dst}`)
  return paths.map(({ nodes, cost }) => ({
    cost,
    nodes: nodes.flatMap((id) => {
      const entity = entities.get(id)
      return entity === undefined ? [] : [namedNode(entity)]
    }),
    steps: nodes.slice(1).flatMap((dst, index) => {
      const [cheapest, ...others] = steps.get(`${nodes[index]} ${dst}`) ?? []
      return cheapest === undefined ? [] : [{ ...cheapest, others: others.length }]
    }),
  }))
}
