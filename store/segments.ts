/**
 * What waits for correlation, and the segments that new alerts are matched against: per fact, a stretch of event
 * time that belongs to one incident. Written only under the incidents' lock.
 */
import { sql } from 'kysely'
import type { ExplainingRelation } from '../domain/incident.ts'
import type { Queryable, Transaction } from './database.ts'
import { escapeText, jsonText, unescapeDeep } from './values.ts'

export type SegmentRow = {
  scope: string
  rule: string
  key: string
  /** '': of alerts that are what the key names; else of one that reached it, by which rule and who: "connected-to/uid-…". */
  by: string
  label: string
  inferred: boolean
  relation: ExplainingRelation | null
  /** Of a stretch that is counted: the different things in it. */
  counted: string[]
  startNs: bigint
  endNs: bigint
  incidentId: string
  lastAlertId: string
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

export async function forgetPending(tx: Transaction, alertIds: readonly string[]): Promise<void> {
  await tx.query(sql`delete from alerts_pending where alert_id = any(${alertIds}::uuid[])`)
}

export async function countPending(db: Queryable): Promise<number> {
  return Number((await db.query(sql<{ n: bigint }>`select count(*) as n from alerts_pending`))[0]?.n ?? 0n)
}

/** One correlator at a time: incidents merge, so two writers would merge past each other. */
export async function lockIncidents(tx: Transaction): Promise<void> {
  await tx.query(sql`select pg_advisory_xact_lock(7203418, 1)`)
}

/** Held while inventory is written: a correlator then sees all of it or none, and its alerts are seen as it placed them. */
export async function shareIncidents(tx: Transaction): Promise<void> {
  await tx.query(sql`select pg_advisory_xact_lock_shared(7203418, 1)`)
}

type SegmentRecord = {
  scope: string
  rule: string
  fact_key: string
  by_key: string
  label: string
  about: Pick<SegmentRow, 'inferred' | 'relation' | 'counted'> | null
  start_ns: bigint
  end_ns: bigint
  incident_id: string
  last_alert_id: string
}

/**
 * Stored segments that any of these facts could touch, each found by the index: a join would read all of them for one alert. `by` null: whoever
 * reached it; else its own, and what it reached.
 */
export async function segmentsTouching(
  tx: Queryable,
  facts: readonly { scope: string; rule: string; key: string; by: string | null; fromNs: bigint; toNs: bigint }[],
): Promise<SegmentRow[]> {
  if (facts.length === 0) return []
  const rows = await tx.query(sql<SegmentRecord>`select distinct on (s.scope, s.fact_key, s.rule, s.by_key, s.start_ns)
      s.scope, s.rule, s.fact_key, s.by_key, s.label, s.about, s.start_ns, s.end_ns, s.incident_id::text, s.last_alert_id::text
    from jsonb_to_recordset(${jsonText(facts)}::jsonb) as f(scope text, rule text, key text, by text, "fromNs" numeric, "toNs" numeric)
    cross join lateral (select * from incident_segments s where s.scope = f.scope and s.fact_key = f.key and s.rule = f.rule and (f.by is null or s.by_key in ('', f.by))
      and s.end_ns >= f."fromNs" and s.start_ns <= f."toNs" offset 0) s`)
  return rows.map((row) => ({
    rule: row.rule,
    startNs: row.start_ns,
    endNs: row.end_ns,
    incidentId: row.incident_id,
    lastAlertId: row.last_alert_id,
    ...unescapeDeep({ scope: row.scope, key: row.fact_key, by: row.by_key, label: row.label }),
    ...(row.about === null ? { inferred: false, relation: null, counted: [] } : unescapeDeep(row.about)),
  }))
}

export async function replaceSegments(tx: Transaction, removed: readonly SegmentRow[], written: readonly SegmentRow[]): Promise<void> {
  const shape = sql`as r(scope text, rule text, key text, by text, label text, about jsonb, "startNs" bigint, "endNs" bigint, "incidentId" uuid, "lastAlertId" uuid)`
  // Most of what is replaced only grew at its end.
  const stays = new Set(written.map(nameOf))
  const gone = removed.filter((one) => !stays.has(nameOf(one)))
  if (gone.length > 0)
    await tx.query(sql`delete from incident_segments s using jsonb_to_recordset(${jsonText(gone.map(({ scope, rule, key, by, startNs }) => ({ scope, rule, key, by, startNs })))}::jsonb) ${shape}
      where s.scope = r.scope and s.rule = r.rule and s.fact_key = r.key and s.by_key = r.by and s.start_ns = r."startNs"`)
  const rows = written.map(({ inferred, relation, counted, ...row }) => ({ ...row, about: aboutOf({ inferred, relation, counted }) }))
  if (rows.length === 0) return
  const known = new Set(removed.map(nameOf))
  // Of others none may be there: it would belong to another incident.
  const grows = written.some((one) => known.has(nameOf(one)))
    ? sql`on conflict (scope, fact_key, rule, by_key, start_ns) do update set label = excluded.label, about = excluded.about, end_ns = excluded.end_ns,
        incident_id = excluded.incident_id, last_alert_id = excluded.last_alert_id`
    : sql``
  await tx.query(sql`insert into incident_segments (scope, rule, fact_key, by_key, label, about, start_ns, end_ns, incident_id, last_alert_id)
    select scope, rule, key, by, label, about, "startNs", "endNs", "incidentId", "lastAlertId" from jsonb_to_recordset(${jsonText(rows)}::jsonb) ${shape} ${grows}`)
}
const nameOf = ({ scope, rule, key, by, startNs }: SegmentRow): string => [scope, rule, key, by, startNs].join('\n')

/** Of most segments there is nothing more to say. */
const aboutOf = (about: NonNullable<SegmentRecord['about']>): SegmentRecord['about'] =>
  about.relation === null && about.counted.length === 0 && !about.inferred ? null : about

/** Incidents that have to do with these scopes: by their first alert, or by any fact. */
export async function incidentsTouchingScopes(db: Queryable, scopes: readonly string[]): Promise<string[]> {
  const these = sql`any(${scopes.map(escapeText)}::text[])`
  const rows = await db.query(sql<{ id: string }>`select id::text from incidents i where merged_into is null and (scope = ${these}
    or exists (select 1 from incident_alerts m where m.incident_id = i.id and m.scope = ${these})
    or exists (select 1 from incident_segments s where s.incident_id = i.id and s.scope = ${these})) order by id`)
  return rows.map(({ id }) => id)
}

export async function removeSegmentsOf(tx: Transaction, incidentIds: readonly string[]): Promise<void> {
  await tx.query(sql`delete from incident_segments where incident_id = any(${incidentIds}::uuid[])`)
}
