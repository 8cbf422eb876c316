/**
 * Which alerts belong to which incident, with the facts and reasons, and the counts per rule that an incident is
 * derived from. Memberships keep what was concluded of an alert, so that recomputing needs no inventory of that day.
 */
import { type RawBuilder, sql } from 'kysely'
import type { JoinReason, SharedFact } from '../domain/incident.ts'
import { stringifyExact } from '../domain/exact-json.ts'
import { priorities, type Priority, severityFromId, type Severity } from '../domain/severity.ts'
import type { Queryable, Transaction } from './database.ts'
import { escapeDeep, unescapeDeep, unescapeText } from './values.ts'

export type GroupRow = {
  rule: string
  priority: Priority
  tactics: string[]
  techniques: string[]
  count: number
  firstNs: bigint
  lastNs: bigint
}
/** Ids of the inventory records an alert was resolved to, and how. */
export type ContextIds = {
  container: string | null
  pod: string | null
  workload: string | null
  node: string | null
  inferred: boolean
  how: string
}
export type Membership = {
  alertId: string
  incidentId: string
  eventNs: bigint
  reasons: JoinReason[]
  facts: SharedFact[]
  context: ContextIds
  resolved: boolean
  containerId: string | null
  podName: string | null
}

export async function writeMemberships(tx: Transaction, memberships: readonly Membership[]): Promise<void> {
  if (memberships.length === 0) return
  await tx.query(sql`insert into incident_alerts as m (alert_id, incident_id, event_ns, reasons, facts, context, resolved, container_id, pod_name)
    select "alertId", "incidentId", "eventNs", reasons, facts, context, resolved, "containerId", "podName"
    from jsonb_to_recordset(${stringifyExact(escapeDeep(memberships))}::jsonb) as r("alertId" uuid, "incidentId" uuid, "eventNs" bigint, reasons jsonb, facts jsonb, context jsonb, resolved boolean, "containerId" text, "podName" text)
    on conflict (alert_id) do update set incident_id = excluded.incident_id, reasons = excluded.reasons, facts = excluded.facts, context = excluded.context, resolved = excluded.resolved`)
}

/** The earliest alert of each of these incidents. */
export async function firstAlertsOf(db: Queryable, incidentIds: readonly string[]): Promise<Map<string, string>> {
  const rows = await db.query(sql<{ incident_id: string; alert_id: string }>`select i.id::text as incident_id, m.alert_id::text as alert_id
    from unnest(${incidentIds}::uuid[]) i(id) cross join lateral (select alert_id from incident_alerts where incident_id = i.id order by event_ns, alert_id limit 1) m`)
  return new Map(rows.map((row) => [row.incident_id, row.alert_id]))
}

/** What was concluded of these alerts before, if they were placed already. */
export async function membershipsOf(db: Queryable, by: { alertIds: readonly string[] } | { incidentId: string }): Promise<Membership[]> {
  const condition = 'incidentId' in by ? sql`incident_id = ${by.incidentId}` : sql`alert_id = any(${by.alertIds}::uuid[])`
  const rows = await db.query(sql<{
    alert_id: string
    incident_id: string
    event_ns: bigint
    reasons: JoinReason[]
    facts: SharedFact[]
    context: ContextIds
    resolved: boolean
    container_id: string | null
    pod_name: string | null
  }>`
    select alert_id::text, incident_id::text, event_ns, reasons, facts, context, resolved, container_id, pod_name from incident_alerts where ${condition} order by event_ns, alert_id`)
  return rows.map((row) => ({
    alertId: row.alert_id,
    incidentId: row.incident_id,
    eventNs: row.event_ns,
    resolved: row.resolved,
    containerId: row.container_id,
    podName: row.pod_name,
    ...unescapeDeep({ reasons: row.reasons, facts: row.facts, context: row.context }),
  }))
}

/** What a sample of an incident's alerts is drawn from. */
export async function alertCandidates(
  db: Queryable,
  incidentId: string,
): Promise<{ id: string; rule: string; severity: Severity; eventNs: bigint }[]> {
  const rows = await db.query(
    sql<{
      id: string
      rule: string
      severity: number
      event_ns: bigint
    }>`select a.id::text, a.rule, a.severity, a.event_ns from incident_alerts m join alerts a on a.id = m.alert_id where m.incident_id = ${incidentId} order by m.event_ns, m.alert_id limit 50000`,
  )
  return rows.map((row) => ({ id: row.id, rule: unescapeText(row.rule), severity: severityFromId(row.severity), eventNs: row.event_ns }))
}

