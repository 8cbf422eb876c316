/**
 * Carries out what people decide about incidents: merge, split, state, verdict, note. Each is recorded and audited in
 * the transaction that obeys it, and holds at every recomputation.
 */
import type { Clock } from '../domain/clock.ts'
import { InputError, NotFoundError } from '../domain/errors.ts'
import { newId } from '../domain/ids.ts'
import type { Decision, SharedFact } from '../domain/incident.ts'
import type { Channel, Principal } from '../domain/principal.ts'
import { appendAudit } from '../store/audit.ts'
import type { Database, Transaction } from '../store/database.ts'
import { recordDecision } from '../store/decisions.ts'
import { getIncident, mergeInto, setIncidentState } from '../store/incidents.ts'
import * as rows from '../store/memberships.ts'
import { lockIncidents, removeSegmentsOf, replaceSegments } from '../store/segments.ts'
import { cluster } from './correlate.ts'
import { derive } from './derive.ts'
import { segmentsOf } from './segment-board.ts'

/** Records a person's decision and carries it out: merge, split, state, verdict or note. Answers the incident it now concerns. */
export async function decide(
  db: Database,
  clock: Clock,
  principal: Principal,
  channel: Channel,
  decision: Decision,
  reason: string,
): Promise<string> {
  return db.transaction(async (tx) => {
    await lockIncidents(tx)
    const about = decision.kind === 'merge' ? decision.into : decision.incident
    const incident = await getIncident(tx, { id: about })
    if (incident === undefined) throw new NotFoundError(`There is no incident ${about}.`)
    const now = clock.now()
    const decisionId = await recordDecision(tx, { incidentId: incident.id, at: now, principalId: principal.personId, decision, reason })
    await appendAudit(tx, clock, {
      principal,
      channel,
      action: `incident ${decision.kind}`,
      subject: `incident/${incident.id}`,
      details: { decision, reason },
    })
    if (decision.kind === 'state') await setIncidentState(tx, incident.id, decision.state, now)
    if (decision.kind === 'merge') return merge(tx, incident.id, decision.from, decisionId, now)
    if (decision.kind === 'split') await split(tx, incident.id, decision.alerts, decisionId, now)
    return incident.id
  })
}

async function merge(tx: Transaction, into: string, from: string, decisionId: string, now: Date): Promise<string> {
  const other = await getIncident(tx, { id: from })
  if (other === undefined) throw new NotFoundError(`There is no incident ${from}.`)
  if (other.id === into) throw new InputError('An incident cannot be merged with itself.')
  const link: SharedFact = { rule: 'merge', key: decisionId, label: 'merged by a person', inferred: false }
  const firsts = [...(await rows.firstAlertsOf(tx, [into, other.id])).values()]
  const linked = (await rows.membershipsOf(tx, { alertIds: firsts })).map((membership) => ({
    ...membership,
    facts: [...membership.facts, link],
  }))
  await rows.writeMemberships(tx, linked)
  return (await recluster(tx, [into, other.id], now))[0] ?? into
}

async function split(tx: Transaction, incidentId: string, alertIds: readonly string[], decisionId: string, now: Date): Promise<void> {
  const members = await rows.membershipsOf(tx, { incidentId })
  const apart = members.filter((membership) => alertIds.includes(membership.alertId))
  if (apart.length !== new Set(alertIds).size)
    throw new InputError('Some of these alerts are not part of this incident. Reload the page and choose again.')
  if (apart.length === members.length) throw new InputError('All alerts of the incident were chosen: there would be nothing to split from.')
  const fact: SharedFact = { rule: 'split', key: decisionId, label: 'split off by a person', inferred: false }
  await rows.writeMemberships(
    tx,
    apart.map((membership) => ({ ...membership, facts: [fact] })),
  )
  await recluster(tx, [incidentId], now)
}

/** Partitions the alerts of these incidents afresh. The part with the earliest alert keeps the oldest id. */
export async function recluster(tx: Transaction, incidentIds: readonly string[], now: Date): Promise<string[]> {
  const members = (await Promise.all(incidentIds.map((incidentId) => rows.membershipsOf(tx, { incidentId })))).flat()
  const scopes = new Map<string, string>()
  for (const incidentId of incidentIds) scopes.set(incidentId, (await getIncident(tx, { id: incidentId }))?.scope ?? '')
  const placed = members.map((membership) => ({
    id: membership.alertId,
    scope: scopes.get(membership.incidentId) ?? '',
    eventNs: membership.eventNs,
    facts: membership.facts,
  }))
  const byId = new Map(members.map((membership) => [membership.alertId, membership]))
  const free = [...incidentIds].sort()
  await removeSegmentsOf(tx, incidentIds)
  const result: string[] = []
  for (const group of cluster(placed)) {
    const incidentId = free.shift() ?? newId()
    result.push(incidentId)
    const inGroup = new Set(group)
    const chosen = group.map((alertId) => ({ ...(byId.get(alertId) as rows.Membership), incidentId }))
    await rows.writeMemberships(tx, chosen)
    await replaceSegments(
      tx,
      [],
      segmentsOf(
        placed.filter((alert) => inGroup.has(alert.id)),
        incidentId,
      ),
    )
  }
  await rows.regroup(tx, [...result, ...free])
  await derive(tx, result, now)
  if (free.length > 0) await mergeInto(tx, result[0] as string, free, now)
  return result
}
