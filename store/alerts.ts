/**
 * Alerts: appended once, found by id or by incident. The content key decides what is the same alert;
 * a resent one only raises `seen`. An id's own time part is its received time, so a lookup touches one partition.
 */
import { isUtf8 } from 'node:buffer'
import { type RawBuilder, sql } from 'kysely'
import { type Alert, type Lead, type NewAlert, said } from '../domain/alert.ts'
import { parseExact } from '../domain/exact-json.ts'
import { isId } from '../domain/ids.ts'
import { priorities, severityFromId, severityId } from '../domain/severity.ts'
import type { Queryable, Transaction } from './database.ts'
import { escapeText, jsonText, unescapeDeep } from './values.ts'

export type AlertToStore = { id: string; receivedAt: Date; sourceId: string | null; alert: NewAlert }
export type AlertPage = { alerts: Alert[]; next: string | null }
/** A row of `alertColumns`. */
export type AlertRow = {
  id: string
  received_at: Date
  scope: string
  source_id: string | null
  sensor: string
  sensor_source: string | null
  event_ns: bigint
  rule: string
  priority: number
  severity: number
  hostname: string | null
  output: string | null
  normal: Normal
  fields: Record<string, unknown> | null
  document: Buffer | null
  content_key: Buffer
  seen: bigint
}
type Normal = Pick<
  NewAlert,
  'relayedAs' | 'truncated' | 'eventTimeFrom' | 'tags' | 'tactics' | 'techniques' | 'container' | 'pod' | 'process' | 'file' | 'connection'
> &
  Partial<Pick<NewAlert, 'activityKey'>>

/** Stores alerts in one statement. Answers the ids that were new; the others were seen before, or twice in the batch. */
export async function insertAlerts(tx: Transaction, batch: readonly AlertToStore[]): Promise<Set<string>> {
  const unique = new Map<string, { entry: AlertToStore; seen: number }>()
  for (const entry of batch) {
    const key = `${entry.alert.scope}\n${entry.alert.contentKey}`
    const before = unique.get(key)
    if (before === undefined) unique.set(key, { entry, seen: 1 })
    else before.seen += 1
  }
  // Keys in one order everywhere, so that two writers never wait for each other in a circle.
  const entries = [...unique.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry)
  // Bytes go as bytes, all of them as one value of which each row has its part: neither side writes them out or reads them.
  let end = 1
  const rows = entries.map(({ entry, seen }) => {
    const from = end
    end += entry.alert.raw.length
    return { ...toRow(entry, seen), raw_from: from, raw_length: entry.alert.raw.length }
  })
  const raw = Buffer.concat(entries.map(({ entry }) => entry.alert.raw))
  const inserted = await tx.query(sql<{ id: string }>`
    with input as materialized (
      select * from json_to_recordset(${jsonText(rows)}::json) as r(
        id uuid, received_at timestamptz, scope text, content_key text, seen bigint, source_id uuid, sensor text, sensor_source text, event_ns bigint,
        rule text, priority smallint, severity smallint, hostname text, container_id text, pod_namespace text, pod_name text,
        output text, normal json, fields jsonb, raw_from integer, raw_length integer)),
    keyed as (
      insert into alert_keys as k (scope, content_key, alert_id, received_at, last_received_at, seen)
      select scope, decode(content_key, 'hex'), id, received_at, received_at, seen from input
      on conflict (scope, content_key) do update set seen = k.seen + excluded.seen, last_received_at = greatest(k.last_received_at, excluded.last_received_at)
      returning alert_id),
    fresh as (
      insert into alerts (id, received_at, scope, source_id, sensor, sensor_source, event_ns, rule, priority, severity, hostname,
        container_id, pod_namespace, pod_name, output, normal, fields, raw, content_key)
      select i.id, i.received_at, scope, source_id, sensor, sensor_source, event_ns, rule, priority, severity, hostname,
        container_id, pod_namespace, pod_name, output, normal, fields, substring(${raw}::bytea from raw_from for raw_length), decode(content_key, 'hex')
      from input i join keyed k on k.alert_id = i.id returning id)
    insert into alerts_pending (alert_id) select id from fresh returning alert_id::text as id`)
  return new Set(inserted.map((row) => row.id))
}

