/**
 * The correlator: takes pending alerts, places each in an incident, and derives the incidents again; all in one
 * transaction, so that a crash leaves either everything or nothing. It never reads prose and never asks a model.
 */
import type { Lead } from '../domain/alert.ts'
import type { Clock } from '../domain/clock.ts'
import type { Entity } from '../domain/entity.ts'
import { isOurFault } from '../domain/errors.ts'
import { newId } from '../domain/ids.ts'
import type { SharedFact } from '../domain/incident.ts'
import { getAlert, getAlertRaw, getAlerts, getLeads, receivedAtOf } from '../store/alerts.ts'
import { type Database, isRefusedData, type Transaction } from '../store/database.ts'
import { insertDeadLetters } from '../store/dead-letters.ts'
import { addPlaces, addToGroups, type GroupRow, regroup } from '../store/groups.ts'
import { mergeInto } from '../store/incidents.ts'
import * as rows from '../store/memberships.ts'
import { forgetPending, lockIncidents, replaceSegments, segmentsTouching, takePending } from '../store/segments.ts'
import { type AlertContext, type Inventory, isComplete, resolveContext } from './context.ts'
import { byOf, chainWindow, factsOf, farthest, hasLost, place, scopeOf, spaceOf, withFacts } from './correlate.ts'
import { baselinesOf, type CountedAs, countDays, type Linked } from './count-days.ts'
import { derive } from './derive.ts'
import { allAsked, batchedInventory } from './inventory.ts'
import { movesOf, withNotes } from './moves.ts'
import { recluster } from './recluster.ts'
import { linkMoment } from './same-event.ts'
import { SegmentBoard } from './segment-board.ts'

export type Correlated = {
  alerts: number
  /** When each was received, milliseconds since 1970. */ receivedAt: number[]
  incidentIds: string[]
  /** As many as were asked for: there may be more. */ more: boolean
}

/** Correlates up to `limit` pending alerts. */
export async function correlatePending(db: Database, clock: Clock, limit = 2_000): Promise<Correlated> {
  let tried: string[] = []
  try {
    return await db.transaction(async (tx) => {
      await lockIncidents(tx)
      tried = await takePending(tx, limit)
      const correlated = { alerts: tried.length, receivedAt: tried.map(receivedAtOf), more: tried.length === limit }
      return { ...correlated, incidentIds: tried.length === 0 ? [] : await placeAlerts(tx, clock, await getLeads(tx, tried)) }
    })
  } catch (error) {
    if (!isRefusedData(error) && !isOurFault(error)) throw error
    // One that cannot be worked on must not keep the others waiting: halve until it stands alone, then set it aside.
    if (tried.length > 1) return { ...(await correlatePending(db, clock, tried.length >> 1)), more: true }
    await setAside(db, clock, tried[0] ?? '', error)
    return { alerts: tried.length, receivedAt: [], incidentIds: [], more: true }
  }
}

async function setAside(db: Database, clock: Clock, alertId: string, cause: unknown): Promise<void> {
  const reason = `It is stored, but cannot be correlated: ${cause instanceof Error ? cause.message : String(cause)}`
  await db.transaction(async (tx) => {
    await forgetPending(tx, [alertId])
    const alert = await getAlert(tx, alertId)
    const raw = (await getAlertRaw(tx, alertId)) ?? new Uint8Array()
    if (alert !== undefined)
      await insertDeadLetters(tx, [
        { scope: alert.scope, sourceId: alert.sourceId, receivedAt: clock.now(), place: `alert ${alertId}`, reason, raw },
      ])
  })
}

type Resolved = { alert: Lead; context: AlertContext; facts: SharedFact[]; waits: string[]; before: rows.Membership | undefined }
type Merge = { survivor: string; merged: string[] }

async function placeAlerts(tx: Transaction, clock: Clock, alerts: readonly Lead[]): Promise<string[]> {
  const resolved = await resolveAll(tx, alerts)
  const board = new SegmentBoard(await segmentsTouching(tx, reachesOf(resolved)))
  const counted = await baselinesOf(tx, resolved)
  const { memberships, merges, anew } = placeOn(board, resolved, counted)
  const now = clock.now()
  // Segments first: rows to be moved by a merge are then the stored ones that stay.
  await replaceSegments(tx, board.removed(), board.added())
  await rows.writeMemberships(tx, memberships)
  await rows.noteWaits(tx, waitsOf(resolved))
  for (const { survivor, merged } of merges) await mergeInto(tx, survivor, merged, now)
  const { uncounted, linked } = await linkSameEvents(tx, memberships, resolved)
  await addToGroups(tx, newGroups(memberships, resolved, uncounted))
  await addPlaces(tx, memberships)
  await regroup(tx, corrected(memberships, resolved))
  const apart = new Set([...anew].map((index) => memberships[index]?.incidentId ?? ''))
  const changed = [...new Set(memberships.map((membership) => membership.incidentId))].filter((id) => !apart.has(id))
  const incidentOf = new Map(memberships.map((membership) => [membership.alertId, membership.incidentId]))
  const resting = await countDays(tx, resolved, counted, { incidentOf, linked, now })
  await derive(
    tx,
    [...new Set([...changed, ...resting])].filter((id) => !apart.has(id)),
    now,
  )
  for (const incidentId of apart) changed.push(...(await recluster(tx, [incidentId], now)))
  return changed
}

