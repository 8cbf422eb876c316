/** Sensors as they tell of themselves: when each was last heard, its newest counters, and the gaps where it dropped events. */
import { type RawBuilder, sql } from 'kysely'
import type { Queryable } from './database.ts'
import { type Gap, stretchNs } from './internal-messages.ts'
import { escapeText, unescapeText } from './values.ts'

export type Sensor = {
  sourceName: string | null
  scope: string
  hostname: string
  eventSource: string
  messages: number
  firstNs: bigint
  lastNs: bigint
  /** The newest metrics snapshot. Its counters run since Falco started; null where it did not say. */
  snapshot: {
    atNs: bigint
    version: string | null
    kernel: string | null
    engine: string | null
    startedNs: bigint | null
    events: bigint | null
    dropped: bigint | null
    queueDropped: bigint | null
  } | null
  /** All that messages about drops say; Falco may send fewer of them than there were. */
  drops: { messages: number; dropped: bigint; events: bigint; firstNs: bigint; lastNs: bigint } | null
  /** The newest ones. */
  gaps: Gap[]
}
export type Sensors = { sensors: Sensor[]; total: number; dropping: number; silent: number }

type Row = {
  source_name: string | null
  scope: string
  hostname: string
  event_source: string
  messages: bigint
  first_ns: bigint
  last_ns: bigint
  snapshot_ns: bigint | null
  version: string | null
  kernel: string | null
  engine: string | null
  started_ns: bigint | null
  counted_events: bigint | null
  counted_drops: bigint | null
  queue_drops: bigint | null
  drop_messages: bigint
  dropped: bigint
  events: bigint
  first_drop_ns: bigint | null
  last_drop_ns: bigint | null
  gaps: { from: bigint; to: bigint; messages: number; dropped: bigint; events: bigint }[] | null
}

/** `scope`: of one cluster alone. */
export type SensorsWanted = { silentBeforeNs: bigint; hostname?: string | undefined; scope?: string | undefined }
/** `quietestNs`: when the one that is silent the longest was last heard. */
export type SensorCounts = { total: number; dropping: number; silent: number; quietestNs: bigint | null }

const dropping = sql`(s.drop_messages > 0 or coalesce(s.counted_drops, 0) > 0 or coalesce(s.queue_drops, 0) > 0)`
const those = ({ hostname, scope }: SensorsWanted): RawBuilder<unknown> =>
  sql`${hostname === undefined ? sql`true` : sql`s.hostname = ${escapeText(hostname)}`} and ${scope === undefined ? sql`true` : sql`s.scope = ${escapeText(scope)}`}`

export async function countSensors(db: Queryable, wanted: SensorsWanted): Promise<SensorCounts> {
  const silent = sql`s.last_ns < ${wanted.silentBeforeNs}`
  type Counted = { total: bigint; dropping: bigint; silent: bigint; quietest_ns: bigint | null }
  const [counts] = await db.query(sql<Counted>`select count(*) as total, count(*) filter (where ${dropping}) as dropping,
    count(*) filter (where ${silent}) as silent, min(s.last_ns) filter (where ${silent}) as quietest_ns from sensors s where ${those(wanted)}`)
  return {
    total: Number(counts?.total ?? 0n),
    dropping: Number(counts?.dropping ?? 0n),
    silent: Number(counts?.silent ?? 0n),
    quietestNs: counts?.quietest_ns ?? null,
  }
}

/** Those first that are silent since before `silentBeforeNs` or dropped events, then by host; the counts are of all. */
export async function listSensors(db: Queryable, { limit, ...wanted }: SensorsWanted & { limit: number }): Promise<Sensors> {
  const order = sql`(s.last_ns < ${wanted.silentBeforeNs} or ${dropping}) desc, s.hostname, s.scope, s.source_id, s.event_source`
  const { quietestNs: _, ...counts } = await countSensors(db, wanted)
  const rows = await db.query(sql<Row>`select s.*, o.name as source_name, g.gaps from
    (select * from sensors s where ${those(wanted)} order by ${order} limit ${limit}) s
    left join sources o on o.id = s.source_id
    left join lateral (select jsonb_agg(jsonb_build_object('from', from_ns, 'to', to_ns, 'messages', messages, 'dropped', dropped, 'events', events) order by stretch desc) as gaps
      from (select * from sensor_gaps g where g.scope = s.scope and g.hostname = s.hostname and g.source_id = s.source_id and s.drop_messages > 0 order by stretch desc limit 24) newest) g on true
    order by ${order}`)
  return { sensors: rows.map(fromRow), ...counts }
}

const fromRow = (row: Row): Sensor => ({
  sourceName: row.source_name,
  scope: unescapeText(row.scope),
  hostname: unescapeText(row.hostname),
  eventSource: unescapeText(row.event_source),
  messages: Number(row.messages),
  firstNs: row.first_ns,
  lastNs: row.last_ns,
  snapshot:
    row.snapshot_ns === null
      ? null
      : {
          atNs: row.snapshot_ns,
          version: row.version === null ? null : unescapeText(row.version),
          kernel: row.kernel === null ? null : unescapeText(row.kernel),
          engine: row.engine === null ? null : unescapeText(row.engine),
          startedNs: row.started_ns,
          events: row.counted_events,
          dropped: row.counted_drops,
          queueDropped: row.queue_drops,
        },
  drops:
    row.first_drop_ns === null || row.last_drop_ns === null
      ? null
      : {
          messages: Number(row.drop_messages),
          dropped: row.dropped,
          events: row.events,
          firstNs: row.first_drop_ns,
          lastNs: row.last_drop_ns,
        },
  gaps: joined((row.gaps ?? []).map((gap) => ({ ...gap, fromNs: BigInt(gap.from), toNs: BigInt(gap.to) }))).slice(0, 3),
})

/** Stretches that follow each other are one gap. Newest first, as they are given. */
function joined(stretches: readonly { fromNs: bigint; toNs: bigint; messages: number; dropped: bigint; events: bigint }[]): Gap[] {
  const gaps: Gap[] = []
  for (const { fromNs, toNs, messages, dropped, events } of stretches) {
    const later = gaps.at(-1)
    if (later === undefined || later.fromNs - toNs > stretchNs)
      gaps.push({ fromNs, toNs, messages: Number(messages), dropped: BigInt(dropped), events: BigInt(events) })
    else {
      later.fromNs = fromNs
      later.messages += Number(messages)
      later.dropped += BigInt(dropped)
      later.events += BigInt(events)
    }
  }
  return gaps
}
