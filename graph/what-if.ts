/** "Which single fix takes the most away": the path engine's answer with names, and the cheapest paths exactly where that is asked for. */
import type { Entity } from '../domain/entity.ts'
import type { Fix } from '../domain/graph.ts'
import { fixesByKey } from '../store/attack-steps.ts'
import type { Queryable } from '../store/database.ts'
import { getEntities } from '../store/entities.ts'
import { idsOfKinds } from '../store/graph.ts'
import { type AttackPath, goalKinds, type NamedNode, namedNode, type PathGoal, told } from './ask.ts'
import { chokePoints } from './choke-points.ts'
import type { HeldGraph } from './held.ts'
import { shortestPaths } from './shortest-paths.ts'

export type WhatIf = {
  from: readonly bigint[]
  to: { ids: readonly bigint[] } | { goals: readonly PathGoal[]; scope?: string }
  k: number
  maxSteps: number
  atNs: bigint | null
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

export async function namedChokePoints(db: Queryable, held: HeldGraph, question: WhatIf, limit: number): Promise<ChokeAnswer> {
  const graph = await held.graph(question.atNs)
  const found = chokePoints(graph, {
    from: question.from,
    targets: await targetsOf(db, question.to),
    k: question.k,
    maxHops: question.maxSteps,
  })
  const best = found.points.slice(0, limit)
  const fixes = await fixesByKey(
    db,
    best.map(({ fixKey }) => fixKey),
  )
  const entities = new Map(
    (
      await getEntities(
        db,
        [...fixes.values()].flatMap(({ entityId }) => entityId ?? []),
      )
    ).map((entity: Entity) => [entity.id, entity]),
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

/** Exactly the k cheapest, however many ways there are; `complete` false: the work allowed was used up before all were found. */
export async function exactPaths(
  db: Queryable,
  held: HeldGraph,
  { from, to, k, maxSteps, atNs }: WhatIf,
): Promise<{ paths: AttackPath[]; complete: boolean }> {
  const { paths, complete } = shortestPaths(await held.graph(atNs), { from, targets: await targetsOf(db, to), k, maxHops: maxSteps })
  return { paths: await told(db, paths, atNs), complete }
}

const targetsOf = async (db: Queryable, to: WhatIf['to']): Promise<Set<bigint>> =>
  new Set(
    'ids' in to
      ? to.ids
      : await idsOfKinds(
          db,
          to.goals.map((goal) => goalKinds[goal]),
          to.scope,
        ),
  )