const waitsOf = (resolved: readonly Resolved[]): { key: string; alertId: string; eventNs: bigint }[] =>
  resolved.flatMap(({ alert, waits }) => waits.map((key) => ({ key, alertId: alert.id, eventNs: alert.eventNs })))

async function resolveAll(tx: Transaction, alerts: readonly Lead[]): Promise<Resolved[]> {
  const times = alerts.map((alert) => alert.eventNs)
  const inventory = batchedInventory(tx, { fromNs: least(times), untilNs: most(times) })
  const known = await rows.membershipsOf(tx, { alertIds: alerts.map((alert) => alert.id) })
  const before = new Map(known.map((membership) => [membership.alertId, membership]))
  return allAsked(alerts.map((alert) => resolve(alert, inventory, before.get(alert.id))))
}

async function resolve(alert: Lead, inventory: Inventory, before: rows.Membership | undefined): Promise<Resolved> {
  const context = await resolveContext(alert, inventory)
  const moves = await movesOf(alert, context, inventory)
  const facts = withFacts(before?.facts ?? [], factsOf(alert, context, moves.facts))
  return { alert, context: withNotes(context, moves), before, facts, waits: moves.waits }
}

const least = (times: readonly bigint[]): bigint => times.reduce((found, time) => (time < found ? time : found), times[0] ?? 0n)
const most = (times: readonly bigint[]): bigint => times.reduce((found, time) => (time > found ? time : found), times[0] ?? 0n)

type Reach = { scope: string; rule: string; key: string; by: string | null; fromNs: bigint; toNs: bigint }
/** Each fact once, with all the time in which its alerts look for others. */
function reachesOf(resolved: readonly Resolved[]): Reach[] {
  const reaches = new Map<string, Reach>()
  for (const { alert, facts } of resolved)
    for (const fact of facts) {
      const [scope, rule, by] = [scopeOf(alert, fact), spaceOf(fact), byOf(fact)]
      const window = chainWindow(rule, by)
      const far = window > farthest ? window : farthest
      const fromNs = alert.eventNs - far
      const toNs = alert.eventNs + far
      const id = `${scope}\n${rule}\n${fact.key}\n${by}`
      const reach = reaches.get(id)
      if (reach === undefined) reaches.set(id, { scope, rule, key: fact.key, by: by === '' ? null : by, fromNs, toNs })
      else {
        if (fromNs < reach.fromNs) reach.fromNs = fromNs
        if (toNs > reach.toNs) reach.toNs = toNs
      }
    }
  return [...reaches.values()]
}

/** `anew`: places, among the memberships, of those whose incident must be partitioned again, for something that joined it no longer does. */
type Placements = { memberships: rows.Membership[]; merges: Merge[]; anew: Set<number> }

function placeOn(board: SegmentBoard, resolved: readonly Resolved[], counted: CountedAs): Placements {
  const memberships: rows.Membership[] = []
  const merges: Merge[] = []
  const anew = new Set<number>()
  for (const [index, { alert, context, facts, before }] of resolved.entries()) {
    const placed = { id: alert.id, scope: alert.scope, eventNs: alert.eventNs, facts }
    const placement = place(placed, board.touching(placed), () => before?.incidentId ?? newId())
    const { incidentId, mergedIncidentIds: merged } = placement
    board.apply(placement.replaced, placement.written)
    if (merged.length > 0) {
      board.rename(merged, incidentId)
      merges.push({ survivor: incidentId, merged })
      for (const membership of memberships) if (merged.includes(membership.incidentId)) membership.incidentId = incidentId
    }
    if (placement.overcrowded || hasLost(before?.facts ?? [], facts)) anew.add(index)
    // Placed again, it has met itself: only what it had not known before is a new reason.
    const held = new Set(before?.facts.map((fact) => `${fact.rule}\n${fact.label}`))
    const met = placement.reasons.filter((reason) => reason.relation !== undefined || !held.has(`${reason.rule}\n${reason.label}`))
    memberships.push({
      ...membershipOf(alert, context),
      baseline: counted.of.get(alert.id) ?? null,
      incidentId,
      facts,
      reasons: [...(before?.reasons ?? []), ...met],
    })
  }
  return { memberships, merges, anew }
}

