/**
 * What a model is to be asked: one at a time of an incident, whoever asks and however many servers there are. One is held for a while by whoever works on
 * it; what a crash or a stop left is taken up again under the same id, so that nothing it had paid for is paid twice.
 */
import { sql } from 'kysely'
import type { Incident } from '../domain/incident.ts'
import { newId } from '../domain/ids.ts'
import { type Severity, severityFromId, severityId } from '../domain/severity.ts'
import type { Queryable, Transaction } from './database.ts'
import type { Investigation } from './investigations.ts'
import { escapeText, unescapeText } from './values.ts'

export type DeepeningState = 'waiting' | 'running' | 'done' | 'failed' | 'capped' | 'spared'
export type Deepening = {
  /** Of its investigation too. */ id: string
  incidentId: string
  askedAt: Date
  askedBy: string
  byPerson: boolean
  reason: string
  state: DeepeningState
  /** How often it was begun. */ attempts: number
  startedAt: Date | null
  finishedAt: Date | null
  /** Why it came to nothing. */ error: string | null
  /** A first look, wanted or had; null: none is wanted. */ look: 'wanted' | 'passed' | 'failed' | 'spared' | null
}
type Row = {
  id: string
  incident_id: string
  asked_at: Date
  asked_by: string
  by_person: boolean
  reason: string
  state: DeepeningState
  attempts: number
  started_at: Date | null
  finished_at: Date | null
  error: string | null
  look: Deepening['look']
}
const columns = sql`id::text, incident_id::text, asked_at, asked_by, by_person, reason, state, attempts, started_at, finished_at, error, look`
const fromRow = (row: Row): Deepening => ({
  id: row.id,
  incidentId: row.incident_id,
  askedAt: row.asked_at,
  askedBy: unescapeText(row.asked_by),
  byPerson: row.by_person,
  reason: unescapeText(row.reason),
  state: row.state,
  attempts: row.attempts,
  startedAt: row.started_at,
  finishedAt: row.finished_at,
  error: row.error === null ? null : unescapeText(row.error),
  look: row.look,
})

export type Ask = {
  incident: Incident
  by: string
  byPerson: boolean
  reason: string
  at: Date
  /** First, by a model for triage. */ look?: boolean
}

/** One that is waiting or at work already is answered instead; a person’s asking has it done before others. */
export async function askModel(
  tx: Transaction,
  { incident, by, byPerson, reason, at, look = false }: Ask,
): Promise<{ deepening: Deepening; made: boolean } | undefined> {
  const [row] = await tx.query(sql<Row & { made: boolean }>`
    insert into deepenings as d (id, incident_id, asked_at, asked_by, by_person, reason, state, severity, rules, entity_ids, look)
    values (${newId()}, ${incident.id}, ${at}, ${escapeText(by)}, ${byPerson}, ${escapeText(reason)}, 'waiting', ${severityId(incident.severity)},
      ${incident.rules.map(escapeText)}::text[], ${incident.entityIds.map(String)}::bigint[], ${look ? 'wanted' : null})
    on conflict (incident_id) where state in ('waiting', 'running') do update set by_person = d.by_person or excluded.by_person
    returning ${columns}, xmax = 0 as made`)
  return row && { deepening: fromRow(row), made: row.made }
}

export type Claim = {
  by: string
  now: Date
  until: Date
  /** Of those that no person asked for, so many are begun in an hour; null: none of them is taken. */ perHour: number | null
}

/** The next to be done, held: people’s first, then the most severe. Null: none, or all that wait must wait longer. */
export async function claimDeepening(db: Queryable, { by, now, until, perHour }: Claim): Promise<Deepening | null> {
  const [row] =
    await db.query(sql<Row>`update deepenings set state = 'running', held_by = ${by}::uuid, held_until = ${until}, attempts = attempts + 1,
      started_at = coalesce(started_at, ${now})
    where id = (select id from deepenings where (state = 'waiting' or (state = 'running' and held_until <= ${now}))
        and (by_person or (${perHour !== null} and (started_at is not null or ${startedSince(now)} < ${perHour ?? 0})))
      order by by_person desc, severity desc, asked_at, id limit 1 for update skip locked)
    returning ${columns}`)
  return row === undefined ? null : fromRow(row)
}
const hourMs = 3_600_000
const startedSince = (now: Date) =>
  sql`(select count(*) from deepenings where not by_person and started_at > ${new Date(now.getTime() - hourMs)})`

/** False: it is not ours any more. */
export async function holdDeepening(db: Queryable, { id, by, until }: { id: string; by: string; until: Date }): Promise<boolean> {
  const held = await db.query(
    sql`update deepenings set held_until = ${until} where id = ${id} and held_by = ${by}::uuid and state = 'running' returning 1`,
  )
  return held.length > 0
}

