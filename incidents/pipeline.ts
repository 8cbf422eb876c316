/**
 * The correlator: takes pending alerts, places each in an incident, and derives the incidents again; all in one
 * transaction, so that a crash leaves either everything or nothing. Also carries out what people decide: merge,
 * split, state. It never reads prose and never asks a model.
 */
import type { Alert } from '../domain/alert.ts'
import type { Clock } from '../domain/clock.ts'
import type { Entity } from '../domain/entity.ts'
import { InputError, NotFoundError } from '../domain/errors.ts'
import { newId } from '../domain/ids.ts'
import type { Decision, SharedFact } from '../domain/incident.ts'
import type { Channel, Principal } from '../domain/principal.ts'
import { getAlerts } from '../store/alerts.ts'
import { appendAudit } from '../store/audit.ts'
import type { Database, Queryable, Transaction } from '../store/database.ts'
import { containersByPrefix, findEntity, getEntities, ownersOf, podsByName } from '../store/entities.ts'
import * as rows from '../store/incidents.ts'
import { type AlertContext, type Inventory, resolveContext } from './context.ts'
import { cluster, correlationVersion, factsOf, place, type Segment, windowOf } from './correlate.ts'
import { assess } from './severity.ts'
import { incidentTitle } from './title.ts'

/** Correlates up to `limit` pending alerts. Answers how many, and which incidents changed. */
export async function correlatePending(db: Database, clock: Clock, limit = 500): Promise<{ alerts: number; incidentIds: string[] }> {
  return db.transaction(async (tx) => {
    await rows.lockIncidents(tx)
    const ids = await rows.takePending(tx, limit)
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
    await rows.segmentsTouching(
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
  await rows.replaceSegments(tx, board.removed(), board.added())
  await rows.writeMemberships(tx, memberships)
  for (const { survivor, merged } of merges) await rows.mergeInto(tx, survivor, merged, now)
  const changed = [...new Set(memberships.map((membership) => membership.incidentId))]
  const regrouped = new Set([
    ...merges.map((merge) => merge.survivor),
    ...memberships.filter((membership) => before.has(membership.alertId)).map((membership) => membership.incidentId),
  ])
  await rows.regroup(tx, [...regrouped])
  await rows.addToGroups(
    tx,
    newGroups(
      memberships.filter((membership) => !regrouped.has(membership.incidentId)),
      alerts,
    ),
  )
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

/** Derives incidents from their groups: the same groups give the same incident, whatever the order they came in. */
async function derive(tx: Transaction, incidentIds: readonly string[], now: Date): Promise<void> {
  const groups = await rows.groupsOf(tx, incidentIds)
  for (const id of incidentIds) {
    const mine = groups.get(id) ?? []
    if (mine.length === 0) continue
    const contexts = await rows.contextIdsOf(tx, id)
    const { severity, reasons } = assess(mine)
    const [member] = await rows.membershipsOf(tx, { alertIds: await firstAlertId(tx, id) })
    const [alert] = member === undefined ? [] : await getAlerts(tx, [member.alertId])
    if (alert === undefined) continue
    await rows.saveIncident(
      tx,
      {
        id,
        scope: alert.scope,
        title: incidentTitle(mine, await placeName(tx, contexts, alert)),
        severity,
        severityFloor: severity,
        severityReasons: reasons,
        correlationVersion,
        alertCount: mine.reduce((sum, group) => sum + group.count, 0),
        firstNs: mine.reduce((least, group) => (group.firstNs < least ? group.firstNs : least), mine[0]?.firstNs ?? 0n),
        lastNs: mine.reduce((most, group) => (group.lastNs > most ? group.lastNs : most), mine[0]?.lastNs ?? 0n),
        tactics: distinct(mine.flatMap((group) => group.tactics)),
        techniques: distinct(mine.flatMap((group) => group.techniques)),
        rules: distinct(mine.map((group) => group.rule)),
        entityIds: contexts.map((context) => context.id),
      },
      now,
    )
  }
}

const distinct = (values: readonly string[]): string[] => [...new Set(values)].sort()

async function firstAlertId(tx: Queryable, incidentId: string): Promise<string[]> {
  const first = await rows.firstAlertOf(tx, incidentId)
  return first === undefined ? [] : [first]
}

async function placeName(tx: Queryable, contexts: Awaited<ReturnType<typeof rows.contextIdsOf>>, alert: Alert): Promise<string> {
  const ids = (kind: string): bigint[] => contexts.filter((context) => context.kind === kind).map((context) => context.id)
  const [named] = await getEntities(tx, ids('workload').length > 0 ? ids('workload').slice(0, 1) : ids('pod').slice(0, 1))
  if (named !== undefined) return `${named.namespace}/${named.name}`
  if (alert.pod !== null) return `${alert.pod.namespace}/${alert.pod.name}`
  if (alert.container !== null) return `container ${alert.container.name ?? alert.container.id.slice(0, 12)}`
  return alert.hostname === null ? 'an unnamed host' : `host ${alert.hostname}`
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

/** Segments under change within one batch: what is stored, what replaces it. */
class SegmentBoard {
  readonly #stored: Map<string, Segment>
  readonly #current = new Map<string, Segment[]>()

  constructor(stored: readonly Segment[]) {
    this.#stored = new Map(stored.map((segment) => [identity(segment), segment]))
    for (const segment of stored) this.#bucket(segment).push(segment)
  }

  touching(scope: string, facts: readonly SharedFact[]): Segment[] {
    return facts.flatMap((fact) => this.#current.get(`${scope}\n${fact.rule}\n${fact.key}`) ?? [])
  }

  apply(replaced: readonly Segment[], written: readonly Segment[]): void {
    for (const segment of replaced) {
      const bucket = this.#bucket(segment)
      const at = bucket.indexOf(segment)
      if (at >= 0) bucket.splice(at, 1)
    }
    for (const segment of written) this.#bucket(segment).push(segment)
  }

  rename(merged: readonly string[], survivor: string): void {
    for (const bucket of this.#current.values())
      for (const [index, segment] of bucket.entries())
        if (merged.includes(segment.incidentId)) bucket[index] = { ...segment, incidentId: survivor }
  }

  removed(): Segment[] {
    return [...this.#stored.values()]
  }
  added(): Segment[] {
    return [...this.#current.values()].flat()
  }

  #bucket(segment: Segment): Segment[] {
    const key = `${segment.scope}\n${segment.rule}\n${segment.key}`
    const bucket = this.#current.get(key) ?? []
    this.#current.set(key, bucket)
    return bucket
  }
}
const identity = (segment: Segment): string => `${segment.scope}\n${segment.rule}\n${segment.key}\n${segment.startNs}`

/** Inventory through the store, remembering answers for the length of one batch. */
function cachedInventory(tx: Queryable): Inventory {
  const remembered = new Map<string, Promise<unknown>>()
  const once = <T>(key: string, ask: () => Promise<T>): Promise<T> => {
    const known = remembered.get(key) as Promise<T> | undefined
    if (known !== undefined) return known
    const answer = ask()
    remembered.set(key, answer)
    return answer
  }
  const minute = (ns: bigint): bigint => ns / 60_000_000_000n
  return {
    containersByPrefix: (scope, prefix, at) =>
      once(`c\n${scope}\n${prefix}\n${minute(at)}`, () => containersByPrefix(tx, scope, prefix, at)),
    podsByName: (scope, namespace, name, at) =>
      once(`n\n${scope}\n${namespace}\n${name}\n${minute(at)}`, () => podsByName(tx, scope, namespace, name, at)),
    podByUid: (scope, key) => once(`p\n${scope}\n${key}`, () => findEntity(tx, { scope, kind: 'pod', key })),
    nodeByName: (scope, key) => once(`h\n${scope}\n${key}`, () => findEntity(tx, { scope, kind: 'node', key })),
    ownersOf: (entity) => once(`o\n${entity.id}`, () => ownersOf(tx, entity.id)),
  }
}

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
    await rows.lockIncidents(tx)
    const about = decision.kind === 'merge' ? decision.into : decision.incident
    const incident = await rows.getIncident(tx, { id: about })
    if (incident === undefined) throw new NotFoundError(`There is no incident ${about}.`)
    const now = clock.now()
    const decisionId = await rows.recordDecision(tx, {
      incidentId: incident.id,
      at: now,
      principalId: principal.personId,
      decision,
      reason,
    })
    await appendAudit(tx, clock, {
      principal,
      channel,
      action: `incident ${decision.kind}`,
      subject: `incident/${incident.id}`,
      details: { decision, reason },
    })
    if (decision.kind === 'state') await rows.setIncidentState(tx, incident.id, decision.state, now)
    if (decision.kind === 'merge') return merge(tx, incident.id, decision.from, decisionId, now)
    if (decision.kind === 'split') await split(tx, incident.id, decision.alerts, decisionId, now)
    return incident.id
  })
}

async function merge(tx: Transaction, into: string, from: string, decisionId: string, now: Date): Promise<string> {
  const other = await rows.getIncident(tx, { id: from })
  if (other === undefined) throw new NotFoundError(`There is no incident ${from}.`)
  if (other.id === into) throw new InputError('An incident cannot be merged with itself.')
  const link: SharedFact = { rule: 'merge', key: decisionId, label: 'merged by a person', inferred: false }
  const firsts = [await rows.firstAlertOf(tx, into), await rows.firstAlertOf(tx, other.id)].filter(
    (found): found is string => found !== undefined,
  )
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
  for (const incidentId of incidentIds) scopes.set(incidentId, (await rows.getIncident(tx, { id: incidentId }))?.scope ?? '')
  const placed = members.map((membership) => ({
    id: membership.alertId,
    scope: scopes.get(membership.incidentId) ?? '',
    eventNs: membership.eventNs,
    facts: membership.facts,
  }))
  const byId = new Map(members.map((membership) => [membership.alertId, membership]))
  const free = [...incidentIds].sort()
  await rows.removeSegmentsOf(tx, incidentIds)
  const result: string[] = []
  for (const group of cluster(placed)) {
    const incidentId = free.shift() ?? newId()
    result.push(incidentId)
    const inGroup = new Set(group)
    const chosen = group.map((alertId) => ({ ...(byId.get(alertId) as rows.Membership), incidentId }))
    await rows.writeMemberships(tx, chosen)
    await rows.replaceSegments(
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
  if (free.length > 0) await rows.mergeInto(tx, result[0] as string, free, now)
  return result
}

/** The segments that alerts of one incident make, fact by fact. */
function segmentsOf(alerts: readonly { id: string; scope: string; eventNs: bigint; facts: SharedFact[] }[], incidentId: string): Segment[] {
  const board = new SegmentBoard([])
  for (const alert of alerts) {
    const placement = place(alert, board.touching(alert.scope, alert.facts), incidentId)
    board.apply(placement.replaced, placement.written)
  }
  return board.added()
}
