/**
 * Alerts searched, newest first, each event once. Time and one of container, pod and rule are found by index; the rest is looked
 * for among a bounded number of alerts at a time, so that no search reads the whole store; the answer says how far back it looked.
 */
import { type RawBuilder, sql } from 'kysely'
import type { Alert } from '../domain/alert.ts'
import { priorities, type Priority, type Severity, severityId } from '../domain/severity.ts'
import { type AlertRow, alertColumns, alertFromRow, getAlerts, parseCursor, withKeys } from './alerts.ts'
import type { Queryable } from './database.ts'
import { escapeText } from './values.ts'

export type AlertSearch = {
  incidentId?: string
  rule?: string
  containerId?: string
  /** `namespace/name`. */ pod?: string
  fromNs?: bigint
  toNs?: bigint
  scope?: string
  namespace?: string
  hostname?: string
  minSeverity?: Severity
  /** At least this urgent. */ minPriority?: Priority
  /** In the sensor's sentence or a field; letters of either case. */ text?: string
}
/** `lookedBackTo`: the search stopped at that event time, not at the end; `next` goes on from there. */
export type AlertsFound = { alerts: Alert[]; next: string | null; lookedBackTo: bigint | null }

/** How many alerts one search looks at. To look into the text of one costs some 30 times what its severity does. */
const mostLookedAt = { cheap: 20_000, text: 4_000 }

export async function searchAlerts(db: Queryable, search: AlertSearch, options: { cursor?: string; limit: number }): Promise<AlertsFound> {
  const after = options.cursor === undefined ? undefined : parseCursor(options.cursor)
  const { range, looked } = rangeOf(search, after)
  const bound = looked.length === 0 ? options.limit + 1 : search.text === undefined ? mostLookedAt.cheap : mostLookedAt.text
  // The inner limit bounds what is looked at, the outer one ends it as soon as the page is full; only then are keys joined.
  const rows = await db.query(sql<FoundRow>`with hits as materialized (
      select a.id, a.received_at from (${range} limit ${bound}) a where ${all(looked)} order by a.event_ns desc, a.id desc limit ${options.limit + 1})
    select ${alertColumns}, (select m.same_as::text from incident_alerts m where m.alert_id = a.id) as same_as
    from hits join alerts a using (id, received_at) ${withKeys} order by a.event_ns desc, a.id desc`)
  const page = rows.slice(0, options.limit)
  const alerts = await eventsOf(db, page)
  const end = page.at(-1)
  if (rows.length > options.limit && end !== undefined)
    return { alerts, next: cursorOf({ id: end.id, eventNs: end.event_ns }), lookedBackTo: null }
  if (looked.length === 0) return { alerts, next: null, lookedBackTo: null }
  const last = await stoppedAt(db, range, bound)
  return last === undefined
    ? { alerts, next: null, lookedBackTo: null }
    : { alerts, next: cursorOf({ id: last.id, eventNs: last.event_ns }), lookedBackTo: last.event_ns }
}

/** The alert at which a search that looks at `bound` of them stops; undefined: it comes to the end. */
export async function stoppedAt(
  db: Queryable,
  range: RawBuilder<unknown>,
  bound: number,
): Promise<{ id: string; event_ns: bigint } | undefined> {
  return (await db.query(sql<{ id: string; event_ns: bigint }>`select id::text, event_ns from (${range} offset ${bound - 1} limit 1) a`))[0]
}

type FoundRow = AlertRow & { same_as: string | null }
/** Each event once, as the alert that stands for it, also where only what falcosidekick added was found. */
async function eventsOf(db: Queryable, rows: readonly FoundRow[]): Promise<Alert[]> {
  const found = new Map(rows.map((row) => [row.id, alertFromRow(row)]))
  const missing = rows.flatMap(({ same_as: id }) => (id === null || found.has(id) ? [] : [id]))
  for (const alert of await getAlerts(db, missing)) found.set(alert.id, alert)
  const events = new Set(rows.map((row) => found.get(row.same_as ?? '') ?? (found.get(row.id) as Alert)))
  return [...events].sort((a, b) => ((a.eventNs === b.eventNs ? a.id < b.id : a.eventNs < b.eventNs) ? 1 : -1))
}

