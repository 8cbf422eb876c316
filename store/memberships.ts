/**
 * Which alerts belong to which incident, with the facts and reasons. Memberships keep what was concluded of an alert,
 * so that recomputing needs no inventory of that day.
 */
import { type RawBuilder, sql } from 'kysely'
import type { JoinReason, SharedFact } from '../domain/incident.ts'
import { stringifyExact } from '../domain/exact-json.ts'
import { priorities, type Priority, prioritySeverity, type Severity } from '../domain/severity.ts'
import type { Queryable, Transaction } from './database.ts'
import { escapeDeep, jsonText, unescapeDeep, unescapeText } from './values.ts'

/** Ids of the inventory records an alert was resolved to, and how. */
export type ContextIds = {
  container: string | null
  pod: string | null
  workload: string | null
  node: string | null
  /** Of a cloud’s audit log; not there: of none, or placed before it was kept. */ identity?: string
  inferred: boolean
  how: string
}
export type Membership = {
  alertId: string
  incidentId: string
  /** The alert’s own: an incident may have alerts of several. */
  scope: string
  eventNs: bigint
  receivedAt: Date
  rule: string
  priority: Priority
  reasons: JoinReason[]
  facts: SharedFact[]
  context: ContextIds
  /** False while inventory may still tell more: the alert is placed again when it learns of this container, pod or host. */
  resolved: boolean
  containerId: string | null
  podName: string | null
  hostname: string | null
  /** The alert that stands for the same event, which this one only tells of once more; shown and counted is that one. */
  sameAs: string | null
  /** What it was counted as in the baseline; null: before that was kept. */ baseline: bigint | null
}
type Row = {
  alert_id: string
  incident_id: string
  scope: string
  event_ns: bigint
  received_at: Date
  rule: string
  priority: number
  reasons: JoinReason[]
  facts: SharedFact[]
  context: ContextIds
  resolved: boolean
  container_id: string | null
  pod_name: string | null
  hostname: string | null
  same_as: string | null
  baseline_id: bigint | null
}

export async function writeMemberships(tx: Transaction, memberships: readonly Membership[]): Promise<void> {
  if (memberships.length === 0) return
  await tx.query(sql`insert into incident_alerts as m (alert_id, incident_id, scope, event_ns, received_at, rule, priority, reasons, facts, context, resolved, container_id, pod_name, hostname, same_as, baseline_id)
    select "alertId", "incidentId", scope, "eventNs", "receivedAt", rule, priority, reasons, facts, context, resolved, "containerId", "podName", hostname, "sameAs", baseline
    from json_to_recordset(${jsonText(memberships.map((one) => ({ ...one, priority: priorities.indexOf(one.priority) })))}::json) as r("alertId" uuid, "incidentId" uuid, scope text, "eventNs" bigint, "receivedAt" timestamptz, rule text, priority smallint, reasons json, facts json,
      context json, resolved boolean, "containerId" text, "podName" text, hostname text, "sameAs" uuid, baseline bigint)
    on conflict (alert_id) do update set incident_id = excluded.incident_id, reasons = excluded.reasons, facts = excluded.facts, context = excluded.context, resolved = excluded.resolved,
      baseline_id = excluded.baseline_id`)
}

/** The earliest alert of each of these incidents. */
export async function firstAlertsOf(db: Queryable, incidentIds: readonly string[]): Promise<string[]> {
  const rows = await db.query(sql<{ alert_id: string }>`
    select m.alert_id::text as alert_id from unnest(${incidentIds}::uuid[]) i(id) cross join lateral (
      select alert_id from incident_alerts where incident_id = i.id order by event_ns, alert_id limit 1) m`)
  return rows.map((row) => row.alert_id)
}

/** The earliest alert of each rule of these incidents, found through the rules that are counted. */
export async function firstAlertsByRule(db: Queryable, incidentIds: readonly string[]): Promise<Map<string, Map<string, string>>> {
  const rows = await db.query(sql<{
    incident_id: string
    rule: string
    alert_id: string
  }>`select g.incident_id::text, g.rule, m.alert_id::text
    from (select distinct incident_id, rule from incident_groups where incident_id = any(${incidentIds}::uuid[])) g
      cross join lateral (select alert_id from incident_alerts a where a.incident_id = g.incident_id and a.rule = g.rule and a.same_as is null
        order by event_ns, alert_id limit 1) m`)
  const found = new Map<string, Map<string, string>>(incidentIds.map((id) => [id, new Map()]))
  for (const row of rows) found.get(row.incident_id)?.set(unescapeText(row.rule), row.alert_id)
  return found
}

