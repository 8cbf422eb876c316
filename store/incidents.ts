/**
 * Incidents as rows: which alerts belong to which, the segments that new alerts are matched against, per-rule
 * groups, and the derived record that lists and pages show. What correlation concludes is written here; why, is not decided here.
 */
import { type RawBuilder, sql } from 'kysely'
import type { Decision, Incident, IncidentState, JoinReason, RecordedDecision, SeverityReason, SharedFact } from '../domain/incident.ts'
import { newId } from '../domain/ids.ts'
import { stringifyExact } from '../domain/exact-json.ts'
import { priorities, type Priority, severityFromId, severityId, type Severity } from '../domain/severity.ts'
import type { Queryable, Transaction } from './database.ts'
import { escapeDeep, escapeText, json, unescapeDeep, unescapeText } from './values.ts'
import { parseCursor } from './alerts.ts'

export type SegmentRow = {
  scope: string
  rule: string
  key: string
  label: string
  startNs: bigint
  endNs: bigint
  incidentId: string
  lastAlertId: string
}
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

/** Takes up to `limit` alerts that await correlation. Rolled back, they are back. */
export async function takePending(tx: Transaction, limit: number): Promise<string[]> {
  const rows = await tx.query(
    sql<{
      id: string
    }>`delete from alerts_pending where alert_id in (select alert_id from alerts_pending order by alert_id limit ${limit} for update skip locked) returning alert_id::text as id`,
  )
  return rows.map((row) => row.id)
}

export async function countPending(db: Queryable): Promise<number> {
  return Number((await db.query(sql<{ n: bigint }>`select count(*) as n from alerts_pending`))[0]?.n ?? 0n)
}

/** One correlator at a time: incidents merge, so two writers would merge past each other. */
export async function lockIncidents(tx: Transaction): Promise<void> {
  await tx.query(sql`select pg_advisory_xact_lock(7203418, 1)`)
}

type SegmentRecord = {
  scope: string
  rule: string
  fact_key: string
  label: string
  start_ns: bigint
  end_ns: bigint
  incident_id: string
  last_alert_id: string
}

/** Stored segments that any of these facts could touch. */
export async function segmentsTouching(
  tx: Queryable,
  facts: readonly { scope: string; rule: string; key: string; fromNs: bigint; toNs: bigint }[],
): Promise<SegmentRow[]> {
  if (facts.length === 0) return []
  const rows =
    await tx.query(sql<SegmentRecord>`select distinct s.scope, s.rule, s.fact_key, s.label, s.start_ns, s.end_ns, s.incident_id::text, s.last_alert_id::text
    from jsonb_to_recordset(${stringifyExact(escapeDeep(facts))}::jsonb) as f(scope text, rule text, key text, "fromNs" numeric, "toNs" numeric)
    join incident_segments s on s.scope = f.scope and s.fact_key = f.key and s.rule = f.rule and s.end_ns >= f."fromNs" and s.start_ns <= f."toNs"`)
  return rows.map((row) => ({
    scope: unescapeText(row.scope),
    rule: row.rule,
    key: unescapeText(row.fact_key),
    label: unescapeText(row.label),
    startNs: row.start_ns,
    endNs: row.end_ns,
    incidentId: row.incident_id,
    lastAlertId: row.last_alert_id,
  }))
}

export async function replaceSegments(tx: Transaction, removed: readonly SegmentRow[], written: readonly SegmentRow[]): Promise<void> {
  const shape = sql`as r(scope text, rule text, key text, label text, "startNs" bigint, "endNs" bigint, "incidentId" uuid, "lastAlertId" uuid)`
  if (removed.length > 0)
    await tx.query(sql`delete from incident_segments s using jsonb_to_recordset(${stringifyExact(escapeDeep(removed))}::jsonb) ${shape}
      where s.scope = r.scope and s.rule = r.rule and s.fact_key = r.key and s.start_ns = r."startNs"`)
  if (written.length > 0)
    await tx.query(sql`insert into incident_segments (scope, rule, fact_key, label, start_ns, end_ns, incident_id, last_alert_id)
      select scope, rule, key, label, "startNs", "endNs", "incidentId", "lastAlertId" from jsonb_to_recordset(${stringifyExact(escapeDeep(written))}::jsonb) ${shape}`)
}

