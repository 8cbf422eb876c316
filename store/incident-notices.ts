/**
 * What is still to be told outside of incidents. A change is noted in the transaction that makes it, as one row per destination and incident:
 * what changes again before it was told is told once, and nothing a crash could lose is held in memory. Whom to tell and how is not known here.
 */
import { type RawBuilder, sql } from 'kysely'
import type { Database, Queryable, Transaction } from './database.ts'
import { escapeText, unescapeText } from './values.ts'

/**
 * An insert that notes changed incidents for every destination there is. `changed` selects id, created_at and last_ns. What had happened before a
 * destination was named is news to it only when something happens to it: a recomputation of old incidents is none.
 */
export const announcing = (changed: RawBuilder<unknown>, at: Date): RawBuilder<unknown> =>
  sql`insert into incident_notices as n (destination, incident_id, version, since)
    select d.name, c.id, 1, ${at}::timestamptz from destinations d cross join (${changed}) c
    where c.created_at >= d.since or c.last_ns >= (extract(epoch from d.since) * 1000000000)::bigint
      or exists (select 1 from incident_notices o where o.destination = d.name and o.incident_id = c.id)
    on conflict (destination, incident_id) do update set version = n.version + 1, attempts = 0,
      since = case when n.version > n.sent then n.since else excluded.since end`

export async function announce(tx: Transaction, incidentIds: readonly string[], at: Date): Promise<void> {
  await tx.query(announcing(sql`select id, created_at, last_ns from incidents where id = any(${incidentIds}::uuid[])`, at))
}

const forgottenMs = 24 * 3_600_000

/**
 * Those that are told from now on; said again every hour. Others are forgotten, with what they were still to be told, once no server has named
 * them for a day: one that was started without its configuration loses nothing. `alone`: there is no other server on this database.
 */
export async function setDestinations(db: Database, names: readonly string[], at: Date, { alone }: { alone: boolean }): Promise<void> {
  const before = alone ? at : new Date(at.getTime() - forgottenMs)
  await db.transaction(async (tx) => {
    await tx.query(sql`insert into destinations (name, since, named_at) select n, ${at}, ${at} from unnest(${[...names]}::text[]) n
      on conflict (name) do update set named_at = excluded.named_at`)
    await tx.query(sql`delete from destinations where name <> all(${[...names]}::text[]) and named_at <= ${before}`)
    if (alone) await tx.query(sql`update destinations set held_until = null`)
  })
}

/** Null: another server tells it, or it is not to be tried yet, or there is nothing to tell (unless `idle`). Else how often it has failed in a row. */
export async function holdDestination(
  db: Queryable,
  { name, by, now, forMs, idle = false }: { name: string; by: string; now: Date; forMs: number; idle?: boolean },
): Promise<{ failures: number } | null> {
  const [held] = await db.query(sql<{
    failures: number
  }>`update destinations set held_by = ${by}, held_until = ${new Date(now.getTime() + forMs)}
    where name = ${name} and (held_by = ${by} or held_until is null or held_until <= ${now}) and (next_at is null or next_at <= ${now})
      and (${idle} or exists (select 1 from incident_notices n where n.destination = name and n.version > n.sent))
    returning failures`)
  return held ?? null
}

export type Change = 'created' | 'updated' | 'closed'
/** `ended`: closed, or merged into another. `told` null: the receiver does not know it yet. */
export type DueNotice = {
  incidentId: string
  version: number
  change: Change
  attempts: number
  told: 'open' | 'closed' | null
  ended: boolean
}

/**
 * Longest waiting first. The end of an incident does not wait until its last news is old enough. What is sent may arrive though no answer comes
 * back, so it is written down before: whatever changes meanwhile, it is repeated as that same change until it is taken.
 */
export async function dueNotices(
  db: Queryable,
  { destination, now, limit }: { destination: string; now: Date; limit: number },
): Promise<DueNotice[]> {
  const rows = await db.query(sql<{
    id: string
    trying: number
    trying_change: Change
    attempts: number
    told: DueNotice['told']
    ended: boolean
  }>`with due as (
      select n.destination, n.incident_id, n.since, e.ended from incident_notices n join incidents i on i.id = n.incident_id
        cross join lateral (select i.state = 'closed' or i.merged_into is not null as ended) e
      where n.destination = ${destination} and n.version > n.sent
        and (n.next_at is null or n.next_at <= ${now} or (n.attempts = 0 and n.told is distinct from 'closed' and e.ended))
      order by n.since, n.incident_id limit ${limit}),
    marked as (
      update incident_notices n set trying = coalesce(n.trying, n.version), trying_change = coalesce(n.trying_change,
        case when n.told is null then 'created' when due.ended and n.told = 'open' then 'closed' else 'updated' end)
      from due where n.destination = due.destination and n.incident_id = due.incident_id
      returning n.incident_id, n.trying, n.trying_change, n.attempts, n.told, due.ended, due.since)
    select incident_id::text as id, trying, trying_change, attempts, told, ended from marked order by since, incident_id`)
  return rows.map(({ id, trying, trying_change, ...row }) => ({ ...row, incidentId: id, version: trying, change: trying_change }))
}

