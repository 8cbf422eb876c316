/**
 * Alerts counted by what they have in common, or over time, each event once. Bounded as a search is: the newest that one index finds are looked
 * at, fewer of them where that costs more; the answer says how far back that was.
 */
import { type RawBuilder, sql } from 'kysely'
import { all, type AlertSearch, rangeOf, stoppedAt } from './alert-search.ts'
import type { Queryable } from './database.ts'
import { escapeText, unescapeText } from './values.ts'

const normal = (...path: string[]): RawBuilder<unknown> => sql`a.normal #>> ${path}::text[]`
/** What stands in a column of its own. */
const columns = {
  rule: sql`a.rule`,
  priority: sql`a.priority::text`,
  cluster: sql`a.scope`,
  namespace: sql`a.pod_namespace`,
  pod: sql`a.pod_namespace || '/' || a.pod_name`,
  container: sql`a.container_id`,
  host: sql`a.hostname`,
} as const
/** What is read from the normalised record. */
const normalised = {
  image: normal('container', 'image'),
  process: normal('process', 'name'),
  command: normal('process', 'cmdline'),
  parent: normal('process', 'parentName'),
  user: normal('process', 'user'),
  file: normal('file'),
  server_ip: normal('connection', 'serverIp'),
} as const
/** Several of one alert: it counts for each. */
const several = { tag: 'tags', tactic: 'tactics', technique: 'techniques' } as const

export const countableFields = [...Object.keys(columns), ...Object.keys(normalised), ...Object.keys(several)] as (
  keyof typeof columns | keyof typeof normalised | keyof typeof several
)[]
/** One of those, or `fields.` and the name of one that the sensor wrote: "fields.fd.sport". */
export type CountBy = (typeof countableFields)[number] | `fields.${string}`
export const isCountable = (field: string): field is CountBy =>
  field.startsWith('fields.') ? field.length > 7 : (countableFields as readonly string[]).includes(field)

export const intervals = { minute: 60n, hour: 3_600n, day: 86_400n } as const
export type Interval = keyof typeof intervals

/** `values`: in the order of the question; null: the alert does not say. */
export type CountedGroup = { values: (string | null)[]; startNs: bigint | null; alerts: number; firstNs: bigint; lastNs: bigint }
/** `lookedBackTo`: older ones than that were not looked at; null: all there are. */
export type AlertCounts = { counted: CountedGroup[]; groups: number; alerts: number; lookedBackTo: bigint | null }

/** How many alerts are looked at, by what is the dearest to read of them; `few` where only what there is is asked, not how often. */
const mostLookedAt = { columns: 40_000, normalised: 15_000, fields: 5_000 }
const few = { columns: 15_000, normalised: 5_000, fields: 2_000 }