function toRow({ id, receivedAt, sourceId, alert }: AlertToStore, seen: number): Record<string, unknown> {
  const { activityKey, relayedAs, truncated, eventTimeFrom, tags, tactics, techniques, container, pod, process, file, connection } = alert
  return {
    id,
    received_at: receivedAt,
    scope: alert.scope,
    content_key: alert.contentKey,
    seen,
    source_id: sourceId,
    sensor: alert.sensor,
    sensor_source: alert.sensorSource,
    event_ns: alert.eventNs,
    rule: alert.rule,
    priority: priorities.indexOf(alert.priority),
    severity: severityId(alert.severity),
    hostname: alert.hostname,
    container_id: container?.id ?? null,
    pod_namespace: pod?.namespace ?? null,
    pod_name: pod?.name ?? null,
    normal: {
      ...(activityKey === null ? {} : { activityKey }),
      relayedAs,
      truncated,
      eventTimeFrom,
      tags,
      tactics,
      techniques,
      container,
      pod,
      process,
      file,
      connection,
    } satisfies Normal,
    ...(isReadFromRaw(alert) ? {} : { output: alert.output, fields: alert.fields }),
  }
}

/**
 * Whether output and fields are left to be read from the document. The database must be able to read it too (search.ts looks into fields):
 * what jsonb refuses or escapes differently, and what is uncommonly large, is stored in columns of its own.
 */
function isReadFromRaw({ rawIsDocument, raw }: NewAlert): boolean {
  if (rawIsDocument !== true || raw.length > longestRead || !isUtf8(raw)) return false
  return !oddForJsonb.test(Buffer.from(raw.buffer, raw.byteOffset, raw.length).toString('latin1'))
}
const longestRead = 65_536
/** As single bytes: NUL and half characters, written out or escaped, the sign that escapes are made with, and far exponents. */
const oddForJsonb = /\0|\\u(?:0000|d[89a-f]|241b)|\xe2\x90\x9b|\de[-+]?\d{3}/i

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Valid UTF-8 without NUL travels as text, half the size of hex; anything else as hex. Stored bytes are the same. */
export function rawColumns(raw: Uint8Array): { raw_text: string | null; raw_hex: string | null } {
  try {
    const text = decoder.decode(raw)
    if (!text.includes('\0')) return { raw_text: text, raw_hex: null }
  } catch {
    // not UTF-8
  }
  return { raw_text: null, raw_hex: Buffer.from(raw).toString('hex') }
}

export const alertColumns = sql`a.id::text, a.received_at, a.scope, a.source_id::text, a.sensor, a.sensor_source, a.event_ns, a.rule, a.priority, a.severity, a.hostname,
  a.output, a.normal, a.fields, case when a.fields is null then a.raw end as document, a.content_key, k.seen`
/** How often each was seen stands with its key. */
export const withKeys = sql`join alert_keys k on k.scope = a.scope and k.content_key = a.content_key`

/** One alert by its id, or undefined. */
export async function getAlert(db: Queryable, id: string): Promise<Alert | undefined> {
  return (await getAlerts(db, [id]))[0]
}

/** Alerts by id, in event order; unknown ids are left out. */
export async function getAlerts(db: Queryable, ids: readonly string[]): Promise<Alert[]> {
  if (ids.length === 0) return []
  const times = ids.map(receivedAtOf)
  const rows = await db.query(sql<AlertRow>`select ${alertColumns} from alerts a ${withKeys} where a.id = any(${ids}::uuid[])
    and a.received_at between ${new Date(Math.min(...times))} and ${new Date(Math.max(...times))} order by a.event_ns, a.id`)
  return rows.map(alertFromRow)
}

/** What correlation asks of alerts, in event order; of unknown ids nothing. */
export async function getLeads(db: Queryable, ids: readonly string[]): Promise<Lead[]> {
  if (ids.length === 0) return []
  const times = ids.map(receivedAtOf)
  const asked = sql`a.sensor_source is distinct from 'syscall'`
  const rows =
    await db.query(sql<LeadRow>`select a.id::text, a.received_at, a.scope, a.source_id::text, a.sensor, a.sensor_source, a.event_ns, a.rule, a.priority,
      a.severity, a.hostname, a.normal, case when ${asked} then a.fields end as fields, case when ${asked} and a.fields is null then a.raw end as document
    from alerts a where a.id = any(${ids}::uuid[]) and a.received_at between ${new Date(Math.min(...times))} and ${new Date(Math.max(...times))} order by a.event_ns, a.id`)
  return rows.map(leadFromRow)
}