/** What was concluded of these alerts, or of the first `limit` (by event time) of an incident; `shown`: each event once. */
export async function membershipsOf(
  db: Queryable,
  by: { alertIds: readonly string[] } | { incidentId: string; limit?: number; shown?: boolean },
): Promise<Membership[]> {
  const shown = 'shown' in by && by.shown === true ? sql`and same_as is null` : sql``
  const condition = 'incidentId' in by ? sql`incident_id = ${by.incidentId} ${shown}` : sql`alert_id = any(${by.alertIds}::uuid[])`
  const limit = 'incidentId' in by && by.limit !== undefined ? sql`limit ${by.limit}` : sql``
  const rows = await db.query(
    sql<Row>`select alert_id::text, incident_id::text, scope, event_ns, received_at, rule, priority, reasons, facts, context, resolved, container_id, pod_name, hostname, same_as::text, baseline_id
      from incident_alerts where ${condition} order by event_ns, alert_id ${limit}`,
  )
  return rows.map((row) => ({
    alertId: row.alert_id,
    incidentId: row.incident_id,
    eventNs: row.event_ns,
    receivedAt: row.received_at,
    resolved: row.resolved,
    sameAs: row.same_as,
    baseline: row.baseline_id,
    priority: priorities[row.priority] ?? 'Debug',
    ...unescapeDeep({
      scope: row.scope,
      rule: row.rule,
      reasons: row.reasons,
      facts: row.facts,
      context: row.context,
      containerId: row.container_id,
      podName: row.pod_name,
      hostname: row.hostname,
    }),
  }))
}

/** Whose alerts these incidents hold: clusters and accounts. */
export async function scopesOf(db: Queryable, incidentIds: readonly string[]): Promise<Map<string, string[]>> {
  const rows = await db.query(
    sql<{
      incident_id: string
      scope: string
    }>`select distinct incident_id::text, scope from incident_alerts where incident_id = any(${incidentIds}::uuid[]) order by 1, 2`,
  )
  return new Map([...Map.groupBy(rows, (row) => row.incident_id)].map(([id, of]) => [id, of.map(({ scope }) => unescapeText(scope))]))
}

/** More alerts of a storm are not looked through for why they were joined. */
const mostForReasons = 20_000

/** Every way in which alerts of an incident were joined, by how many: the moves that a relation explains first, then as they came. */
export async function joinReasonsOf(db: Queryable, incidentId: string, limit = 50): Promise<(JoinReason & { alerts: number })[]> {
  const rows = await db.query(sql<{ reason: JoinReason; alerts: bigint }>`
    select (array_agg(r.reason order by m.event_ns, m.alert_id))[1] as reason, count(*) as alerts
    from (select event_ns, alert_id, reasons from incident_alerts where incident_id = ${incidentId} order by event_ns, alert_id limit ${mostForReasons}) m
      cross join lateral json_array_elements(m.reasons) r(reason)
    group by r.reason->>'rule', r.reason->>'label', r.reason->>'inferred'
    order by bool_or(r.reason->'relation' is not null) desc, min(m.event_ns), r.reason->>'label' limit ${limit}`)
  return rows.map(({ reason, alerts }) => ({ ...unescapeDeep(reason), alerts: Number(alerts) }))
}

/** What is news to these alerts: the keys that their moves depend on. */
export async function noteWaits(tx: Transaction, waits: readonly { key: string; alertId: string; eventNs: bigint }[]): Promise<void> {
  if (waits.length === 0) return
  await tx.query(sql`insert into incident_waits (key, event_ns, alert_id)
    select key, "eventNs", "alertId" from jsonb_to_recordset(${jsonText(waits)}::jsonb) as r(key text, "eventNs" bigint, "alertId" uuid)
    on conflict do nothing`)
}

/** What a sample of an incident's alerts is drawn from: each event once. */
export async function alertCandidates(
  db: Queryable,
  incidentId: string,
): Promise<{ id: string; rule: string; severity: Severity; eventNs: bigint }[]> {
  const rows = await db.query(
    sql<{
      id: string
      rule: string
      priority: number
      event_ns: bigint
    }>`select alert_id::text as id, rule, priority, event_ns from incident_alerts where incident_id = ${incidentId} and same_as is null order by event_ns, alert_id limit 50000`,
  )
  return rows.map((row) => ({
    id: row.id,
    rule: unescapeText(row.rule),
    severity: prioritySeverity[priorities[row.priority] ?? 'Debug'],
    eventNs: row.event_ns,
  }))
}

