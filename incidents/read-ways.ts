/** Attack steps around an incident's places: how they are reached from the internet, what leads out of them, what can be taken from there. Level by level. */
import type { Entity } from '../domain/entity.ts'
import type { AttackStep } from '../domain/graph.ts'
import { stepsSince } from '../store/attack-steps.ts'
import type { Queryable } from '../store/database.ts'
import { getEntities } from '../store/entities.ts'
import type { IncidentPosture, Reached, WayIn } from './posture.ts'

type During = { scope: string; firstNs: bigint; lastNs: bigint }
const levelsIn = 4
const levelsOut = 6
const mostReached = 1_000
const mostWays = 8

/** What a record showed only after the incident was not there to be used; a flaw was there before a scanner found it. */
const stoodThen = ({ fromNs, evidence }: AttackStep, { lastNs }: During): boolean =>
  fromNs <= lastNs || evidence.some((one) => 'finding' in one)

async function stepsAround(db: Queryable, ids: readonly bigint[], direction: 'in' | 'out', during: During): Promise<AttackStep[]> {
  const steps = await stepsSince(db, ids, direction, during.firstNs)
  return steps.filter((step) => (step.scope === during.scope || step.scope === 'global') && stoodThen(step, during))
}

/** Ways from the internet into these, the shortest and easiest first. */
export async function readWaysIn(db: Queryable, places: readonly bigint[], during: During): Promise<WayIn[]> {
  const onward = new Map<bigint, WayIn>(places.map((id) => [id, []]))
  const ways: WayIn[] = []
  let edge = [...places]
  for (let level = 0; level < levelsIn && edge.length > 0; level += 1) {
    const steps = await stepsAround(db, edge, 'in', during)
    const from = new Map((await getEntities(db, [...new Set(steps.map(({ src }) => src))])).map((entity) => [entity.id, entity]))
    const next: bigint[] = []
    for (const step of steps) {
      const way = [step, ...(onward.get(step.dst) ?? [])]
      if (from.get(step.src)?.kind === 'internet') ways.push(way)
      else if (!onward.has(step.src)) {
        onward.set(step.src, way)
        next.push(step.src)
      }
    }
    edge = next
  }
  return ways.slice(0, mostWays)
}

/** Steps out of these; `standing`: what may be stood on, each with the places of the incident it belongs to. */
export async function readSteps(db: Queryable, standing: ReadonlyMap<bigint, bigint[]>, during: During): Promise<IncidentPosture['steps']> {
  return (await stepsAround(db, [...standing.keys()], 'out', during)).map((step) => ({ step, at: standing.get(step.src) ?? [] }))
}

/** Everything that follows, each thing by the step that reaches it first. */
export async function readReach(db: Queryable, places: readonly bigint[], during: During): Promise<{ reached: Reached[]; more: boolean }> {
  const seen = new Set(places)
  const found: { id: bigint; depth: number; by: AttackStep }[] = []
  let edge = [...places]
  let depth = 1
  for (; depth <= levelsOut && edge.length > 0 && found.length < mostReached; depth += 1) {
    const next: bigint[] = []
    for (const by of await stepsAround(db, edge, 'out', during)) {
      if (seen.has(by.dst)) continue
      seen.add(by.dst)
      next.push(by.dst)
      found.push({ id: by.dst, depth, by })
    }
    edge = next
  }
  const entities = new Map<bigint, Entity>(
    (
      await getEntities(
        db,
        found.map(({ id }) => id),
      )
    ).map((entity) => [entity.id, entity]),
  )
  const reached = found.flatMap(({ id, ...one }) => {
    const entity = entities.get(id)
    return entity === undefined ? [] : [{ entity, ...one }]
  })
  return { reached, more: edge.length > 0 }
}