const cursorOf = ({ id, eventNs }: Pick<Alert, 'id' | 'eventNs'>): string => `${eventNs}_${id}`
export const all = (conditions: readonly RawBuilder<unknown>[]): RawBuilder<unknown> =>
  conditions.length === 0 ? sql`true` : sql.join(conditions, sql` and `)

/**
 * `range`: alerts `a`, newest first, found by one index, whatever else is asked: two together would read all of one to find little of the other.
 * `looked`: what is left to be looked for among them. Of an incident each event once.
 */
export function rangeOf(
  search: AlertSearch,
  after?: { eventNs: bigint; id: string },
): { range: RawBuilder<unknown>; looked: RawBuilder<unknown>[] } {
  const { incidentId, fromNs, toNs } = search
  const place = incidentId === undefined ? sql`a.event_ns, a.id` : sql`m.event_ns, m.alert_id`
  const at = incidentId === undefined ? sql`a.event_ns` : sql`m.event_ns`
  const from =
    incidentId === undefined ? sql`alerts a` : sql`incident_alerts m join alerts a on a.id = m.alert_id and a.received_at = m.received_at`
  const found: RawBuilder<unknown>[] = []
  const looked = conditionsOf(search)
  if (incidentId !== undefined) found.push(sql`m.incident_id = ${incidentId} and m.same_as is null`)
  else found.push(...indexed(search).slice(0, 1))
  looked.unshift(...indexed(search).slice(incidentId === undefined ? 1 : 0))
  if (fromNs !== undefined) found.push(sql`${at} >= ${fromNs}`)
  if (toNs !== undefined) found.push(sql`${at} <= ${toNs}`)
  if (after !== undefined) found.push(sql`(${place}) < (${after.eventNs}, ${after.id}::uuid)`)
  const order = incidentId === undefined ? sql`a.event_ns desc, a.id desc` : sql`m.event_ns desc, m.alert_id desc`
  return { range: sql`select a.* from ${from} where ${all(found)} order by ${order}`, looked }
}

function indexed({ containerId, pod, rule }: AlertSearch): RawBuilder<unknown>[] {
  const conditions: RawBuilder<unknown>[] = []
  if (containerId !== undefined) conditions.push(sql`a.container_id = ${escapeText(containerId)}`)
  if (pod !== undefined) {
    const [namespace = '', ...name] = escapeText(pod).split('/')
    conditions.push(sql`(a.pod_namespace = ${namespace} and a.pod_name = ${name.join('/')})`)
  }
  if (rule !== undefined) conditions.push(sql`a.rule = ${escapeText(rule)}`)
  return conditions
}

function conditionsOf({ scope, namespace, hostname, minSeverity, minPriority, text }: AlertSearch): RawBuilder<unknown>[] {
  const looked: RawBuilder<unknown>[] = []
  if (scope !== undefined) looked.push(sql`a.scope = ${escapeText(scope)}`)
  if (namespace !== undefined) looked.push(sql`a.pod_namespace = ${escapeText(namespace)}`)
  if (hostname !== undefined) looked.push(sql`a.hostname = ${escapeText(hostname)}`)
  if (minSeverity !== undefined) looked.push(sql`a.severity >= ${severityId(minSeverity)}`)
  if (minPriority !== undefined) looked.push(sql`a.priority <= ${priorities.indexOf(minPriority)}`)
  if (text !== undefined) looked.push(sql`strpos(lower(${said}), lower(${escapeText(text)}::text)) > 0`)
  return looked
}

/** All a sensor said in words: rule, sentence, and the values of fields, not their names. */
const said = sql`(select concat_ws(chr(10), a.rule, coalesce(a.output, d.document->>'output'),
    (select string_agg(f.value, chr(10)) from jsonb_each_text(coalesce(a.fields, case jsonb_typeof(d.document->'output_fields') when 'object' then d.document->'output_fields' end)) f))
  from (select case when a.fields is null then convert_from(a.raw, 'UTF8')::jsonb end) d(document))`
