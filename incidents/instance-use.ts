/**
 * Who used the credentials that a machine was asked for: calls in the audit log of the cloud by the instance’s own session, counted by whether they came
 * from an address of its node. Counted in all that was collected, not only in what a detection spoke of.
 */
import type { Entity } from '../domain/entity.ts'
import { instanceOf } from '../graph/read-cloud.ts'
import { callsOfInstance } from '../store/activities.ts'
import type { Queryable } from '../store/database.ts'
import type { CaseAlert, Coverage } from './case-file.ts'
import { asksMetadata } from './origin.ts'

/** `elsewhere`: from another address than its own; what a service of the cloud did for it is neither. `source`: who collected them. */
export type InstanceUse = { node: Entity; calls: number; elsewhere: number; source: Coverage }

/** CloudTrail’s times are whole seconds. */
const beforeNs = 1_000_000_000n
const afterNs = 3_600_000_000_000n

export async function instanceUses(
  db: Queryable,
  alerts: readonly Pick<CaseAlert, 'alert' | 'context'>[],
  coverage: readonly Coverage[],
): Promise<InstanceUse[]> {
  const asked = Map.groupBy(
    alerts.filter(({ alert, context }) => context.node !== null && asksMetadata(alert)),
    ({ context }) => context.node?.id,
  )
  const found: InstanceUse[] = []
  for (const those of asked.values()) {
    const node = those[0]?.context.node
    const instance = node == null ? undefined : instanceOf(node)
    if (node == null || instance === undefined) continue
    const times = those.map(({ alert }) => alert.eventNs)
    const since = times.reduce((a, b) => (a < b ? a : b))
    const until = times.reduce((a, b) => (a > b ? a : b)) + afterNs
    const own = addressesOf(node)
    for (const { source: name, ips } of await callsOfInstance(db, instance, { sinceNs: since - beforeNs, untilNs: until })) {
      const source = coverage.find((one) => one.name === name)
      const count = (fits: (ip: string) => boolean): number => ips.reduce((sum, { ip, calls }) => sum + (fits(ip) ? calls : 0), 0)
      if (source !== undefined) found.push({ node, source, calls: count(() => true), elsewhere: count((ip) => !own.has(ip)) })
    }
  }
  return found
}

const addressesOf = ({ properties: { addresses } }: Entity): ReadonlySet<string> =>
  new Set(Array.isArray(addresses) ? addresses.filter((one): one is string => typeof one === 'string') : [])
