/**
 * Alerts searched, newest first. Rule, container, pod and time are found by index. Cluster, severity and text are looked for
 * among a bounded number of alerts at a time, so that no search reads the whole store; the page says how far back it looked.
 */
import { type RawBuilder, sql } from 'kysely'
import type { Alert } from '../domain/alert.ts'
import { type Severity, severityId } from '../domain/severity.ts'
import { type AlertRow, alertColumns, alertFromRow, parseCursor, withKeys } from './alerts.ts'
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
  const found = byIndex(search)
  const after = options.cursor === undefined ? undefined : parseCursor(options.cursor)
  if (after !== undefined) found.push(sql`(a.event_ns, a.id) < (${after.eventNs}, ${after.id}::uuid)`)
  const looked = byLooking(search)
  const bound = looked.length === 0 ? options.limit + 1 : search.text === undefined ? mostLookedAt.cheap : mostLookedAt.text
  const range = sql`from alerts a where ${all(found)} order by a.event_ns desc, a.id desc`
  // The inner limit bounds what is looked at, the outer one ends it as soon as the page is full; only then are keys joined.
  const rows = await db.query(sql<AlertRow>`with hits as materialized (
      select a.id, a.received_at from (select a.* ${range} limit ${bound}) a where ${all(looked)} order by a.event_ns desc, a.id desc limit ${options.limit + 1})
    select ${alertColumns} from hits join alerts a using (id, received_at) ${withKeys} order by a.event_ns desc, a.id desc`)
  const alerts = rows.slice(0, options.limit).map(alertFromRow)
  if (rows.length > options.limit) return { alerts, next: cursorOf(alerts.at(-1)), lookedBackTo: null }
  if (looked.length === 0) return { alerts, next: null, lookedBackTo: null }
  const [last] = await db.query(sql<{ id: string; event_ns: bigint }>`select a.id::text, a.event_ns ${range} offset ${bound - 1} limit 1`)
  return last === undefined
    ? { alerts, next: null, lookedBackTo: null }
    : { alerts, next: cursorOf({ id: last.id, eventNs: last.event_ns }), lookedBackTo: last.event_ns }
}

const cursorOf = (alert: Pick<Alert, 'id' | 'eventNs'> | undefined): string | null =>
  alert === undefined ? null : `${alert.eventNs}_${alert.id}`
const all = (conditions: readonly RawBuilder<unknown>[]): RawBuilder<unknown> =>
  conditions.length === 0 ? sql`true` : sql.join(conditions, sql` and `)

function byIndex({ rule, containerId, pod, fromNs, toNs }: AlertSearch): RawBuilder<unknown>[] {
  const conditions: RawBuilder<unknown>[] = []
  if (rule !== undefined) conditions.push(sql`a.rule = ${escapeText(rule)}`)
  if (containerId !== undefined) conditions.push(sql`a.container_id = ${escapeText(containerId)}`)
  if (pod !== undefined) {
    const [namespace = '', ...name] = escapeText(pod).split('/')
    conditions.push(sql`a.pod_namespace = ${namespace} and a.pod_name = ${name.join('/')}`)
  }
  if (fromNs !== undefined) conditions.push(sql`a.event_ns >= ${fromNs}`)
  if (toNs !== undefined) conditions.push(sql`a.event_ns <= ${toNs}`)
  return conditions
}

function byLooking({ scope, minSeverity, text }: AlertSearch): RawBuilder<unknown>[] {
  const conditions: RawBuilder<unknown>[] = []
  if (scope !== undefined) conditions.push(sql`a.scope = ${escapeText(scope)}`)
  if (minSeverity !== undefined) conditions.push(sql`a.severity >= ${severityId(minSeverity)}`)
  if (text !== undefined)
    conditions.push(sql`strpos(lower(concat_ws(E'\n', a.rule, a.output, a.fields::text)), lower(${escapeText(text)}::text)) > 0`)
  return conditions
}
