/**
 * What people asked in Slack, kept from before Slack is told that it was heard until the answer stands there: neither a crash nor a Slack that is away loses it.
 * Whoever answers one holds it. In one thread they begin one after another, in the order they came.
 */
import { sql } from 'kysely'
import { newId } from '../domain/ids.ts'
import type { Queryable } from './database.ts'
import { escapeText, json, unescapeDeep, unescapeText } from './values.ts'

export type SlackHeard = {
  id: string
  channel: string
  body: Record<string, unknown>
  heardAt: Date
  /** How often it was begun before. */ attempts: number
}

/** With the noting that it was heard, so that what Slack sends again is not kept again. `event`: its id. */
export async function keepHeard(
  db: Queryable,
  { event, channel, thread, body }: { event: string; channel: string; thread: string; body: Record<string, unknown> },
  at: Date,
): Promise<void> {
  await db.query(sql`with new as (insert into slack_seen (id, at) values (${`event/${event}`}, ${at}) on conflict (id) do nothing returning 1)
    insert into slack_heard (id, channel, thread, body, heard_at) select ${newId()}, ${channel}, ${thread}, ${json(body)}, ${at} from new`)
}

type Hold = { by: string; now: Date; until: Date }

/** The first that is due. Not one whose thread has an earlier one that has not begun. */
export async function takeHeard(db: Queryable, { by, now, until }: Hold): Promise<SlackHeard | undefined> {
  const [row] =
    await db.query(sql<SlackHeard>`update slack_heard set held_by = ${by}, held_until = ${until}, begun = false, attempts = attempts + 1
    where id = (select h.id from slack_heard h where (h.next_at is null or h.next_at <= ${now}) and (h.held_until is null or h.held_until <= ${now})
      and not exists (select 1 from slack_heard e where e.channel = h.channel and e.thread = h.thread and e.n < h.n and not e.begun)
      order by h.n limit 1 for update skip locked)
    returning id::text, channel, body, heard_at as "heardAt", attempts - 1 as attempts`)
  return row && { ...row, body: unescapeDeep(row.body) }
}

export async function keepHolding(db: Queryable, id: string, { by, until }: Pick<Hold, 'by' | 'until'>): Promise<void> {
  await db.query(sql`update slack_heard set held_until = ${until} where id = ${id} and held_by = ${by}`)
}

/** The next of its thread may follow. */
export async function noteHeardBegun(db: Queryable, id: string): Promise<void> {
  await db.query(sql`update slack_heard set begun = true where id = ${id}`)
}

/** Not before `nextAt` again. `error` null: nothing is wrong. */
export async function postponeHeard(db: Queryable, id: string, { error, nextAt }: { error: string | null; nextAt: Date }): Promise<void> {
  await db.query(
    sql`update slack_heard set held_until = null, next_at = ${nextAt}, error = ${error === null ? null : escapeText(error)} where id = ${id}`,
  )
}

/** It is answered, or never will be. */
export async function forgetHeard(db: Queryable, id: string): Promise<void> {
  await db.query(
    sql`with message as (delete from slack_messages where kind = 'turn' and about = ${id}) delete from slack_heard where id = ${id}`,
  )
}

/** Nobody else can be at them: all may be taken at once. */
export async function releaseHeard(db: Queryable): Promise<void> {
  await db.query(sql`update slack_heard set held_until = null, next_at = null`)
}

export type HeardWaiting = { waiting: number; since: Date | null; error: string | null }

/** Those that could not be answered yet, and why the first was not. */
export async function heardWaiting(db: Queryable): Promise<HeardWaiting> {
  const [row] = await db.query(
    sql<{
      waiting: bigint
      since: Date | null
      error: string | null
    }>`select count(*) as waiting, min(heard_at) as since, (array_agg(error order by n) filter (where error is not null))[1] as error from slack_heard`,
  )
  return { waiting: Number(row?.waiting ?? 0), since: row?.since ?? null, error: row?.error == null ? null : unescapeText(row.error) }
}