/** Alerts of an incident in event order, each event once: at most `limit` behind `after`. */
export async function alertsInOrder(
  db: Queryable,
  incidentId: string,
  { after, limit }: { after?: { eventNs: bigint; id: string }; limit: number },
): Promise<string[]> {
  const behind = after === undefined ? sql`true` : sql`(event_ns, alert_id) > (${after.eventNs}, ${after.id}::uuid)`
  const rows = await db.query(sql<{ id: string }>`select alert_id::text as id from incident_alerts
    where incident_id = ${incidentId} and same_as is null and ${behind} order by event_ns, alert_id limit ${limit}`)
  return rows.map(({ id }) => id)
}

/** Of each rule of an incident the first and the last few alerts, each event once: what a storm looks like. */
export async function endsOfRules(
  db: Queryable,
  incidentId: string,
  rules: readonly string[],
  { first, last }: { first: number; last: number },
): Promise<string[]> {
  const some = (order: RawBuilder<unknown>, limit: number): RawBuilder<unknown> =>
    sql`(select alert_id from incident_alerts m where m.incident_id = ${incidentId} and m.rule = r.rule and m.same_as is null order by ${order} limit ${limit})`
  const rows = await db.query(sql<{
    id: string
  }>`select distinct m.alert_id::text as id from unnest(${escapeDeep([...rules])}::text[]) r(rule)
    cross join lateral (${some(sql`event_ns, alert_id`, first)} union all ${some(sql`event_ns desc, alert_id desc`, last)}) m`)
  return rows.map(({ id }) => id)
}

/** More alerts of one moment in one incident are left as they are: to look through them all, batch after batch, has no end. */
const mostOfMoment = 50

/** Of these moments of incidents, those that hold several alerts: all of them, with what stands for each. */
export async function sharedMoments(
  tx: Transaction,
  moments: readonly { incidentId: string; eventNs: bigint }[],
): Promise<{ incidentId: string; eventNs: bigint; alertId: string; sameAs: string | null; baseline: bigint | null }[]> {
  const rows = await tx.query(sql<{
    incident_id: string
    event_ns: bigint
    alert_id: string
    same_as: string | null
    baseline_id: bigint | null
  }>`
    select incident_id::text, event_ns, alert_id::text, same_as::text, baseline_id from (
      select m.*, count(*) over (partition by m.incident_id, m.event_ns) as together
      from (select distinct "incidentId", "eventNs" from jsonb_to_recordset(${stringifyExact(moments)}::jsonb) as r("incidentId" uuid, "eventNs" bigint)) q
        cross join lateral (select incident_id, event_ns, alert_id, same_as, baseline_id from incident_alerts m
          where m.incident_id = q."incidentId" and m.event_ns = q."eventNs" limit ${mostOfMoment + 1}) m) found
    where together between 2 and ${mostOfMoment} order by event_ns, alert_id`)
  return rows.map((row) => ({
    incidentId: row.incident_id,
    eventNs: row.event_ns,
    alertId: row.alert_id,
    sameAs: row.same_as,
    baseline: row.baseline_id,
  }))
}

export async function markSame(tx: Transaction, links: readonly { alertId: string; sameAs: string }[]): Promise<void> {
  if (links.length === 0) return
  await tx.query(sql`update incident_alerts m set same_as = r."sameAs" from jsonb_to_recordset(${stringifyExact(links)}::jsonb) as r("alertId" uuid, "sameAs" uuid)
    where m.alert_id = r."alertId"`)
}

/** Which further alerts tell of the event that each of these stands for. */
export async function tellingTheSame(db: Queryable, alertIds: readonly string[]): Promise<Map<string, string[]>> {
  const rows = await db.query(
    sql<{
      same_as: string
      alert_id: string
    }>`select same_as::text, alert_id::text from incident_alerts where same_as = any(${alertIds}::uuid[]) order by 1, 2`,
  )
  return new Map([...Map.groupBy(rows, (row) => row.same_as)].map(([id, found]) => [id, found.map((row) => row.alert_id)]))
}

/** Where their pods are, by the alerts' own word. */
export async function namespacesOfAlerts(db: Queryable, ids: readonly string[]): Promise<Map<string, string>> {
  if (ids.length === 0) return new Map()
  const rows = await db.query(
    sql<{
      id: string
      namespace: string
    }>`select a.id::text, a.pod_namespace as namespace from incident_alerts m join alerts a on a.id = m.alert_id and a.received_at = m.received_at
    where m.alert_id = any(${[...ids]}::uuid[]) and a.pod_namespace is not null`,
  )
  return new Map(rows.map(({ id, namespace }) => [id, unescapeText(namespace)]))
}