/** Most alerts first; over time the newest stretches, oldest first. */
export async function countAlerts(
  db: Queryable,
  search: AlertSearch,
  { by, interval, limit, only = 'all' }: { by: readonly CountBy[]; interval?: Interval; limit: number; only?: 'few' | 'all' },
): Promise<AlertCounts> {
  const { range, looked } = rangeOf(search)
  const bound = boundOf(search, by, only === 'few' ? few : mostLookedAt)
  if (search.incidentId === undefined)
    looked.push(sql`not exists (select from incident_alerts m where m.alert_id = a.id and m.same_as is not null)`)
  const parts = by.map(partOf)
  const length = interval === undefined ? null : intervals[interval] * 1_000_000_000n
  const start = length === null ? sql`null::bigint` : sql`a.event_ns / ${length}::bigint * ${length}::bigint`
  const names = by.map((_, index) => sql.ref(`v${index}`))
  const values = parts.map(({ value }, index) => sql`left(${value}, 400) as ${sql.ref(`v${index}`)}`)
  const whole = parts.flatMap(({ first }) => (first === null ? [] : [first]))
  const joined = parts.flatMap(({ join }) => (join === null ? [] : [join]))
  const joins = joined.length === 0 ? sql`` : sql.join(joined, sql` `)
  const rows = await db.query(sql<Row>`with hits as (
      select ${list([...values, sql`${start} as start_ns`])}, a.event_ns, ${all(whole)} as whole
      from (${range} limit ${bound}) a ${joins} where ${all(looked)}),
    counts as (select ${list([...names, sql`start_ns`])}, count(*) as alerts, count(*) filter (where whole) as whole, min(event_ns) as first_ns, max(event_ns) as last_ns
      from hits group by ${list([...names, sql`start_ns`])})
    select array[${list(names)}]::text[] as values, start_ns, alerts, first_ns, last_ns, count(*) over () as groups, (sum(whole) over ())::bigint as total
    from counts order by ${interval === undefined ? sql`alerts desc` : sql`start_ns desc, alerts desc`}, values limit ${limit}`)
  const counted = rows.map((row) => ({
    values: row.values.map((value) => (value === null ? null : unescapeText(value))),
    startNs: row.start_ns,
    alerts: Number(row.alerts),
    firstNs: row.first_ns,
    lastNs: row.last_ns,
  }))
  return {
    counted: interval === undefined ? counted : counted.sort((a, b) => Number((a.startNs ?? 0n) - (b.startNs ?? 0n))),
    groups: Number(rows[0]?.groups ?? 0n),
    alerts: Number(rows[0]?.total ?? 0n),
    lookedBackTo: (await stoppedAt(db, range, bound))?.event_ns ?? null,
  }
}
type Row = {
  values: (string | null)[]
  start_ns: bigint | null
  alerts: bigint
  first_ns: bigint
  last_ns: bigint
  groups: bigint
  total: bigint
}
const list = (parts: readonly RawBuilder<unknown>[]): RawBuilder<unknown> => (parts.length === 0 ? sql`` : sql.join(parts))

function boundOf({ text }: AlertSearch, by: readonly CountBy[], most: typeof mostLookedAt): number {
  if (text !== undefined || by.some((field) => field.startsWith('fields.'))) return most.fields
  return by.every((field) => field in columns) ? most.columns : most.normalised
}

/** `first` holds once for each alert. */
type Part = { value: RawBuilder<unknown>; join: RawBuilder<unknown> | null; first: RawBuilder<unknown> | null }
function partOf(field: CountBy, index: number): Part {
  if (field.startsWith('fields.')) return { value: sql`${written}->>${escapeText(field.slice(7))}`, join: null, first: null }
  if (field in columns) return { value: columns[field as keyof typeof columns], join: null, first: null }
  if (field in normalised) return { value: normalised[field as keyof typeof normalised], join: null, first: null }
  const each = sql.ref(`s${index}`)
  return {
    value: sql`${each}.value`,
    join: sql`left join lateral json_array_elements_text(a.normal->${several[field as keyof typeof several]}) with ordinality as ${each}(value, nth) on true`,
    first: sql`coalesce(${each}.nth, 1) = 1`,
  }
}

const written = sql`coalesce(a.fields::json, convert_from(a.raw, 'UTF8')::json->'output_fields')`

/** Names of the fields that sensors wrote, those of most alerts first, among the newest. */
export async function fieldNames(
  db: Queryable,
  search: AlertSearch,
  limit: number,
): Promise<{ names: { name: string; alerts: number }[]; more: boolean; lookedBackTo: bigint | null }> {
  const { range, looked } = rangeOf(search)
  const bound = 1_000
  const rows = await db.query(sql<{ name: string; alerts: bigint }>`select name, count(*) as alerts
    from (select case json_typeof(w.fields) when 'object' then w.fields end as fields from (${range} limit ${bound}) a
        cross join lateral (select ${written} as fields offset 0) w where ${all(looked)}) f
      cross join lateral json_object_keys(f.fields) name group by name order by alerts desc, name limit ${limit + 1}`)
  return {
    names: rows.slice(0, limit).map(({ name, alerts }) => ({ name: unescapeText(name), alerts: Number(alerts) })),
    more: rows.length > limit,
    lookedBackTo: (await stoppedAt(db, range, bound))?.event_ns ?? null,
  }
}
