/**
 * How far each place leads: how many things whoever has it could go on to take, and whether a node or the cluster is among what needs no flaw; and by
 * which path the internet leads to it. Counted over all steps of a cluster at once, when any changed.
 */
import { bareSteps } from '../../store/attack-steps.ts'
import type { Transaction } from '../../store/database.ts'
import { hostIds, riskPlaceIds, scopesToReach, writeReach } from '../../store/risk-places.ts'
import { internetNode } from '../ask.ts'
import { type Next, waysFrom } from './risk-ways.ts'

/** Beyond this risk does not grow. */
const mostCounted = 1_000
/** Dearer steps need a flaw. */
const needsNoFlaw = 1

export async function reconcileReach(tx: Transaction): Promise<void> {
  const scopes = await scopesToReach(tx)
  const start = scopes.length === 0 ? undefined : await internetNode(tx)
  for (const scope of scopes) {
    const next: Next = new Map()
    for await (const page of bareSteps(tx, { scope, atNs: null })) for (const { src, dst, cost } of page) add(next, src, { to: dst, cost })
    const hosts = await hostIds(tx, scope)
    const places = await riskPlaceIds(tx, scope)
    const ways = start === undefined ? undefined : await waysFrom(tx, next, start, places)
    await writeReach(
      tx,
      places.map((id) => ({
        id,
        count: Math.min(reached(next, id, 9).size - 1, mostCounted),
        takesHost: [...reached(next, id, needsNoFlaw)].some((one) => hosts.has(one)),
        way: ways?.get(id) ?? null,
      })),
    )
  }
}

function add(next: Next, src: bigint, step: { to: bigint; cost: number }): void {
  const from = next.get(src)
  if (from === undefined) next.set(src, [step])
  else from.push(step)
}

/** By steps that cost no more than this. Breadth first: what is near is among what is counted. */
function reached(next: Next, from: bigint, most: number): Set<bigint> {
  const seen = new Set([from])
  for (const at of seen) {
    for (const { to, cost } of next.get(at) ?? []) if (cost <= most) seen.add(to)
    if (seen.size > mostCounted) break
  }
  return seen
}