/** Counts alerts by rule and collects places from scratch: after a merge, a split, or when inventory came late. */
export async function regroup(tx: Transaction, incidentIds: readonly string[]): Promise<void> {
  if (incidentIds.length === 0) return
  await tx.query(sql`delete from incident_groups where incident_id = any(${incidentIds}::uuid[])`)
  await tx.query(sql`delete from incident_places where incident_id = any(${incidentIds}::uuid[])`)
  await tx.query(sql`insert into incident_groups (incident_id, rule, priority, tactics, techniques, count, first_ns, last_ns)
    select m.incident_id, a.rule, a.priority, ${sqlSet('tactics')}, ${sqlSet('techniques')}, count(*), min(a.event_ns), max(a.event_ns)
    from incident_alerts m join alerts a on a.id = m.alert_id where m.incident_id = any(${incidentIds}::uuid[]) group by 1, 2, 3`)
  await tx.query(sql`insert into incident_places (incident_id, kind, entity_id)
    select distinct m.incident_id, k.kind, (m.context->>k.kind)::bigint from incident_alerts m, ${placeKinds} where m.incident_id = any(${incidentIds}::uuid[]) and m.context->>k.kind is not null`)
}
const sqlSet = (name: string): RawBuilder<unknown> =>
  sql`coalesce((select array_agg(distinct v) from unnest(string_to_array(string_agg(array_to_string(array(select jsonb_array_elements_text(a.normal->${name})), ','), ','), ',')) v where v <> ''), '{}')`

/** Adds newly placed alerts to their groups, so that a storm costs the same per alert at its end as at its start. */
export async function addToGroups(tx: Transaction, added: readonly (GroupRow & { incidentId: string })[]): Promise<void> {
  if (added.length === 0) return
  const rows = escapeDeep(added.map((group) => ({ ...group, priority: priorities.indexOf(group.priority) })))
  await tx.query(sql`insert into incident_groups as g (incident_id, rule, priority, tactics, techniques, count, first_ns, last_ns)
    select "incidentId", rule, priority, array(select jsonb_array_elements_text(tactics)), array(select jsonb_array_elements_text(techniques)), count, "firstNs", "lastNs"
    from jsonb_to_recordset(${stringifyExact(rows)}::jsonb) as r("incidentId" uuid, rule text, priority smallint, tactics jsonb, techniques jsonb, count integer, "firstNs" bigint, "lastNs" bigint)
    on conflict (incident_id, rule, priority) do update set count = g.count + excluded.count, first_ns = least(g.first_ns, excluded.first_ns), last_ns = greatest(g.last_ns, excluded.last_ns),
      tactics = array(select distinct v from unnest(g.tactics || excluded.tactics) v order by v), techniques = array(select distinct v from unnest(g.techniques || excluded.techniques) v order by v)`)
}

export async function groupsOf(db: Queryable, incidentIds: readonly string[]): Promise<Map<string, GroupRow[]>> {
  const rows = await db.query(sql<{
    incident_id: string
    rule: string
    priority: number
    tactics: string[]
    techniques: string[]
    count: number
    first_ns: bigint
    last_ns: bigint
  }>`
    select incident_id::text, rule, priority, tactics, techniques, count, first_ns, last_ns from incident_groups where incident_id = any(${incidentIds}::uuid[]) order by first_ns, rule`)
  const groups = new Map<string, GroupRow[]>(incidentIds.map((id) => [id, []]))
  for (const row of rows)
    groups
      .get(row.incident_id)
      ?.push({
        rule: unescapeText(row.rule),
        priority: priorities[row.priority] ?? 'Debug',
        tactics: row.tactics,
        techniques: row.techniques,
        count: row.count,
        firstNs: row.first_ns,
        lastNs: row.last_ns,
      })
  return groups
}

/** Inventory records that alerts of an incident were resolved to. */
export type Place = { kind: 'pod' | 'workload' | 'node' | 'container'; id: bigint }
const placeKinds = sql`(values ('pod'), ('workload'), ('node'), ('container')) k(kind)`

/** Notes the places of newly placed alerts; like the counts, so that a storm costs the same at its end as at its start. */
export async function addPlaces(tx: Transaction, memberships: readonly Membership[]): Promise<void> {
  if (memberships.length === 0) return
  await tx.query(sql`insert into incident_places (incident_id, kind, entity_id)
    select distinct r."incidentId", k.kind, (r.context->>k.kind)::bigint from jsonb_to_recordset(${stringifyExact(escapeDeep(memberships))}::jsonb) as r("incidentId" uuid, context jsonb), ${placeKinds}
    where r.context->>k.kind is not null order by 1, 2, 3 on conflict do nothing`)
}

/** Places of each of these incidents, by kind and id. */
export async function placesOf(db: Queryable, incidentIds: readonly string[]): Promise<Map<string, Place[]>> {
  const rows = await db.query(sql<{ incident_id: string; kind: Place['kind']; entity_id: bigint }>`
    select incident_id::text, kind, entity_id from incident_places where incident_id = any(${incidentIds}::uuid[]) order by kind, entity_id`)
  const places = new Map<string, Place[]>(incidentIds.map((id) => [id, []]))
  for (const row of rows) places.get(row.incident_id)?.push({ kind: row.kind, id: row.entity_id })
  return places
}