export async function endDeepening(
  db: Queryable,
  { id, by, state, error = null, at }: { id: string; by: string; state: 'done' | 'failed'; error?: string | null; at: Date },
): Promise<void> {
  await db.query(sql`update deepenings set state = ${state}, finished_at = ${at}, error = ${error === null ? null : escapeText(error)}, held_by = null, held_until = null
    where id = ${id} and held_by = ${by}::uuid and state = 'running'`)
}

/** Whoever held it stops: another may go on at once, and it was no attempt. */
export async function releaseDeepening(db: Queryable, { id, by }: { id: string; by: string }): Promise<void> {
  await db.query(sql`update deepenings set state = 'waiting', attempts = greatest(0, attempts - 1), held_by = null, held_until = null
    where id = ${id} and held_by = ${by}::uuid and state = 'running'`)
}

/** What the dead held; only where nobody else is at work on this database. */
export async function releaseAll(db: Queryable): Promise<void> {
  await db.query(sql`update deepenings set state = 'waiting', held_by = null, held_until = null where state = 'running'`)
}

/** Its incident became part of another: it goes there, unless that one has one of its own. False: it has. */
export async function moveDeepening(tx: Transaction, id: string, to: string): Promise<boolean> {
  const moved = await tx.query(sql`update deepenings set incident_id = ${to} where id = ${id}
    and not exists (select 1 from deepenings where incident_id = ${to} and state in ('waiting', 'running')) returning 1`)
  return moved.length > 0
}

/** Nothing is asked any more for now: what nobody has begun ends, and says why. */
export async function capDeepenings(tx: Transaction, why: string, at: Date): Promise<number> {
  const capped = await tx.query(
    sql`update deepenings set state = 'capped', finished_at = ${at}, error = ${escapeText(why)} where state = 'waiting' returning 1`,
  )
  return capped.length
}

export async function getDeepening(db: Queryable, id: string): Promise<Deepening | undefined> {
  const [row] = await db.query(sql<Row>`select ${columns} from deepenings where id = ${id}`)
  return row && fromRow(row)
}

/** As the investigation that it is to be, or was to be, where none has begun. */
export const asInvestigation = (one: Deepening, analyst: string): Investigation => ({
  id: one.id,
  incidentId: one.incidentId,
  incidentRevision: 0,
  analyst,
  status: one.state === 'waiting' || one.state === 'running' ? 'running' : 'failed',
  report: null,
  error: one.error,
  startedAt: one.askedAt,
  finishedAt: one.finishedAt,
})

/** Of an incident and those merged into it, newest first. */
export async function deepeningsOf(db: Queryable, incidentId: string, limit = 20): Promise<Deepening[]> {
  const rows = await db.query(sql<Row>`select ${columns} from deepenings
    where incident_id = ${incidentId} or incident_id in (select id from incidents where merged_into = ${incidentId}) order by asked_at desc, id desc limit ${limit}`)
  return rows.map(fromRow)
}

export async function openDeepenings(db: Queryable): Promise<{ waiting: number; running: number }> {
  const [row] = await db.query(sql<{ waiting: bigint; running: bigint }>`
    select count(*) filter (where state = 'waiting') as waiting, count(*) filter (where state = 'running') as running
    from deepenings where state in ('waiting', 'running')`)
  return { waiting: Number(row?.waiting ?? 0n), running: Number(row?.running ?? 0n) }
}

/** How the incident, or one merged into it, was when a model was last asked, and how often one was; null: never. */
export async function lastAsked(
  db: Queryable,
  incidentId: string,
): Promise<{ at: Date; times: number; severity: Severity; rules: string[]; entityIds: bigint[] } | null> {
  const [row] = await db.query(sql<{ at: Date; times: bigint; severity: number; rules: string[]; entity_ids: string[] }>`
    select asked_at as at, count(*) over () as times, severity, rules, entity_ids::text[] as entity_ids from deepenings
    where (incident_id = ${incidentId} or incident_id in (select id from incidents where merged_into = ${incidentId})) and state not in ('capped', 'spared')
    order by asked_at desc, id desc limit 1`)
  if (row === undefined) return null
  const { at, times, severity, rules, entity_ids: ids } = row
  return { at, times: Number(times), severity: severityFromId(severity), rules: rules.map(unescapeText), entityIds: ids.map(BigInt) }
}

/** When a model last came to the end of an incident, and of how many it has. */
export async function lastReadByModel(db: Queryable): Promise<{ lastAt: Date | null; count: number }> {
  const [row] = await db.query(
    sql<{ last_at: Date | null; n: bigint }>`select max(finished_at) as last_at, count(*) as n from deepenings where state = 'done'`,
  )
  return { lastAt: row?.last_at ?? null, count: Number(row?.n ?? 0n) }
}