type Told = { destination: string; incidentId: string }

/** It was taken as far as `version`; what changes from now on is told after `nextAt`. `more`: there is something to tell of it already. */
export async function noteTaken(
  db: Queryable,
  {
    destination,
    incidentId,
    version,
    told,
    nextAt,
    more = false,
  }: Told & Pick<DueNotice, 'version' | 'told'> & { nextAt: Date; more?: boolean },
): Promise<void> {
  await db.query(sql`update incident_notices set sent = greatest(sent, ${version}), version = case when ${more} then greatest(version, ${version} + 1) else version end,
      trying = null, trying_change = null, told = ${told}, attempts = 0, next_at = ${nextAt}, error = null
    where destination = ${destination} and incident_id = ${incidentId}`)
}

/** This one alone was not taken: others need not wait for it. */
export async function noteRefused(
  db: Queryable,
  { destination, incidentId, reason, nextAt }: Told & { reason: string; nextAt: Date },
): Promise<void> {
  await db.query(sql`update incident_notices set attempts = attempts + 1, next_at = ${nextAt}, error = ${escapeText(reason)}
    where destination = ${destination} and incident_id = ${incidentId}`)
}

/** Not its turn yet. It was marked as tried, so that its end, too, waits until then. */
export async function noteLater(db: Queryable, { destination, incidentId }: Told, nextAt: Date): Promise<void> {
  await db.query(
    sql`update incident_notices set attempts = greatest(attempts, 1), next_at = ${nextAt} where destination = ${destination} and incident_id = ${incidentId}`,
  )
}

/** The destination answers; `taken`: so many were taken. */
export async function noteWell(db: Queryable, name: string, taken: number, at: Date): Promise<void> {
  await db.query(sql`update destinations set failures = 0, failing_since = null, next_at = null, error = null, delivered = delivered + ${taken},
    delivered_at = case when ${taken} > 0 then ${at}::timestamptz else delivered_at end where name = ${name}`)
}

/** The destination takes nothing more now; it is not tried again before `nextAt`. */
export async function noteFailing(
  db: Queryable,
  { name, reason, taken, at, nextAt }: { name: string; reason: string; taken: number; at: Date; nextAt: Date },
): Promise<void> {
  await db.query(sql`update destinations set failures = failures + 1, delivered = delivered + ${taken},
    delivered_at = case when ${taken} > 0 then ${at}::timestamptz else delivered_at end, failing_since = coalesce(failing_since, ${at}), next_at = ${nextAt},
    error = ${escapeText(reason)} where name = ${name}`)
}

export type Destination = {
  name: string
  delivered: number
  deliveredAt: Date | null
  waiting: number
  /** The longest waits since then. */ waitingSince: Date | null
  /** Of those waiting, so many were refused by themselves. */ refused: number
  failures: number
  failingSince: Date | null
  nextAt: Date | null
  error: string | null
}

export async function listDestinations(db: Queryable): Promise<Destination[]> {
  const rows = await db.query(sql<{
    name: string
    delivered: bigint
    delivered_at: Date | null
    failures: number
    failing_since: Date | null
    next_at: Date | null
    error: string | null
    waiting: bigint
    waiting_since: Date | null
    refused: bigint
    refusal: string | null
  }>`select d.name, d.delivered, d.delivered_at, d.failures, d.failing_since, d.next_at, d.error, w.* from destinations d,
      lateral (select count(*) as waiting, min(since) as waiting_since, count(*) filter (where n.error is not null) as refused, max(n.error) as refusal
        from incident_notices n where n.destination = d.name and n.version > n.sent) w order by d.name`)
  return rows.map((row) => ({
    name: row.name,
    delivered: Number(row.delivered),
    deliveredAt: row.delivered_at,
    waiting: Number(row.waiting),
    waitingSince: row.waiting_since,
    refused: Number(row.refused),
    failures: row.failures,
    failingSince: row.failing_since,
    nextAt: row.next_at,
    error: row.error === null && row.refusal === null ? null : unescapeText(row.error ?? row.refusal ?? ''),
  }))
}
