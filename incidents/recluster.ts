/**
 * Partitions the alerts of incidents afresh, from the facts that were concluded of each: after a decision, or when the
 * rules have changed. An incident's id stays with the part that holds most of what it held.
 */
import { newId } from '../domain/ids.ts'
import type { Transaction } from '../store/database.ts'
import { regroup } from '../store/groups.ts'
import { mergeInto } from '../store/incidents.ts'
import { type Membership, membershipsOf, writeMemberships } from '../store/memberships.ts'
import { removeSegmentsOf, replaceSegments } from '../store/segments.ts'
import { cluster, uncrowded } from './cluster.ts'
import type { Placed } from './correlate.ts'
import { derive } from './derive.ts'
import { segmentsOf } from './segment-board.ts'

/**
 * Earlier ids choose first; `apart` are alerts that no old id may go with. Answers the incidents there are now. Ids that
 * no part was left for become aliases.
 */
export async function recluster(
  tx: Transaction,
  incidentIds: readonly string[],
  now: Date,
  apart: ReadonlySet<string> = new Set(),
): Promise<string[]> {
  const members = new Map<string, Membership>()
  for (const incidentId of incidentIds)
    for (const membership of await membershipsOf(tx, { incidentId })) members.set(membership.alertId, membership)
  const groups = cluster([...members.values()].map(placedOf)).map((group) => group.map((id) => members.get(id) as Membership))
  const { ids, aliases } = nameGroups(groups, incidentIds, apart)
  await removeSegmentsOf(tx, incidentIds)
  for (const [index, group] of groups.entries()) await writeGroup(tx, group, ids[index] ?? '')
  const result = groups.length > 0 ? ids : incidentIds.slice(0, 1)
  for (const [alias, survivor] of aliases) await mergeInto(tx, survivor, [alias], now)
  await regroup(tx, result)
  await derive(tx, result, now)
  return result
}

const placedOf = ({ alertId, scope, eventNs, facts }: Membership): Placed => ({ id: alertId, scope, eventNs, facts })

async function writeGroup(tx: Transaction, group: readonly Membership[], incidentId: string): Promise<void> {
  const { segments, reasons } = segmentsOf(uncrowded(group.map(placedOf)), incidentId)
  await writeMemberships(
    tx,
    group.map((membership) => ({ ...membership, incidentId, reasons: reasons.get(membership.alertId) ?? [] })),
  )
  await replaceSegments(tx, [], segments)
}

/** Which id each group gets, and which old ids become aliases of which group's. */
function nameGroups(
  groups: readonly (readonly Membership[])[],
  incidentIds: readonly string[],
  apart: ReadonlySet<string>,
): { ids: string[]; aliases: Map<string, string> } {
  const names = new Map<number, string>()
  const without: { id: string; nearest: number }[] = []
  for (const id of incidentIds) {
    const held = groups.map((group) => group.filter((member) => member.incidentId === id && !apart.has(member.alertId)).length)
    const most = (among: (index: number) => boolean): number =>
      held.reduce((best, count, index) => (count > 0 && among(index) && count > (held[best] ?? 0) ? index : best), -1)
    const free = most((index) => !names.has(index))
    if (free >= 0) names.set(free, id)
    else
      without.push({
        id,
        nearest: Math.max(
          0,
          most(() => true),
        ),
      })
  }
  const ids = groups.map((_group, index) => names.get(index) ?? newId())
  return { ids, aliases: new Map(without.flatMap(({ id, nearest }) => aliasOf(id, ids[nearest] ?? incidentIds[0] ?? id))) }
}
const aliasOf = (id: string, survivor: string): [string, string][] => (id === survivor ? [] : [[id, survivor]])
