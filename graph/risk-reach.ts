/** How far each place leads: how many things whoever has it could go on to take. Counted over all steps of a cluster at once, when any changed. */
import { bareSteps } from '../store/attack-steps.ts'
import type { Transaction } from '../store/database.ts'
import { riskPlaceIds, scopesToReach, writeReach } from '../store/risk-places.ts'

/** Beyond this risk does not grow. */
const mostCounted = 1_000

export async function reconcileReach(tx: Transaction): Promise<void> {
  for (const scope of await scopesToReach(tx)) {
    const next = new Map<bigint, bigint[]>()
    for await (const page of bareSteps(tx, { scope, atNs: null }))
      for (const { src, dst } of page) {
        const from = next.get(src)
        if (from === undefined) next.set(src, [dst])
        else from.push(dst)
      }
    const places = await riskPlaceIds(tx, scope)
    await writeReach(tx, new Map(places.map((id) => [id, reachOf(next, id)])))
  }
}

/** Pure: how many others can be come to from here, up to a thousand. */
export function reachOf(next: ReadonlyMap<bigint, readonly bigint[]>, from: bigint): number {
  const seen = new Set([from])
  for (const at of seen) {
    for (const to of next.get(at) ?? []) seen.add(to)
    if (seen.size > mostCounted) break
  }
  return Math.min(seen.size - 1, mostCounted)
}
