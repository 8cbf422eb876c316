/**
 * Incidents as rows: the derived record that lists and pages show, its state, and the aliases of merged ones.
 * What correlation concludes is written here; why, is not decided here.
 */
import { type RawBuilder, sql } from 'kysely'
import type { Incident, IncidentState, SeverityReason } from '../domain/incident.ts'
import { severityFromId, severityId, type Severity } from '../domain/severity.ts'
import { fromDate, toDate } from '../domain/event-time.ts'
import { stringifyExact } from '../domain/exact-json.ts'
import type { Queryable, Transaction } from './database.ts'
import { escapeDeep, escapeText, unescapeDeep, unescapeText } from './values.ts'
import { parseCursor } from './alerts.ts'
import { moveCounts } from './groups.ts'
import { announce, announcing } from './incident-notices.ts'

export type DerivedIncident = Omit<Incident, 'state' | 'revision' | 'createdAt' | 'updatedAt' | 'expiredAlerts'>

/**
 * Writes what was derived, in one statement. What changed is a new revision, to be investigated again; what did not is
 * left alone. A closed incident that grew is open again.
 */
export async function saveIncidents(tx: Transaction, incidents: readonly DerivedIncident[], at: Date): Promise<void> {
  if (incidents.length === 0) return
  const rows = incidents.map((incident) => ({
    ...escapeDeep(incident),
    severity: severityId(incident.severity),
    severityFloor: severityId(incident.severityFloor),
  }))
  const texts = (name: string): RawBuilder<unknown> => sql`array(select jsonb_array_elements_text(${sql.ref(name)}))`
  const save = sql`insert into incidents as i (id, scope, title, state, severity, severity_floor, severity_reasons, correlation_version, alert_count, first_ns, last_ns, tactics, techniques, rules, entity_ids, revision, created_at, updated_at)
    select id, scope, title, 'open', severity, "severityFloor", "severityReasons", "correlationVersion", "alertCount", "firstNs", "lastNs",
      ${texts('tactics')}, ${texts('techniques')}, ${texts('rules')}, ${texts('entityIds')}::bigint[], 1, ${at}, ${at}
    from jsonb_to_recordset(${stringifyExact(rows)}::jsonb) as r(id uuid, scope text, title text, severity smallint, "severityFloor" smallint, "severityReasons" jsonb, "correlationVersion" text,
      "alertCount" integer, "firstNs" bigint, "lastNs" bigint, tactics jsonb, techniques jsonb, rules jsonb, "entityIds" jsonb)
    on conflict (id) do update set scope = excluded.scope, title = excluded.title, severity = excluded.severity, severity_floor = excluded.severity_floor, severity_reasons = excluded.severity_reasons, correlation_version = excluded.correlation_version,
      alert_count = excluded.alert_count, first_ns = excluded.first_ns, last_ns = excluded.last_ns, tactics = excluded.tactics, techniques = excluded.techniques, rules = excluded.rules, entity_ids = excluded.entity_ids,
      state = case when i.state = 'closed' and excluded.alert_count > i.alert_count then 'open' else i.state end,
      revision = i.revision + 1, updated_at = excluded.updated_at
    where (i.scope, i.title, i.severity, i.severity_floor, i.severity_reasons, i.correlation_version, i.alert_count, i.first_ns, i.last_ns, i.tactics, i.techniques, i.rules, i.entity_ids)
      is distinct from (excluded.scope, excluded.title, excluded.severity, excluded.severity_floor, excluded.severity_reasons, excluded.correlation_version, excluded.alert_count, excluded.first_ns,
        excluded.last_ns, excluded.tactics, excluded.techniques, excluded.rules, excluded.entity_ids)
    returning i.id, i.created_at, i.last_ns`
  await tx.query(sql`with saved as (${save}) ${announcing(sql`select * from saved`, at)}`)
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
  expired_alerts: number
  investigated_revision: number
  merged_into: string | null
  created_at: Date
  updated_at: Date
}
const columns = sql`id::text, scope, title, state, severity, severity_floor, severity_reasons, correlation_version, alert_count, first_ns, last_ns, tactics, techniques, rules, entity_ids, revision, expired_alerts, investigated_revision, merged_into::text, created_at, updated_at`

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
  if (after !== undefined && /^\d$/.test(severity ?? ''))
    conditions.push(sql`(severity, last_ns, id) < (${Number(severity)}, ${after.eventNs}, ${after.id}::uuid)`)
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

/** `mergedInto`: it is only an alias by now. */
export type RecordedIncident = Incident & { mergedInto: string | null }

/** These very incidents, merged ones too. */
export async function incidentsById(db: Queryable, ids: readonly string[]): Promise<RecordedIncident[]> {
  return (await db.query(sql<IncidentRow>`select ${columns} from incidents where id = any(${ids}::uuid[])`)).map(recordedFrom)
}

