/**
 * How far each place leads: how many things whoever has it could go on to take, and whether a node or the cluster is among what needs no flaw.
 * Counted over all steps of a cluster at once, when any changed.
 */
import { bareSteps } from '../../store/attack-steps.ts'
import type { Transaction } from '../../store/database.ts'
import { hostIds, riskPlaceIds, scopesToReach, writeReach } from '../../store/risk-places.ts'

/** Beyond this risk does not grow. */
const mostCounted = 1_000
/** Dearer steps need a flaw. */
const needsNoFlaw = 1

type Next = Map<bigint, bigint[]>

export async function reconcileReach(tx: Transaction): Promise<void> {
  for (const scope of await scopesToReach(tx)) {
    const [all, free]: [Next, Next] = [new Map(), new Map()]
    for await (const page of bareSteps(tx, { scope, atNs: null }))
      for (const { src, dst, cost } of page) {
        add(all, src, dst)
        if (cost <= needsNoFlaw) add(free, src, dst)
      }
    const hosts = await hostIds(tx, scope)
    await writeReach(
      tx,
      (await riskPlaceIds(tx, scope)).map((id) => ({
        id,
        count: Math.min(reached(all, id).size - 1, mostCounted),
        takesHost: [...reached(free, id)].some((one) => hosts.has(one)),
      })),
    )
  }
}

function add(next: Next, src: bigint, dst: bigint): void {
  const from = next.get(src)
  if (from === undefined) next.set(src, [dst])
  else from.push(dst)
}

/** Breadth first: what is near is among what is counted. */
function reached(next: ReadonlyMap<bigint, readonly bigint[]>, from: bigint): Set<bigint> {
  const seen = new Set([from])
  for (const at of seen) {
    for (const to of next.get(at) ?? []) seen.add(to)
    if (seen.size > mostCounted) break
  }
  return seen
}
