/**
 * Alerts searched, newest first, each event once. Time and one of container, pod and rule are found by index; the rest is looked
 * for among a bounded number of alerts at a time, so that no search reads the whole store; the answer says how far back it looked.
 */
import { type RawBuilder, sql } from 'kysely'
import type { Alert } from '../domain/alert.ts'
import { type Severity, severityId } from '../domain/severity.ts'
import { type AlertRow, alertColumns, alertFromRow, getAlerts, parseCursor, withKeys } from './alerts.ts'
import type { Queryable } from './database.ts'
import { escapeText } from './values.ts'

export type AlertSearch = {
  rule?: string
  containerId?: string
  /** `namespace/name`. */ pod?: string
  fromNs?: bigint
  toNs?: bigint
  scope?: string
  minSeverity?: Severity
  /** In the sensor's sentence or a field; letters of either case. */ text?: string
}
/** `lookedBackTo`: the search stopped at that event time, not at the end; `next` goes on from there. */
export type AlertsFound = { alerts: Alert[]; next: string | null; lookedBackTo: bigint | null }

/** How many alerts one search looks at. To look into the text of one costs some 30 times what its severity does. */
const mostLookedAt = { cheap: 20_000, text: 4_000 }

export async function searchAlerts(db: Queryable, search: AlertSearch, options: { cursor?: string; limit: number }): Promise<AlertsFound> {
  const { found, looked } = conditionsOf(search)
  const after = options.cursor === undefined ? undefined : parseCursor(options.cursor)
  if (after !== undefined) found.push(sql`(a.event_ns, a.id) < (${after.eventNs}, ${after.id}::uuid)`)
  const bound = looked.length === 0 ? options.limit + 1 : search.text === undefined ? mostLookedAt.cheap : mostLookedAt.text
  const range = sql`from alerts a where ${all(found)} order by a.event_ns desc, a.id desc`
  // The inner limit bounds what is looked at, the outer one ends it as soon as the page is full; only then are keys joined.
  const rows = await db.query(sql<FoundRow>`with hits as materialized (
      select a.id, a.received_at from (select a.* ${range} limit ${bound}) a where ${all(looked)} order by a.event_ns desc, a.id desc limit ${options.limit + 1})
    select ${alertColumns}, (select m.same_as::text from incident_alerts m where m.alert_id = a.id) as same_as
    from hits join alerts a using (id, received_at) ${withKeys} order by a.event_ns desc, a.id desc`)
  const page = rows.slice(0, options.limit)
  const alerts = await eventsOf(db, page)
  const end = page.at(-1)
  if (rows.length > options.limit && end !== undefined)
    return { alerts, next: cursorOf({ id: end.id, eventNs: end.event_ns }), lookedBackTo: null }
  if (looked.length === 0) return { alerts, next: null, lookedBackTo: null }
  const [last] = await db.query(sql<{ id: string; event_ns: bigint }>`select a.id::text, a.event_ns ${range} offset ${bound - 1} limit 1`)
  return last === undefined
    ? { alerts, next: null, lookedBackTo: null }
    : { alerts, next: cursorOf({ id: last.id, eventNs: last.event_ns }), lookedBackTo: last.event_ns }
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
const all = (conditions: readonly RawBuilder<unknown>[]): RawBuilder<unknown> =>
  conditions.length === 0 ? sql`true` : sql.join(conditions, sql` and `)

/** `found` by one index, whatever else is asked: two together would read all of one to find little of the other. */
function conditionsOf(search: AlertSearch): { found: RawBuilder<unknown>[]; looked: RawBuilder<unknown>[] } {
  const { rule, containerId, pod, fromNs, toNs, scope, minSeverity, text } = search
  const indexed: RawBuilder<unknown>[] = []
  if (containerId !== undefined) indexed.push(sql`a.container_id = ${escapeText(containerId)}`)
  if (pod !== undefined) {
    const [namespace = '', ...name] = escapeText(pod).split('/')
    indexed.push(sql`(a.pod_namespace = ${namespace} and a.pod_name = ${name.join('/')})`)
  }
  if (rule !== undefined) indexed.push(sql`a.rule = ${escapeText(rule)}`)
  const [found, ...looked] = indexed
  if (scope !== undefined) looked.push(sql`a.scope = ${escapeText(scope)}`)
  if (minSeverity !== undefined) looked.push(sql`a.severity >= ${severityId(minSeverity)}`)
  if (text !== undefined) looked.push(sql`strpos(lower(${said}), lower(${escapeText(text)}::text)) > 0`)
  return {
    found: [
      ...(found === undefined ? [] : [found]),
      ...(fromNs === undefined ? [] : [sql`a.event_ns >= ${fromNs}`]),
      ...(toNs === undefined ? [] : [sql`a.event_ns <= ${toNs}`]),
    ],
    looked,
  }
}
/** All a sensor said in words: rule, sentence, and the values of fields, not their names. */
const said = sql`(select concat_ws(chr(10), a.rule, coalesce(a.output, d.document->>'output'),
    (select string_agg(f.value, chr(10)) from jsonb_each_text(coalesce(a.fields, case jsonb_typeof(d.document->'output_fields') when 'object' then d.document->'output_fields' end)) f))
  from (select case when a.fields is null then convert_from(a.raw, 'UTF8')::jsonb end) d(document))`
