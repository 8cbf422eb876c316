/**
 * The correlator: takes pending alerts, places each in an incident, and derives the incidents again; all in one
 * transaction, so that a crash leaves either everything or nothing. It never reads prose and never asks a model.
 */
import type { Alert } from '../domain/alert.ts'
import type { Clock } from '../domain/clock.ts'
import type { Entity } from '../domain/entity.ts'
import { newId } from '../domain/ids.ts'
import type { SharedFact } from '../domain/incident.ts'
import { getAlerts } from '../store/alerts.ts'
import type { Database, Transaction } from '../store/database.ts'
import { mergeInto } from '../store/incidents.ts'
import * as rows from '../store/memberships.ts'
import { lockIncidents, replaceSegments, segmentsTouching, takePending } from '../store/segments.ts'
import { type AlertContext, resolveContext } from './context.ts'
import { factsOf, place, windowOf } from './correlate.ts'
import { derive } from './derive.ts'
import { cachedInventory } from './inventory.ts'
import { SegmentBoard } from './segment-board.ts'

/** Correlates up to `limit` pending alerts. Answers how many, and which incidents changed. */
export async function correlatePending(db: Database, clock: Clock, limit = 500): Promise<{ alerts: number; incidentIds: string[] }> {
  return db.transaction(async (tx) => {
    await lockIncidents(tx)
    const ids = await takePending(tx, limit)
    if (ids.length === 0) return { alerts: 0, incidentIds: [] }
    const alerts = await getAlerts(tx, ids)
    const incidentIds = await placeAlerts(tx, clock, alerts)
    return { alerts: ids.length, incidentIds }
  })
}

async function placeAlerts(tx: Transaction, clock: Clock, alerts: readonly Alert[]): Promise<string[]> {
  const inventory = cachedInventory(tx)
  const before = new Map(
    (await rows.membershipsOf(tx, { alertIds: alerts.map((alert) => alert.id) })).map((membership) => [membership.alertId, membership]),
  )
  const resolved: { alert: Alert; context: AlertContext; facts: SharedFact[] }[] = []
  for (const alert of alerts) {
    const context = await resolveContext(alert, inventory)
    const decided = before.get(alert.id)?.facts.filter((fact) => fact.rule === 'split' || fact.rule === 'merge') ?? []
    resolved.push({
      alert,
      context,
      facts: decided.some((fact) => fact.rule === 'split') ? decided : [...factsOf(alert, context), ...decided],
    })
  }
  const board = new SegmentBoard(
    await segmentsTouching(
      tx,
      resolved.flatMap(({ alert, facts }) =>
        facts.map((fact) => ({
          scope: alert.scope,
          rule: fact.rule,
          key: fact.key,
          fromNs: alert.eventNs - windowOf(fact.rule),
          toNs: alert.eventNs + windowOf(fact.rule),
        })),
      ),
    ),
  )
  const merges: { survivor: string; merged: string[] }[] = []
  const memberships: rows.Membership[] = []
  for (const { alert, context, facts } of resolved) {
    const placement = place(
      { id: alert.id, scope: alert.scope, eventNs: alert.eventNs, facts },
      board.touching(alert.scope, facts),
      before.get(alert.id)?.incidentId ?? newId(),
    )
    board.apply(placement.replaced, placement.written)
    if (placement.mergedIncidentIds.length > 0) {
      board.rename(placement.mergedIncidentIds, placement.incidentId)
      merges.push({ survivor: placement.incidentId, merged: placement.mergedIncidentIds })
      for (const membership of memberships)
        if (placement.mergedIncidentIds.includes(membership.incidentId)) membership.incidentId = placement.incidentId
    }
    memberships.push({
      alertId: alert.id,
      incidentId: placement.incidentId,
      eventNs: alert.eventNs,
      reasons: placement.reasons,
      facts,
      context: contextIds(context),
      resolved: context.pod !== null || (alert.container === null && alert.pod === null),
      containerId: alert.container?.id.slice(0, 12) ?? null,
      podName: alert.pod?.name ?? null,
    })
  }
  const now = clock.now()
  // Segments first: rows to be moved by a merge are then the stored ones that stay.
  await replaceSegments(tx, board.removed(), board.added())
  await rows.writeMemberships(tx, memberships)
  for (const { survivor, merged } of merges) await mergeInto(tx, survivor, merged, now)
  const changed = [...new Set(memberships.map((membership) => membership.incidentId))]
  const regrouped = new Set([
    ...merges.map((merge) => merge.survivor),
    ...memberships.filter((membership) => before.has(membership.alertId)).map((membership) => membership.incidentId),
  ])
  await rows.regroup(tx, [...regrouped])
  const added = memberships.filter((membership) => !regrouped.has(membership.incidentId))
  await rows.addToGroups(tx, newGroups(added, alerts))
  await rows.addPlaces(tx, added)
  await derive(tx, changed, now)
  return changed
}

function newGroups(memberships: readonly rows.Membership[], alerts: readonly Alert[]): (rows.GroupRow & { incidentId: string })[] {
  const byId = new Map(alerts.map((alert) => [alert.id, alert]))
  const groups = new Map<string, rows.GroupRow & { incidentId: string }>()
  for (const { alertId, incidentId } of memberships) {
    const alert = byId.get(alertId) as Alert
    const key = `${incidentId}\n${alert.rule}\n${alert.priority}`
    const group = groups.get(key)
    if (group === undefined)
      groups.set(key, {
        incidentId,
        rule: alert.rule,
        priority: alert.priority,
        tactics: alert.tactics,
        techniques: alert.techniques,
        count: 1,
        firstNs: alert.eventNs,
        lastNs: alert.eventNs,
      })
    else {
      group.count += 1
      group.tactics = [...new Set([...group.tactics, ...alert.tactics])]
      group.techniques = [...new Set([...group.techniques, ...alert.techniques])]
      if (alert.eventNs < group.firstNs) group.firstNs = alert.eventNs
      if (alert.eventNs > group.lastNs) group.lastNs = alert.eventNs
    }
  }
  return [...groups.values()]
}

const contextIds = (context: AlertContext): rows.ContextIds => ({
  container: id(context.container),
  pod: id(context.pod),
  workload: id(context.workload),
  node: id(context.node),
  inferred: context.inferred,
  how: context.how,
})
const id = (entity: Entity | null): string | null => entity?.id.toString() ?? null