/** Least recently changed first, merged ones too: whoever fetches from where they stopped misses nothing. `next` leads on, null at the end. */
export async function changedIncidents(
  db: Queryable,
  { since, cursor, limit }: { since?: Date; cursor?: string; limit: number },
): Promise<{ incidents: RecordedIncident[]; next: string | null }> {
  const after = cursor === undefined ? undefined : parseCursor(cursor)
  const conditions: RawBuilder<unknown>[] = [sql`true`]
  if (since !== undefined) conditions.push(sql`updated_at >= ${since}`)
  if (after !== undefined) conditions.push(sql`(updated_at, id) > (${toDate(after.eventNs)}, ${after.id}::uuid)`)
  const rows = await db.query(
    sql<IncidentRow>`select ${columns} from incidents where ${sql.join(conditions, sql` and `)} order by updated_at, id limit ${limit + 1}`,
  )
  const incidents = rows.slice(0, limit).map(recordedFrom)
  const last = incidents.at(-1)
  return { incidents, next: rows.length > limit && last !== undefined ? `${fromDate(last.updatedAt)}_${last.id}` : null }
}

const recordedFrom = (row: IncidentRow): RecordedIncident => ({ ...incidentFrom(row), mergedInto: row.merged_into })

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
  await announce(tx, [id], at)
}

/**
 * Incidents whose latest revision nobody has investigated, most severe first: once they are quiet for `quietMs`, and
 * those that never are (noise must not keep an intruder from being looked at) after 4 times that, then every 20 times.
 */
export async function uninvestigated(
  db: Queryable,
  { minSeverity, now, quietMs, limit }: { minSeverity: Severity; now: Date; quietMs: number; limit: number },
): Promise<Incident[]> {
  const ago = (times: number): Date => new Date(now.getTime() - times * quietMs)
  const rows = await db.query(sql<IncidentRow>`select ${columns} from incidents i
    where merged_into is null and state <> 'closed' and revision > investigated_revision
      and not exists (select 1 from investigations v where v.incident_id = i.id and v.status = 'running' and v.held_until > ${now}) and severity >= ${severityId(minSeverity)}
      and (updated_at <= ${ago(1)} or (investigated_revision = 0 and created_at <= ${ago(4)})
        or (investigated_revision > 0 and not exists (select 1 from investigations v where v.incident_id = i.id and v.started_at > ${ago(20)})))
    order by severity desc, updated_at limit ${limit}`)
  return rows.map(incidentFrom)
}

/** Scopes that have incidents of another version of the rules than this. */
export async function outdatedScopes(db: Queryable, version: string): Promise<string[]> {
  const rows = await db.query(
    sql<{ scope: string }>`select distinct scope from incidents where merged_into is null and correlation_version <> ${version} order by 1`,
  )
  return rows.map((row) => unescapeText(row.scope))
}

export async function markInvestigated(tx: Queryable, id: string, revision: number): Promise<void> {
  await tx.query(sql`update incidents set investigated_revision = greatest(investigated_revision, ${revision}) where id = ${id}`)
}

const incidentFrom = (row: IncidentRow): Incident => ({
  id: row.id,
  state: row.state,
  severity: severityFromId(row.severity),
  severityFloor: severityFromId(row.severity_floor),
  correlationVersion: row.correlation_version,
  alertCount: row.alert_count,
  expiredAlerts: row.expired_alerts,
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

/**
 * Moves everything of merged incidents to the survivor; their ids stay as aliases. It is contained only if all of
 * them were, and open again if one of them is.
 */
export async function mergeInto(tx: Transaction, survivor: string, merged: readonly string[], at: Date): Promise<void> {
  if (merged.length === 0) return
  // One investigation at a time: those of the others are of what they were before.
  await tx.query(
    sql`update investigations set status = 'failed', error = 'Its incident was joined with another, which is investigated anew.', finished_at = ${at} where status = 'running' and incident_id = any(${merged}::uuid[])`,
  )
  for (const table of ['incident_segments', 'incident_alerts', 'investigations', 'proposals'])
    await tx.query(sql`update ${sql.table(table)} set incident_id = ${survivor} where incident_id = any(${merged}::uuid[])`)
  // One that a model is asked about now goes on; whoever has it looks where it belongs.
  await tx.query(
    sql`update deepenings set incident_id = ${survivor} where incident_id = any(${merged}::uuid[]) and state not in ('waiting', 'running')`,
  )
  await moveCounts(tx, survivor, merged)
  await tx.query(sql`update incidents i set expired_alerts = i.expired_alerts + m.expired,
      state = case when m.open then 'open' when m.contained and i.state = 'closed' then 'contained' else i.state end
    from (select coalesce(sum(expired_alerts), 0) as expired, bool_or(state = 'open') as open, bool_or(state = 'contained') as contained
      from incidents where id = any(${merged}::uuid[]) having count(*) > 0) m where i.id = ${survivor}`)
  await tx.query(
    sql`update incidents set merged_into = ${survivor}, updated_at = ${at} where id = any(${merged}::uuid[]) or merged_into = any(${merged}::uuid[])`,
  )
  await announce(tx, [survivor, ...merged], at)
}
