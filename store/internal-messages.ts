/**
 * What sensors say of themselves: Falco's metrics snapshots and its messages about dropped events, summed per source and host
 * when they are stored, in any order with the same result. Where events were dropped the sensor was blind in part: a gap, with its times.
 */
import { sql } from 'kysely'
import { NIL } from 'uuid'
import { fromDate } from '../domain/event-time.ts'
import type { Queryable, Transaction } from './database.ts'
import { escapeText, jsonText, unescapeText } from './values.ts'

/** A message that was stored now for the first time. */
export type SensorReport = {
  scope: string
  sourceId: string | null
  name: string
  eventNs: bigint | null
  hostname: string | null
  fields: Record<string, unknown>
}
export type Gap = { fromNs: bigint; toNs: bigint; messages: number; dropped: bigint; events: bigint }
const second = 1_000_000_000n
export const stretchNs = 600n * second
const most = 9_223_372_036_854_775_807n

type Totals = Record<string, unknown> & { messages: bigint; drop_messages: bigint; dropped: bigint; events: bigint }

/** Sums what was just stored. Called in the transaction that stores it. */
export async function noteSensors(tx: Transaction, reports: readonly SensorReport[], receivedAt: Date): Promise<void> {
  const sensors = new Map<string, Totals>()
  const gaps = new Map<string, Record<string, unknown>>()
  const now = fromDate(receivedAt)
  for (const { scope, sourceId, name, eventNs, fields, ...report } of reports) {
    // A clock that is ahead must not outlive what is heard later.
    const at = eventNs === null || eventNs > now ? now : eventNs < second ? second : eventNs
    const hostname = (report.hostname ?? text(fields['evt.hostname']) ?? text(fields['falco.hostname']) ?? '').slice(0, 253)
    const place = { scope, source_id: sourceId ?? NIL, hostname }
    const eventSource = (text(fields['evt.source']) ?? 'syscall').slice(0, 100)
    const sensor = { ...place, event_source: eventSource, messages: 1n, first_ns: at, last_ns: at, received_at: receivedAt, ...noDrops }
    if (/metrics snapshot/i.test(name)) Object.assign(sensor, snapshotOf(fields, at))
    if (/event drop/i.test(name)) {
      const [dropped, events] = [count(fields.n_drops) ?? 0n, count(fields.n_evts) ?? 0n]
      Object.assign(sensor, { drop_messages: 1n, dropped, events, first_drop_ns: at - second, last_drop_ns: at })
      const stretch = at / stretchNs
      merge(gaps, [scope, place.source_id, hostname, stretch].join('\n'), {
        ...place,
        stretch,
        from_ns: at - second,
        to_ns: at,
        messages: 1n,
        dropped,
        events,
        received_at: receivedAt,
      })
    }
    merge(sensors, [scope, place.source_id, hostname, eventSource].join('\n'), sensor)
  }
  // In one order everywhere, so that two writers never wait for each other in a circle.
  const ordered = (rows: Map<string, unknown>): string => jsonText([...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row))
  if (sensors.size > 0)
    await tx.query(sql`insert into sensors as s select r.* from jsonb_populate_recordset(null::sensors, ${ordered(sensors)}::jsonb) r
      on conflict (scope, hostname, source_id, event_source) do update set messages = s.messages + excluded.messages,
        first_ns = least(s.first_ns, excluded.first_ns), last_ns = greatest(s.last_ns, excluded.last_ns), received_at = greatest(s.received_at, excluded.received_at),
        drop_messages = s.drop_messages + excluded.drop_messages, dropped = ${sum('dropped')}, events = ${sum('events')},
        first_drop_ns = least(s.first_drop_ns, excluded.first_drop_ns), last_drop_ns = greatest(s.last_drop_ns, excluded.last_drop_ns),
        (snapshot_ns, version, kernel, engine, started_ns, counted_events, counted_drops, queue_drops) =
          (select n.* from (values (s.snapshot_ns, s.version, s.kernel, s.engine, s.started_ns, s.counted_events, s.counted_drops, s.queue_drops),
            (excluded.snapshot_ns, excluded.version, excluded.kernel, excluded.engine, excluded.started_ns, excluded.counted_events, excluded.counted_drops, excluded.queue_drops)) n
            order by n.column1 desc nulls last, n.column6 desc nulls last, n.column2 limit 1)`)
  if (gaps.size > 0)
    await tx.query(sql`insert into sensor_gaps as s select r.* from jsonb_populate_recordset(null::sensor_gaps, ${ordered(gaps)}::jsonb) r
      on conflict (scope, hostname, source_id, stretch) do update set messages = s.messages + excluded.messages, dropped = ${sum('dropped')}, events = ${sum('events')},
        from_ns = least(s.from_ns, excluded.from_ns), to_ns = greatest(s.to_ns, excluded.to_ns), received_at = greatest(s.received_at, excluded.received_at)`)
}

