/** Whether Slack is heard over Socket Mode: by any server, since when it is not, and why. One row that all of them write, and whoever shows coverage reads. */
import { sql } from 'kysely'
import type { Queryable } from './database.ts'
import { escapeText, unescapeText } from './values.ts'

export type SlackHearing = { /** Somebody wants to hear it since then. */ since: Date; heardAt: Date | null; error: string | null }

/** A server holds a connection now. */
export async function noteHeard(db: Queryable, at: Date): Promise<void> {
  await db.query(sql`insert into slack_hearing (since, named_at, heard_at) values (${at}, ${at}, ${at})
    on conflict (one) do update set named_at = excluded.named_at, heard_at = greatest(slack_hearing.heard_at, excluded.heard_at), error = null`)
}

/** A server wants one and has none; `error` null: it does not know why. What another hears is heard. */
export async function noteUnheard(db: Queryable, at: Date, error: string | null): Promise<void> {
  const said = error === null ? null : escapeText(error)
  await db.query(sql`insert into slack_hearing (since, named_at, error) values (${at}, ${at}, ${said})
    on conflict (one) do update set named_at = excluded.named_at, error = coalesce(excluded.error, slack_hearing.error)`)
}

const forgottenMs = 24 * 3_600_000

/** Undefined: no server wanted to hear it for a day. */
export async function slackHearing(db: Queryable, now: Date): Promise<SlackHearing | undefined> {
  const [row] = await db.query(
    sql<SlackHearing>`select since, heard_at as "heardAt", error from slack_hearing where named_at > ${new Date(now.getTime() - forgottenMs)}`,
  )
  return row && { ...row, error: row.error === null ? null : unescapeText(row.error) }
}

/** None wants to any more. */
export async function forgetHearing(db: Queryable): Promise<void> {
  await db.query(sql`delete from slack_hearing`)
}
