/**
 * Incidents that share something with one: rules, techniques, places, processes. Only the newest are compared, and of each only so many of its
 * alerts are read for processes: the answer says over how many it went, and costs the same however many there are.
 */
import { sql } from 'kysely'
import type { IncidentState } from '../domain/incident.ts'
import { severityFromId, type Severity } from '../domain/severity.ts'
import type { Queryable } from './database.ts'
import { escapeText, unescapeText } from './values.ts'

export type Similar = {
  id: string
  title: string
  state: IncidentState
  severity: Severity
  scope: string
  firstNs: bigint
  lastNs: bigint
  alertCount: number
  rules: string[]
  techniques: string[]
  entityIds: bigint[]
  /** What both have. */ sharedRules: string[]
  sharedTechniques: string[]
  sharedEntities: bigint[]
}
export const mostCompared = 5_000
const mostAlerts = 25

export type Compared = { id: string; rules: readonly string[]; techniques: readonly string[]; entityIds: readonly bigint[] }

/** Those that share at least one rule, technique or place, what shares most first. */
export async function sharingIncidents(
  db: Queryable,
  about: Compared,
  { limit }: { limit: number },
): Promise<{ incidents: Similar[]; compared: number }> {
  type Row = Omit<
    Similar,
    'severity' | 'firstNs' | 'lastNs' | 'alertCount' | 'entityIds' | 'sharedRules' | 'sharedTechniques' | 'sharedEntities'
  > & {
    severity: number
    first_ns: bigint
    last_ns: bigint
    alert_count: number
    entity_ids: string[]
    shared_rules: string[]
    shared_techniques: string[]
    shared_entities: string[]
    compared: bigint
  }
  const newest = sql`from incidents where merged_into is null and id <> ${about.id}::uuid order by id desc limit ${mostCompared}`
  const rules = sql`${about.rules.map(escapeText)}::text[]`
  const techniques = sql`${[...about.techniques]}::text[]`
  const places = sql`${about.entityIds.map(String)}::bigint[]`
  // Whether anything is shared is asked of all, what it is only of those few.
  const rows = await db.query(sql<Row>`
    with newest as materialized (select id, scope, title, state, severity, alert_count, first_ns, last_ns, rules, techniques, entity_ids ${newest}),
    said as (select distinct coalesce(i.merged_into, i.id) as id from incident_decisions d join incidents i on i.id = d.incident_id where d.decision->>'kind' = 'verdict'),
    shared as materialized (select n.*, exists (select from said where said.id = n.id) as said,
      array(select r from unnest(n.rules) r where r = any(${rules}) order by r) as shared_rules,
      array(select t from unnest(n.techniques) t where t = any(${techniques}) order by t) as shared_techniques,
      array(select e from unnest(n.entity_ids) e where e = any(${places}) order by e) as shared_entities
      from newest n where n.rules && ${rules} or n.techniques && ${techniques} or n.entity_ids && ${places})
    select id::text, scope, title, state, severity, alert_count, first_ns, last_ns, rules, techniques, entity_ids, shared_rules, shared_techniques, shared_entities,
      (select count(*) from newest) as compared from shared
    order by 3 * cardinality(shared_rules) + cardinality(shared_techniques) + 2 * cardinality(shared_entities) + case when said then 3 else 0 end desc, last_ns desc, id desc limit ${limit}`)
  const [counted] =
    rows.length > 0 ? rows : await db.query(sql<{ compared: bigint }>`select count(*) as compared from (select id ${newest}) n`)
  return {
    compared: Number(counted?.compared ?? 0n),
    incidents: rows.map((row) => ({
      id: row.id,
      scope: unescapeText(row.scope),
      title: unescapeText(row.title),
      state: row.state,
      severity: severityFromId(row.severity),
      firstNs: row.first_ns,
      lastNs: row.last_ns,
      alertCount: row.alert_count,
      rules: row.rules.map(unescapeText),
      techniques: row.techniques,
      entityIds: row.entity_ids.map(BigInt),
      sharedRules: row.shared_rules.map(unescapeText),
      sharedTechniques: row.shared_techniques,
      sharedEntities: row.shared_entities.map(BigInt),
    })),
  }
}

/** What the last report of each gave as what made it possible: checks of findings. */
export async function causesOf(db: Queryable, incidentIds: readonly string[]): Promise<Map<string, string[]>> {
  const rows = await db.query(sql<{ incident_id: string; causes: string[] }>`
    select w.id::text as incident_id, array(select distinct c #>> '{}' as cause from (
        select report from investigations v where v.incident_id = w.id and v.status = 'done' order by v.started_at desc, v.id desc limit 1) last
        cross join lateral jsonb_path_query(last.report, '$.rootCause[*] ? (@.grounded == true).evidence[*] ? (@.record == "finding" && @.path == "check").value') c order by cause) as causes
    from unnest(${[...incidentIds]}::uuid[]) w(id)`)
  return new Map(rows.map((row) => [row.incident_id, row.causes.map(unescapeText)]))
}

/** Names of processes in the first alerts of each of these incidents. */
export async function processesOf(db: Queryable, incidentIds: readonly string[]): Promise<Map<string, string[]>> {
  const rows = await db.query(sql<{ incident_id: string; processes: string[] }>`
    select w.id::text as incident_id, array(select distinct a.normal->'process'->>'name' as name from
        (select alert_id, received_at from incident_alerts where incident_id = w.id order by event_ns, alert_id limit ${mostAlerts}) m
        join alerts a on a.id = m.alert_id and a.received_at = m.received_at where a.normal->'process'->>'name' is not null order by name) as processes
    from unnest(${[...incidentIds]}::uuid[]) w(id)`)
  return new Map(rows.map((row) => [row.incident_id, row.processes.map(unescapeText)]))
}