/** The bytes as received. */
export async function getAlertRaw(db: Queryable, id: string): Promise<Uint8Array | undefined> {
  const [row] = await db.query(
    sql<{ raw: Buffer }>`select raw from alerts where id = ${id} and received_at = ${new Date(receivedAtOf(id))}`,
  )
  return row?.raw
}

/** Of an incident, or of one rule in it: each event once, newest first. `cursor` is the `next` of the page before. */
export async function listAlerts(
  db: Queryable,
  { incidentId, rule }: { incidentId: string; rule?: string },
  options: { cursor?: string; limit: number },
): Promise<AlertPage> {
  const after = options.cursor === undefined ? undefined : parseCursor(options.cursor)
  const conditions: RawBuilder<unknown>[] = [sql`m.incident_id = ${incidentId} and m.same_as is null`]
  if (rule !== undefined) conditions.push(sql`m.rule = ${escapeText(rule)}`)
  if (after !== undefined) conditions.push(sql`(m.event_ns, m.alert_id) < (${after.eventNs}, ${after.id}::uuid)`)
  const rows =
    await db.query(sql<AlertRow>`select ${alertColumns} from incident_alerts m join alerts a on a.id = m.alert_id and a.received_at = m.received_at ${withKeys}
    where ${sql.join(conditions, sql` and `)} order by m.event_ns desc, m.alert_id desc limit ${options.limit + 1}`)
  const alerts = rows.slice(0, options.limit).map(alertFromRow)
  const last = alerts.at(-1)
  return { alerts, next: rows.length > options.limit && last !== undefined ? `${last.eventNs}_${last.id}` : null }
}

/** A page cursor `<nanoseconds>_<uuid>`; undefined when it is not one. */
export function parseCursor(cursor: string): { eventNs: bigint; id: string } | undefined {
  const [, at, id] = /^(-?\d{1,19})_(.{36})$/.exec(cursor) ?? []
  if (at === undefined || id === undefined || !isId(id)) return undefined
  const eventNs = BigInt(at)
  return BigInt.asIntN(64, eventNs) === eventNs ? { eventNs, id } : undefined
}

/** When the alert of this id (a UUIDv7) was received, milliseconds since 1970. */
export const receivedAtOf = (id: string): number => Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)

export function alertFromRow(row: AlertRow): Alert {
  return { ...leadFromRow(row), seen: Number(row.seen), contentKey: row.content_key.toString('hex'), ...saidIn(row) }
}

/** What was read from the document is as it was written; what has columns of its own was escaped for them. */
const saidIn = ({ output, fields, document }: Pick<AlertRow, 'output' | 'fields' | 'document'>): ReturnType<typeof said> =>
  document === null ? unescapeDeep({ output, fields: fields ?? {} }) : said(parseExact(document.toString()) as Record<string, unknown>)

type LeadRow = Omit<AlertRow, 'output' | 'content_key' | 'seen'>
function leadFromRow(row: LeadRow): Lead {
  const normal = unescapeDeep(row.normal)
  const { process } = normal
  return {
    id: row.id,
    receivedAt: row.received_at,
    sourceId: row.source_id,
    eventNs: row.event_ns,
    priority: priorities[row.priority] ?? 'Debug',
    severity: severityFromId(row.severity),
    ...unescapeDeep({ scope: row.scope, sensor: row.sensor, sensorSource: row.sensor_source, rule: row.rule, hostname: row.hostname }),
    fields: row.fields === null && row.document === null ? null : saidIn({ ...row, output: null }).fields,
    ...normal,
    // Rows of before they were kept do not have them.
    activityKey: normal.activityKey ?? null,
    relayedAs: normal.relayedAs ?? null,
    truncated: normal.truncated ?? [],
    process: process && {
      ...process,
      pid: big(process.pid),
      startNs: big(process.startNs),
      parentPid: big(process.parentPid),
      uid: big(process.uid),
    },
  }
}

/** Small integers come back from jsonb as numbers; the record's type says bigint. */
const big = (value: bigint | number | null): bigint | null => (value === null ? null : BigInt(value))