const noDrops = { drop_messages: 0n, dropped: 0n, events: 0n }
const sum = (column: string) => sql.raw(`least(s.${column}::numeric + excluded.${column}, ${most})::bigint`)

function snapshotOf(fields: Record<string, unknown>, at: bigint): Record<string, unknown> {
  return {
    snapshot_ns: at,
    version: text(fields['falco.version'])?.slice(0, 100) ?? null,
    kernel: text(fields['falco.kernel_release'])?.slice(0, 100) ?? null,
    engine: text(fields['scap.engine_name'])?.slice(0, 100) ?? null,
    started_ns: count(fields['falco.start_ts']),
    counted_events: count(fields['scap.n_evts']) ?? count(fields['falco.num_evts']),
    counted_drops: count(fields['scap.n_drops']),
    queue_drops: count(fields['falco.outputs_queue_num_drops']),
  }
}

/** Two rows of one key in a batch become one, as the database would have made them one. */
function merge<T extends Record<string, unknown>>(rows: Map<string, T>, key: string, row: T): void {
  const before = rows.get(key)
  if (before === undefined) return void rows.set(key, row)
  const merged: Record<string, unknown> = { ...before }
  for (const [name, value] of Object.entries(row)) {
    const old = merged[name]
    if (typeof value !== 'bigint' || snapshotColumns.has(name)) continue
    if (typeof old !== 'bigint') merged[name] = value
    else if (/^(?:first|from)/.test(name)) merged[name] = old < value ? old : value
    else if (/^(?:last|to_)/.test(name)) merged[name] = old > value ? old : value
    else if (name !== 'stretch') merged[name] = old + value > most ? most : old + value
  }
  if (isNewer(row, before)) for (const name of snapshotColumns) merged[name] = row[name]
  rows.set(key, merged as T)
}
const snapshotColumns = new Set([
  'snapshot_ns',
  'version',
  'kernel',
  'engine',
  'started_ns',
  'counted_events',
  'counted_drops',
  'queue_drops',
])
type Snapshot = { snapshot_ns?: bigint; counted_events?: bigint | null; version?: string | null }
function isNewer(row: Snapshot, before: Snapshot): boolean {
  if (row.snapshot_ns === undefined) return false
  if (before.snapshot_ns === undefined || row.snapshot_ns !== before.snapshot_ns) return row.snapshot_ns > (before.snapshot_ns ?? -most)
  return (row.counted_events ?? -1n) > (before.counted_events ?? -1n)
}

const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' && value !== '<NA>' ? value : null)
/** Falco writes its counts as digits, in quotes or not. */
function count(value: unknown): bigint | null {
  const digits = typeof value === 'bigint' || typeof value === 'number' ? String(value) : value
  return typeof digits === 'string' && /^\d{1,19}$/.test(digits) && BigInt(digits) <= most ? BigInt(digits) : null
}

/** Where sensors of a scope, or of one host, say that they dropped events in this time. Stretches of ten minutes, oldest first. */
export async function blindBetween(
  db: Queryable,
  scope: string,
  hostname: string | null,
  fromNs: bigint,
  toNs: bigint,
  limit = 200,
): Promise<(Gap & { hostname: string })[]> {
  const rows = await db.query(sql<{
    hostname: string
    from_ns: bigint
    to_ns: bigint
    messages: bigint
    dropped: bigint
    events: bigint
  }>`select hostname, min(from_ns) as from_ns, max(to_ns) as to_ns, sum(messages)::bigint as messages, least(sum(dropped), ${most})::bigint as dropped, least(sum(events), ${most})::bigint as events
    from sensor_gaps where scope = ${escapeText(scope)} and stretch between ${fromNs / stretchNs - 1n} and ${toNs / stretchNs + 1n} and to_ns >= ${fromNs} and from_ns <= ${toNs}
      and (${hostname === null ? null : escapeText(hostname)}::text is null or hostname = ${hostname === null ? '' : escapeText(hostname)})
    group by hostname, stretch order by stretch, hostname limit ${limit}`)
  return rows.map(({ hostname: host, from_ns, to_ns, messages, dropped, events }) => ({
    hostname: unescapeText(host),
    fromNs: from_ns,
    toNs: to_ns,
    messages: Number(messages),
    dropped,
    events,
  }))
}

/** What was last heard before; called when retention removes the messages themselves. */
export async function forgetSensors(db: Queryable, before: Date): Promise<void> {
  await db.query(sql`delete from sensors where received_at < ${before}`)
  await db.query(sql`delete from sensor_gaps where received_at < ${before}`)
}
