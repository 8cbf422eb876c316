/**
 * What waits for correlation, and the segments that new alerts are matched against: per fact, a stretch of event
 * time that belongs to one incident. Written only under the incidents' lock.
 */
import { sql } from 'kysely'
import type { Queryable, Transaction } from './database.ts'
import { jsonText, unescapeText } from './values.ts'

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
    from jsonb_to_recordset(${jsonText(facts)}::jsonb) as f(scope text, rule text, key text, "fromNs" numeric, "toNs" numeric)
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
    await tx.query(sql`delete from incident_segments s using jsonb_to_recordset(${jsonText(removed)}::jsonb) ${shape}
      where s.scope = r.scope and s.rule = r.rule and s.fact_key = r.key and s.start_ns = r."startNs"`)
  if (written.length > 0)
    await tx.query(sql`insert into incident_segments (scope, rule, fact_key, label, start_ns, end_ns, incident_id, last_alert_id)
      select scope, rule, key, label, "startNs", "endNs", "incidentId", "lastAlertId" from jsonb_to_recordset(${jsonText(written)}::jsonb) ${shape}`)
}

export async function removeSegmentsOf(tx: Transaction, incidentIds: readonly string[]): Promise<void> {
  await tx.query(sql`delete from incident_segments where incident_id = any(${incidentIds}::uuid[])`)
}
