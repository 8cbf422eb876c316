/**
 * What Falconer knows of Slack: which message shows what, what was heard before, and which of its threads is which thread of chat. A view of the
 * record, never the record: losing it costs a second card. Who is who there is in slack-links.ts.
 */
import { sql } from 'kysely'
import type { Queryable } from './database.ts'
import { json, unescapeDeep } from './values.ts'

/** `kind`: what it shows: an incident, a proposal, a digest, …; `about`: its id. */
export type SlackMessage = {
  kind: string
  about: string
  channel: string
  ts: string
  /** A hash of what it shows. */ shown: string
  data: Record<string, unknown>
}
const columns = sql`kind, about::text, channel, ts, shown, data`
const messageFrom = (row: SlackMessage): SlackMessage => ({ ...row, data: unescapeDeep(row.data) })

/** It was posted, or shows something else now. */
export async function saveSlackMessage(db: Queryable, message: SlackMessage, at: Date): Promise<void> {
  const { kind, about, channel, ts, shown, data } = message
  await db.query(sql`insert into slack_messages (kind, about, channel, ts, shown, data, posted_at, updated_at)
    values (${kind}, ${about}, ${channel}, ${ts}, ${shown}, ${json(data)}, ${at}, ${at})
    on conflict (kind, about, channel) do update set ts = excluded.ts, shown = excluded.shown, data = excluded.data, updated_at = excluded.updated_at`)
}

export async function getSlackMessage(db: Queryable, kind: string, about: string, channel: string): Promise<SlackMessage | undefined> {
  const [row] = await db.query(
    sql<SlackMessage>`select ${columns} from slack_messages where kind = ${kind} and about = ${about} and channel = ${channel}`,
  )
  return row && messageFrom(row)
}

export async function slackMessageAt(db: Queryable, channel: string, ts: string): Promise<SlackMessage | undefined> {
  const [row] = await db.query(sql<SlackMessage>`select ${columns} from slack_messages where channel = ${channel} and ts = ${ts}`)
  return row && messageFrom(row)
}

/** False: it was heard before. */
export async function noteSlackSeen(db: Queryable, id: string, at: Date): Promise<boolean> {
  const rows = await db.query(sql`insert into slack_seen (id, at) values (${id}, ${at}) on conflict (id) do nothing returning 1`)
  return rows.length > 0
}

/** Slack sends nothing again that is so old, and a signature so old is refused. */
export async function forgetSlackSeen(db: Queryable, before: Date): Promise<void> {
  await db.query(sql`delete from slack_seen where at < ${before}`)
}

export type SlackThread = { channel: string; ts: string; /** '' where everybody shares it. */ owner: string }

/** The thread of chat that this one of Slack is. */
export async function slackThread(db: Queryable, { channel, ts, owner }: SlackThread): Promise<string | undefined> {
  const [row] = await db.query(
    sql<{
      thread_id: string
    }>`select thread_id::text from slack_threads where channel = ${channel} and ts = ${ts} and owner in (${owner}, '') order by owner limit 1`,
  )
  return row?.thread_id
}

/** Answers the one it is: another question may have been first. */
export async function saveSlackThread(db: Queryable, { channel, ts, owner }: SlackThread, threadId: string): Promise<string> {
  const [row] = await db.query(
    sql<{ thread_id: string }>`insert into slack_threads (channel, ts, owner, thread_id) values (${channel}, ${ts}, ${owner}, ${threadId})
    on conflict (channel, ts, owner) do update set thread_id = slack_threads.thread_id returning thread_id::text`,
  )
  return row?.thread_id ?? threadId
}
