/** The graph as it is asked by pages, API and commands: what is marked is derived first, and every answer says what it stands on. */
import type { Entity } from '../domain/entity.ts'
import { formatEventTime } from '../domain/event-time.ts'
import type { GraphView } from '../domain/graph-view.ts'
import { deriveMarked } from './derive.ts'
import { namedNode, nodeNamed } from './ask.ts'
import type { HeldGraph } from './held.ts'
import { viewOfIncident, viewOfNode } from './view/view.ts'
import { inventoryFreshness } from '../store/inventory-standing.ts'
import { derivationState } from '../store/graph-units.ts'
import type { Clock } from '../domain/clock.ts'
import type { Database } from '../store/database.ts'
import { findIncident } from '../store/find.ts'

export type Asked = { db: Database; clock: Clock; graph: HeldGraph }

/** So long a question waits for what is still to be derived; then it answers with what there is and says so. */
const patienceMs = 2_000

/** Derives what is marked, for a while. The loop of a server does the rest. */
export async function deriveFirst({ db, clock }: Asked): Promise<void> {
  const until = clock.now().getTime() + patienceMs
  while ((await deriveMarked(db, clock)).more && clock.now().getTime() < until);
}

/** In a sentence: how fresh inventory is, and whether anything is still to be derived. */
export async function graphFreshness({ db }: Asked, { scope, atNs }: { scope?: string | undefined; atNs: bigint | null }): Promise<string> {
  const known = (await inventoryFreshness(db)).filter((one) => scope === undefined || one.scope === scope)
  const { waiting } = await derivationState(db, scope)
  const seen = known.map((one) => `${one.scope} as last observed at ${formatEventTime(one.lastNs)}`)
  const early = known.flatMap((one) =>
    atNs !== null && atNs < one.firstNs ? [`${one.scope} was first observed at ${formatEventTime(one.firstNs)}`] : [],
  )
  return [
    seen.length === 0 ? 'No inventory has been observed: nothing is known of what could be reached.' : `Inventory: ${seen.join('; ')}.`,
    ...(atNs === null ? [] : [`Asked as of ${formatEventTime(atNs)}: what existed then, each as it was last described.`]),
    ...(early.length === 0 ? [] : [`What was gone before the first look is not known: ${early.join('; ')}.`]),
    ...(waiting === 0 ? [] : [`${waiting} ${waiting === 1 ? 'part is' : 'parts are'} still to be derived: there may be more.`]),
  ].join(' ')
}

export const findNode = ({ db }: Asked, text: string, scope?: string): Promise<Entity> => nodeNamed(db, text, scope)

export type ViewQuestion = { node: string; scope?: string | undefined } | { incident: string }

/** What is to be drawn: around a node, or an incident. Throws NotFoundError and InputError. */
export async function graphView(
  falconer: Asked,
  question: ViewQuestion,
  { depth, atNs }: { depth: number; atNs: bigint | null },
): Promise<GraphView> {
  const { db, clock, graph } = falconer
  await deriveFirst(falconer)
  const options = { now: clock.now(), depth, atNs }
  if ('incident' in question) {
    const incident = await findIncident(db, question.incident)
    return viewOfIncident(db, graph, incident, { ...options, freshness: await graphFreshness(falconer, { scope: incident.scope, atNs }) })
  }
  const node = await findNode(falconer, question.node, question.scope)
  const scope = question.scope ?? (node.scope === 'global' ? undefined : node.scope)
  return viewOfNode(db, namedNode(node), { ...options, freshness: await graphFreshness(falconer, { scope, atNs }) })
}