function membershipOf(alert: Lead, context: AlertContext): Omit<rows.Membership, 'incidentId' | 'facts' | 'reasons' | 'baseline'> {
  const { container, pod, workload, node, identity, inferred, how } = context
  return {
    alertId: alert.id,
    scope: alert.scope,
    eventNs: alert.eventNs,
    receivedAt: alert.receivedAt,
    rule: alert.rule,
    priority: alert.priority,
    context: {
      container: id(container),
      pod: id(pod),
      workload: id(workload),
      node: id(node),
      inferred,
      how,
      ...(identity === undefined ? {} : { identity: identity.id.toString() }),
    },
    resolved: isComplete(alert, context),
    containerId: alert.container?.id.slice(0, 12) ?? null,
    podName: aName(alert.pod?.name),
    hostname: alert.container === null && alert.pod === null ? aName(alert.hostname) : null,
    sameAs: null,
  }
}
const id = (entity: Entity | null): string | null => entity?.id.toString() ?? null
/** Nothing in a cluster has a longer name. */
const aName = (text: string | null | undefined): string | null => (text == null || text.length > 253 ? null : text)

/** What one moment of an incident was told of twice is linked. `uncounted`: how much less than one some new alerts count. */
async function linkSameEvents(
  tx: Transaction,
  memberships: readonly rows.Membership[],
  resolved: readonly Resolved[],
): Promise<{ uncounted: Map<string, number>; linked: Linked[] }> {
  const isNew = new Map(resolved.map(({ alert, before }) => [alert.id, before === undefined]))
  const found = await rows.sharedMoments(
    tx,
    memberships.map(({ incidentId, eventNs }) => ({ incidentId, eventNs })),
  )
  const ids = found.map(({ alertId }) => alertId)
  const alerts = new Map((await getAlerts(tx, ids)).map((alert) => [alert.id, alert]))
  const moments = Map.groupBy(found, ({ incidentId, eventNs }) => `${incidentId} ${eventNs}`)
  const links = [...moments.values()].flatMap((moment) =>
    linkMoment(
      moment.flatMap(({ alertId, sameAs }) => {
        const alert = alerts.get(alertId)
        return alert === undefined ? [] : [{ alert, sameAs, isNew: isNew.get(alertId) === true }]
      }),
    ),
  )
  await rows.markSame(tx, links)
  const uncounted = new Map<string, number>()
  for (const link of links) uncounted.set(link.uncounted, (uncounted.get(link.uncounted) ?? 0) + 1)
  const isLinked = new Set(links.map(({ alertId }) => alertId))
  return { uncounted, linked: found.filter(({ alertId }) => isLinked.has(alertId)) }
}

function newGroups(
  memberships: readonly rows.Membership[],
  resolved: readonly Resolved[],
  uncounted: ReadonlyMap<string, number>,
): (GroupRow & { incidentId: string })[] {
  const groups = new Map<string, GroupRow & { incidentId: string }>()
  for (const [index, { alert, before }] of resolved.entries()) {
    if (before !== undefined) continue
    const incidentId = memberships[index]?.incidentId ?? ''
    const { rule, priority, tactics, techniques, eventNs } = alert
    const key = `${incidentId}\n${priority}\n${rule}`
    const group = groups.get(key)
    const count = 1 - (uncounted.get(alert.id) ?? 0)
    if (group === undefined) groups.set(key, { incidentId, rule, priority, tactics, techniques, count, firstNs: eventNs, lastNs: eventNs })
    else {
      group.count += count
      group.tactics = [...new Set([...group.tactics, ...tactics])]
      group.techniques = [...new Set([...group.techniques, ...techniques])]
      if (eventNs < group.firstNs) group.firstNs = eventNs
      if (eventNs > group.lastNs) group.lastNs = eventNs
    }
  }
  return [...groups.values()]
}

/** Incidents whose places must be collected anew: inventory now says something else of an alert, not only something more. */
function corrected(memberships: readonly rows.Membership[], resolved: readonly Resolved[]): string[] {
  const differs = ({ context: now }: rows.Membership, was: rows.ContextIds | undefined): boolean =>
    was !== undefined && (['container', 'pod', 'workload', 'node'] as const).some((kind) => was[kind] !== null && was[kind] !== now[kind])
  return [
    ...new Set(
      memberships
        .filter((membership, index) => differs(membership, resolved[index]?.before?.context))
        .map((membership) => membership.incidentId),
    ),
  ]
}
