/** Activities of audit logs: appended once, found by who, what and when. Not partitioned: what retention removes it removes row by row. */
import { type RawBuilder, sql } from 'kysely'
import { v7 } from 'uuid'
import type { NewActivity } from '../domain/activity.ts'
import { stringifyExact } from '../domain/exact-json.ts'
import { parseCursor, rawColumns } from './alerts.ts'
import type { Queryable, Transaction } from './database.ts'
import { escapeDeep, escapeText, unescapeDeep, unescapeText } from './values.ts'

export type Activity = Omit<NewActivity, 'raw'> & { id: string; receivedAt: Date; sourceId: string | null }

/** Answers those that were new. */
export async function insertActivities(
  tx: Transaction,
  activities: readonly NewActivity[],
  { sourceId, receivedAt }: { sourceId: string | null; receivedAt: Date },
): Promise<NewActivity[]> {
  const unique = new Map(activities.map((activity) => [`${activity.scope}\n${activity.contentKey}`, activity]))
  const ordered = [...unique.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, activity]) => activity)
  const rows = ordered.map(({ contentKey, eventNs, raw, actor, source, ...activity }) => ({
    ...escapeDeep({ ...activity, actor_id: actor.id, actor, origin: source, ip: source.ip }),
    id: v7({ msecs: receivedAt.getTime() }),
    content_key: contentKey,
    event_ns: eventNs,
    ...rawColumns(raw),
  }))
  const fresh = await tx.query(sql<{
    id: string
  }>`insert into activities (id, scope, content_key, source_id, received_at, producer, event_ns, service, operation, outcome, error, actor_id, actor, origin, ip,
      resources, properties, raw)
    select id, scope, decode(content_key, 'hex'), ${sourceId}::uuid, ${receivedAt}, producer, event_ns, service, operation, outcome, error, actor_id, actor, origin, ip, resources,
      properties, coalesce(convert_to(raw_text, 'UTF8'), decode(raw_hex, 'hex'))
    from jsonb_to_recordset(${stringifyExact(rows)}::jsonb) as r(id uuid, scope text, content_key text, producer text, event_ns bigint, service text, operation text, outcome text,
      error text, actor_id text, actor jsonb, origin jsonb, ip text, resources text[], properties jsonb, raw_text text, raw_hex text)
    on conflict (scope, content_key) do nothing returning id::text`)
  const ids = new Set(fresh.map(({ id }) => id))
  return ordered.filter((_one, at) => ids.has(rows[at]?.id ?? ''))
}

export type ActivityFilter = { scope?: string; actor?: string; operation?: string; sinceNs?: bigint; untilNs?: bigint }
type Row = {
  id: string
  scope: string
  content_key: Buffer
  source_id: string | null
  received_at: Date
  producer: string
  event_ns: bigint
  service: string
  operation: string
  outcome: NewActivity['outcome']
  error: string | null
  actor: NewActivity['actor']
  origin: NewActivity['source']
  resources: string[]
  properties: Record<string, unknown>
}

/** Newest first; `cursor` is the `next` of the page before. */
export async function listActivities(
  db: Queryable,
  filter: ActivityFilter,
  options: { cursor?: string; limit: number },
): Promise<{ activities: Activity[]; next: string | null }> {
  const after = options.cursor === undefined ? undefined : parseCursor(options.cursor)
  const conditions: RawBuilder<unknown>[] = [sql`true`]
  if (filter.scope !== undefined) conditions.push(sql`scope = ${escapeText(filter.scope)}`)
  if (filter.actor !== undefined) conditions.push(sql`actor_id = ${escapeText(filter.actor)}`)
  if (filter.operation !== undefined) conditions.push(sql`operation = ${escapeText(filter.operation)}`)
  if (filter.sinceNs !== undefined) conditions.push(sql`event_ns >= ${filter.sinceNs}`)
  if (filter.untilNs !== undefined) conditions.push(sql`event_ns <= ${filter.untilNs}`)
  if (after !== undefined) conditions.push(sql`(event_ns, id) < (${after.eventNs}, ${after.id}::uuid)`)
  const rows =
    await db.query(sql<Row>`select id::text, scope, content_key, source_id::text, received_at, producer, event_ns, service, operation, outcome, error, actor,
    origin, resources, properties from activities where ${sql.join(conditions, sql` and `)} order by event_ns desc, id desc limit ${options.limit + 1}`)
  const activities = rows.slice(0, options.limit).map(fromRow)
  const last = activities.at(-1)
  return { activities, next: rows.length > options.limit && last !== undefined ? `${last.eventNs}_${last.id}` : null }
}

/** The instance whose own session an actor is; literal, as in the index. */
const instanceOf = sql`substring(actor_id from '/(i-[0-9a-f]{8,17})$')`

/** Calls by the instance’s own session in that time, by the source that collected them and by address; those that a service made for it have none. */
export async function callsOfInstance(
  db: Queryable,
  instance: string,
  { sinceNs, untilNs }: { sinceNs: bigint; untilNs: bigint },
): Promise<{ source: string; ips: { ip: string; calls: number }[] }[]> {
  const rows = await db.query(sql<{ source: string; ip: string; calls: bigint }>`select s.name as source, a.ip, count(*) as calls
    from activities a join sources s on s.id = a.source_id where ${instanceOf} = ${instance} and a.producer = 'cloudtrail' and a.ip is not null
      and a.event_ns between ${sinceNs} and ${untilNs} group by 1, 2 order by 1, 2`)
  return [...Map.groupBy(rows, ({ source }) => source)].map(([source, of]) => ({
    source: unescapeText(source),
    ips: of.map(({ ip, calls }) => ({ ip: unescapeText(ip), calls: Number(calls) })),
  }))
}

function fromRow({ content_key, received_at, source_id, event_ns, origin, id, ...row }: Row): Activity {
  return {
    ...unescapeDeep({ ...row, source: origin }),
    id,
    contentKey: content_key.toString('hex'),
    receivedAt: received_at,
    sourceId: source_id,
    eventNs: event_ns,
  }
}