export async function removeSegmentsOf(tx: Transaction, incidentIds: readonly string[]): Promise<void> {
  await tx.query(sql`delete from incident_segments where incident_id = any(${incidentIds}::uuid[])`)
}

export async function writeMemberships(tx: Transaction, memberships: readonly Membership[]): Promise<void> {
  if (memberships.length === 0) return
  await tx.query(sql`insert into incident_alerts as m (alert_id, incident_id, event_ns, reasons, facts, context, resolved, container_id, pod_name)
    select "alertId", "incidentId", "eventNs", reasons, facts, context, resolved, "containerId", "podName"
    from jsonb_to_recordset(${stringifyExact(escapeDeep(memberships))}::jsonb) as r("alertId" uuid, "incidentId" uuid, "eventNs" bigint, reasons jsonb, facts jsonb, context jsonb, resolved boolean, "containerId" text, "podName" text)
    on conflict (alert_id) do update set incident_id = excluded.incident_id, reasons = excluded.reasons, facts = excluded.facts, context = excluded.context, resolved = excluded.resolved`)
}

/** The earliest alert of an incident. */
export async function firstAlertOf(db: Queryable, incidentId: string): Promise<string | undefined> {
  return (
    await db.query(
      sql<{
        id: string
      }>`select alert_id::text as id from incident_alerts where incident_id = ${incidentId} order by event_ns, alert_id limit 1`,
    )
  )[0]?.id
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

/** Moves everything of merged incidents to the survivor; their ids stay as aliases. */
export async function mergeInto(tx: Transaction, survivor: string, merged: readonly string[], at: Date): Promise<void> {
  if (merged.length === 0) return
  for (const table of ['incident_segments', 'incident_alerts', 'investigations', 'proposals'])
    await tx.query(sql`update ${sql.table(table)} set incident_id = ${survivor} where incident_id = any(${merged}::uuid[])`)
  await tx.query(sql`delete from incident_groups where incident_id = any(${merged}::uuid[])`)
  await tx.query(
    sql`update incidents set merged_into = ${survivor}, updated_at = ${at} where id = any(${merged}::uuid[]) or merged_into = any(${merged}::uuid[])`,
  )
}

/** Counts alerts by rule from scratch: after a merge, a split or a first sight of these alerts. */
export async function regroup(tx: Transaction, incidentIds: readonly string[]): Promise<void> {
  await tx.query(sql`delete from incident_groups where incident_id = any(${incidentIds}::uuid[])`)
  await tx.query(sql`insert into incident_groups (incident_id, rule, priority, tactics, techniques, count, first_ns, last_ns)
    select m.incident_id, a.rule, a.priority, ${sqlSet('tactics')}, ${sqlSet('techniques')}, count(*), min(a.event_ns), max(a.event_ns)
    from incident_alerts m join alerts a on a.id = m.alert_id where m.incident_id = any(${incidentIds}::uuid[]) group by 1, 2, 3`)
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

/** Inventory records the incident's alerts were resolved to: ids of pods, workloads, nodes and containers. */
export async function contextIdsOf(
  db: Queryable,
  incidentId: string,
): Promise<{ kind: 'pod' | 'workload' | 'node' | 'container'; id: bigint }[]> {
  return db.query(sql<{
    kind: 'pod' | 'workload' | 'node' | 'container'
    id: bigint
  }>`select distinct k.kind, (m.context->>k.kind)::bigint as id from incident_alerts m, (values ('pod'), ('workload'), ('node'), ('container')) k(kind)
    where m.incident_id = ${incidentId} and m.context->>k.kind is not null order by 1, 2`)
}

export type DerivedIncident = Omit<Incident, 'state' | 'revision' | 'createdAt' | 'updatedAt' | 'severity'> & { severity: Severity }

/** Writes what was derived; a raise by a person stays (severity never falls below it). Each write is a new revision. */
export async function saveIncident(tx: Transaction, incident: DerivedIncident, at: Date): Promise<void> {
  await tx.query(sql`insert into incidents as i (id, scope, title, state, severity, severity_floor, severity_reasons, correlation_version, alert_count, first_ns, last_ns, tactics, techniques, rules, entity_ids, revision, created_at, updated_at)
    values (${incident.id}, ${escapeText(incident.scope)}, ${escapeText(incident.title)}, 'open', ${severityId(incident.severity)}, ${severityId(incident.severityFloor)}, ${json(incident.severityReasons)}, ${incident.correlationVersion},
      ${incident.alertCount}, ${incident.firstNs}, ${incident.lastNs}, ${incident.tactics}::text[], ${incident.techniques}::text[], ${escapeDeep(incident.rules)}::text[], ${incident.entityIds.map(String)}::bigint[], 1, ${at}, ${at})
    on conflict (id) do update set title = excluded.title, severity = excluded.severity, severity_floor = excluded.severity_floor, severity_reasons = excluded.severity_reasons, correlation_version = excluded.correlation_version,
      alert_count = excluded.alert_count, first_ns = excluded.first_ns, last_ns = excluded.last_ns, tactics = excluded.tactics, techniques = excluded.techniques, rules = excluded.rules, entity_ids = excluded.entity_ids,
      state = case when i.state = 'closed' and excluded.alert_count > i.alert_count then 'open' else i.state end,
      revision = i.revision + 1, updated_at = excluded.updated_at`)
}

type IncidentRow = {
  id: string
  scope: string
  title: string
  state: IncidentState
  severity: number
  severity_floor: number
  severity_reasons: SeverityReason[]
  correlation_version: string
  alert_count: number
  first_ns: bigint
  last_ns: bigint
  tactics: string[]
  techniques: string[]
  rules: string[]
  entity_ids: bigint[]
  revision: number
  investigated_revision: number
  merged_into: string | null
  created_at: Date
  updated_at: Date
}
const columns = sql`id::text, scope, title, state, severity, severity_floor, severity_reasons, correlation_version, alert_count, first_ns, last_ns, tactics, techniques, rules, entity_ids, revision, investigated_revision, merged_into::text, created_at, updated_at`

/** By id or by the tail of the short form; a merged incident answers as its survivor. */
export async function getIncident(db: Queryable, by: { id: string } | { tail: string }): Promise<Incident | undefined> {
  const [row] = await db.query(
    sql<IncidentRow>`select ${columns} from incidents where ${'id' in by ? sql`id = ${by.id}` : sql`right(replace(id::text, '-', ''), 10) = ${by.tail}`} limit 1`,
  )
  if (row === undefined) return undefined
  return row.merged_into === null ? incidentFrom(row) : getIncident(db, { id: row.merged_into })
}

export type IncidentFilter = { minSeverity?: Severity; maxSeverity?: Severity; state?: IncidentState; notClosed?: boolean; scope?: string }

/** Most severe first, then newest. The cursor is `<severity>_<nanoseconds>_<uuid>`. */
export async function listIncidents(
  db: Queryable,
  filter: IncidentFilter,
  options: { cursor?: string; limit: number },
): Promise<{ incidents: Incident[]; next: string | null }> {
  const conditions: RawBuilder<unknown>[] = [sql`merged_into is null`]
  if (filter.minSeverity !== undefined) conditions.push(sql`severity >= ${severityId(filter.minSeverity)}`)
  if (filter.maxSeverity !== undefined) conditions.push(sql`severity <= ${severityId(filter.maxSeverity)}`)
  if (filter.state !== undefined) conditions.push(sql`state = ${filter.state}`)
  if (filter.notClosed === true) conditions.push(sql`state <> 'closed'`)
  if (filter.scope !== undefined) conditions.push(sql`scope = ${escapeText(filter.scope)}`)
  const [severity, ...rest] = (options.cursor ?? '').split('_')
  const after = parseCursor(rest.join('_'))
  if (after !== undefined) conditions.push(sql`(severity, last_ns, id) < (${Number(severity)}, ${after.eventNs}, ${after.id}::uuid)`)
  const rows = await db.query(
    sql<IncidentRow>`select ${columns} from incidents where ${sql.join(conditions, sql` and `)} order by severity desc, last_ns desc, id desc limit ${options.limit + 1}`,
  )
  const incidents = rows.slice(0, options.limit).map(incidentFrom)
  const last = incidents.at(-1)
  return {
    incidents,
    next: rows.length > options.limit && last !== undefined ? `${severityId(last.severity)}_${last.lastNs}_${last.id}` : null,
  }
}

/** How many incidents there are of each severity and state; for the list's head and the quiet ones' count. */
export async function countIncidents(
  db: Queryable,
): Promise<{ severity: Severity; state: IncidentState; incidents: number; alerts: number }[]> {
  const rows = await db.query(
    sql<{
      severity: number
      state: IncidentState
      incidents: bigint
      alerts: bigint
    }>`select severity, state, count(*) as incidents, sum(alert_count)::bigint as alerts from incidents where merged_into is null group by 1, 2 order by 1 desc, 2`,
  )
  return rows.map((row) => ({
    severity: severityFromId(row.severity),
    state: row.state,
    incidents: Number(row.incidents),
    alerts: Number(row.alerts),
  }))
}

export async function setIncidentState(tx: Transaction, id: string, state: IncidentState, at: Date): Promise<void> {
  await tx.query(sql`update incidents set state = ${state}, updated_at = ${at} where id = ${id}`)
}

/** Incidents whose latest revision nobody has investigated, quiet for `quietMs`, most severe first. */
export async function uninvestigated(
  db: Queryable,
  options: { minSeverity: Severity; now: Date; quietMs: number; limit: number },
): Promise<Incident[]> {
  const rows =
    await db.query(sql<IncidentRow>`select ${columns} from incidents where merged_into is null and state <> 'closed' and revision > investigated_revision and severity >= ${severityId(options.minSeverity)}
    and (updated_at <= ${new Date(options.now.getTime() - options.quietMs)} or (investigated_revision = 0 and created_at <= ${new Date(options.now.getTime() - 4 * options.quietMs)})) order by severity desc, updated_at limit ${options.limit}`)
  return rows.map(incidentFrom)
}

export async function markInvestigated(tx: Queryable, id: string, revision: number): Promise<void> {
  await tx.query(sql`update incidents set investigated_revision = greatest(investigated_revision, ${revision}) where id = ${id}`)
}

export async function recordDecision(
  tx: Transaction,
  recorded: { incidentId: string; at: Date; principalId: string; decision: Decision; reason: string },
): Promise<string> {
  const id = newId()
  await tx.query(
    sql`insert into incident_decisions (id, at, principal_id, incident_id, decision, reason) values (${id}, ${recorded.at}, ${recorded.principalId}, ${recorded.incidentId}, ${json(recorded.decision)}, ${escapeText(recorded.reason)})`,
  )
  return id
}

type DecisionRow = { id: string; at: Date; principal_id: string; decision: Decision; reason: string }
const decisionFrom = (row: DecisionRow): RecordedDecision => ({
  id: row.id,
  at: row.at,
  principalId: row.principal_id,
  decision: unescapeDeep(row.decision),
  reason: unescapeText(row.reason),
})

/** Decisions about an incident and those merged into it, oldest first. */
export async function decisionsOf(db: Queryable, incidentId: string): Promise<RecordedDecision[]> {
  return (
    await db.query(sql<DecisionRow>`select id::text, at, principal_id, decision, reason from incident_decisions
    where incident_id = ${incidentId} or incident_id in (select id from incidents where merged_into = ${incidentId}) order by at, id`)
  ).map(decisionFrom)
}
export async function getDecision(db: Queryable, id: string): Promise<RecordedDecision | undefined> {
  const [row] = await db.query(
    sql<DecisionRow>`select id::text, at, principal_id, decision, reason from incident_decisions where id::text = ${id}`,
  )
  return row && decisionFrom(row)
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

const incidentFrom = (row: IncidentRow): Incident => ({
  id: row.id,
  state: row.state,
  severity: severityFromId(row.severity),
  severityFloor: severityFromId(row.severity_floor),
  correlationVersion: row.correlation_version,
  alertCount: row.alert_count,
  firstNs: row.first_ns,
  lastNs: row.last_ns,
  tactics: row.tactics,
  techniques: row.techniques,
  entityIds: row.entity_ids.map(BigInt),
  revision: row.revision,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
  ...unescapeDeep({ scope: row.scope, title: row.title, severityReasons: row.severity_reasons, rules: row.rules }),
})
