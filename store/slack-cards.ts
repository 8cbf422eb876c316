/**
 * What cards in Slack keep beside their messages: which posts may have arrived without an answer, which incidents one message tells of together, and how often
 * all servers together ask Slack. A post is noted before it is sent and taken off with the noting of its ts, so that neither a crash nor a second server posts
 * it twice unseen.
 */
import { type RawBuilder, sql } from 'kysely'
import { newId } from '../domain/ids.ts'
import { type Severity, severityFromId } from '../domain/severity.ts'
import type { Database, Queryable } from './database.ts'
import { saveSlackMessage, type SlackMessage } from './slack.ts'
import { unescapeDeep, unescapeText } from './values.ts'

export type Intent = { channel: string; key: string }

/** Null: it is ours to post, and was not tried before. Else when it was first tried: it may be there. `busy`: another server may be posting it now. */
export async function intendPost(
  db: Queryable,
  { channel, key }: Intent,
  at: Date,
  leaseMs: number,
): Promise<{ triedAt: Date | null; busy: boolean }> {
  const [added] = await db.query(
    sql`insert into slack_intents (channel, key, at) values (${channel}, ${key}, ${at}) on conflict (channel, key) do nothing returning 1`,
  )
  if (added !== undefined) return { triedAt: null, busy: false }
  const [row] = await db.query(sql<{ at: Date }>`select at from slack_intents where channel = ${channel} and key = ${key}`)
  return { triedAt: row?.at ?? at, busy: row === undefined || at.getTime() - row.at.getTime() < leaseMs }
}

/** Slack said no: nothing of it is there. */
export async function dropIntent(db: Queryable, { channel, key }: Intent): Promise<void> {
  await db.query(sql`delete from slack_intents where channel = ${channel} and key = ${key}`)
}

/** It is there. `message` null: a reply, of which no row is kept. */
export async function noteSlackPost(db: Database, intent: Intent, messages: readonly SlackMessage[], at: Date): Promise<void> {
  await db.transaction(async (tx) => {
    for (const message of messages) await saveSlackMessage(tx, message, at)
    await dropIntent(tx, intent)
  })
}

/** A server’s clock was ahead, or was set back: what it noted keeps nobody waiting. */
const mostAheadMs = 60_000

/**
 * Whether `key` may be asked now: once every `everyMs`, and after a rest as many at once as `burst`. 0: yes, and it is counted, for all servers. Else so many
 * milliseconds from now.
 */
export async function takeSlackPace(
  db: Queryable,
  key: string,
  { everyMs, burst }: { everyMs: number; burst: number },
  at: Date,
): Promise<number> {
  const moved = (ms: number): RawBuilder<unknown> => sql`${new Date(at.getTime() + ms)}::timestamptz`
  const rested = -(burst - 1) * everyMs
  const [taken] = await db.query(sql`insert into slack_pace as p (key, next_at) values (${key}, ${moved(rested + everyMs)})
    on conflict (key) do update set next_at = case when p.next_at between ${moved(rested)} and ${moved(0)}
      then p.next_at + ${everyMs} * interval '1 millisecond' else excluded.next_at end
    where p.next_at <= ${moved(0)} or p.next_at > ${moved(mostAheadMs)} returning 1`)
  if (taken !== undefined) return 0
  const [row] = await db.query(sql<{ at: Date }>`select next_at as at from slack_pace where key = ${key}`)
  return Math.max(1, (row?.at ?? at).getTime() - at.getTime())
}

/** Threads in this channel that are to be told something by now, the longest waiting first. */
export async function dueSlackThreads(db: Queryable, channel: string, now: Date, limit: number): Promise<SlackMessage[]> {
  const rows = await db.query(sql<SlackMessage>`select kind, about::text, channel, ts, shown, data from slack_messages
    where channel = ${channel} and kind = 'incident' and data->>'due' <= ${now.toISOString()} order by data->>'due', about limit ${limit}`)
  return rows.map((row) => ({ ...row, data: unescapeDeep(row.data) }))
}

/** Whether a thread or a summary of this channel may have to be told. */
export async function isSlackDue(db: Queryable, channel: string, now: Date, { quiet }: { quiet: boolean }): Promise<boolean> {
  const rows = await db.query(sql`select 1 from slack_messages where channel = ${channel} and data->>'due' <= ${now.toISOString()}
    union all select 1 from slack_digests where channel = ${channel} and ended_at is null and (kind <> 'quiet' or not ${quiet}) limit 1`)
  return rows.length > 0
}

/** When each incident came to this channel since then, in that order: on a card, or in a digest. */
export async function recentInSlack(db: Queryable, channel: string, since: Date): Promise<{ id: string; at: Date }[]> {
  return db.query(sql<{ id: string; at: Date }>`select about::text as id, posted_at as at from slack_messages
      where channel = ${channel} and kind = 'incident' and posted_at > ${since}
    union select m.incident_id::text, m.at from slack_digest_incidents m join slack_digests d on d.id = m.digest_id
      where d.channel = ${channel} and m.at > ${since} order by at`)
}

export type DigestKind = 'storm' | 'quiet'
export type Digest = {
  id: string
  kind: DigestKind
  beganAt: Date
  changedAt: Date
  /** When it last took an incident in. */ newestAt: Date
  toldAt: Date | null
  endedAt: Date | null
}
const digestColumns = sql`id::text, kind, began_at as "beganAt", changed_at as "changedAt", (select coalesce(max(m.at), began_at) from slack_digest_incidents m where m.digest_id = id) as "newestAt", told_at as "toldAt", ended_at as "endedAt"`

export const openDigests = (db: Queryable, channel: string): Promise<Digest[]> =>
  db.query(sql<Digest>`select ${digestColumns} from slack_digests where channel = ${channel} and ended_at is null order by began_at`)

/** Puts an incident into the open digest of that kind, which begins with it when there is none. */
export async function addToDigest(
  db: Database,
  { channel, kind, incidentId, severity }: { channel: string; kind: DigestKind; incidentId: string; severity: Severity },
  at: Date,
): Promise<void> {
  await db.transaction(async (tx) => {
    const [row] = await tx.query(sql<{ id: string }>`insert into slack_digests (id, channel, kind, began_at, changed_at)
      values (${newId()}, ${channel}, ${kind}, ${at}, ${at}) on conflict (channel, kind) where ended_at is null do update set changed_at = ${at} returning id::text`)
    await tx.query(sql`insert into slack_digest_incidents (digest_id, incident_id, severity, at) values (${row?.id}, ${incidentId}, ${severity}, ${at})
      on conflict (incident_id, digest_id) do nothing`)
  })
}

/** How severe it was when a digest in this channel took it; undefined: none did. */
export async function inDigest(db: Queryable, channel: string, incidentId: string): Promise<Severity | undefined> {
  const [row] = await db.query(sql<{
    severity: Severity
  }>`select m.severity from slack_digest_incidents m join slack_digests d on d.id = m.digest_id
    where d.channel = ${channel} and m.incident_id = ${incidentId} order by m.at desc limit 1`)
  return row?.severity
}

/** Something of an incident in it is not as it was told. */
export async function touchDigest(db: Queryable, channel: string, incidentId: string, at: Date): Promise<void> {
  await db.query(sql`update slack_digests d set changed_at = ${at} from slack_digest_incidents m
    where m.digest_id = d.id and m.incident_id = ${incidentId} and d.channel = ${channel} and d.ended_at is null`)
}

export async function noteDigestTold(db: Queryable, id: string, { at, ended }: { at: Date; ended: boolean }): Promise<void> {
  await db.query(
    sql`update slack_digests set told_at = ${at}, ended_at = case when ${ended} then ${at}::timestamptz else ended_at end where id = ${id}`,
  )
}

export type DigestIncident = {
  id: string
  title: string
  severity: Severity
  state: string
  merged: boolean
  scope: string
  alerts: number
}
export type DigestContent = {
  total: number
  bySeverity: Partial<Record<Severity, number>>
  closed: number
  alerts: number
  /** Of all of them, the rules that most are about. */ rules: { rule: string; incidents: number }[]
  /** The most severe. */ first: DigestIncident[]
}

/** As they are now, not as they were taken. */
export async function digestContent(db: Queryable, id: string, limit: number): Promise<DigestContent> {
  const of = sql`slack_digest_incidents m join incidents i on i.id = m.incident_id where m.digest_id = ${id}`
  const counts = await db.query(sql<{ severity: number; n: bigint; closed: bigint; alerts: bigint }>`select i.severity, count(*) as n,
      count(*) filter (where i.state = 'closed' or i.merged_into is not null) as closed, coalesce(sum(i.alert_count), 0)::bigint as alerts from ${of} group by 1`)
  const rules = await db.query(
    sql<{
      rule: string
      n: bigint
    }>`select r.rule, count(*) as n from (select unnest(i.rules) as rule from ${of}) r group by 1 order by 2 desc, 1 limit 5`,
  )
  const first = await db.query(sql<
    Omit<DigestIncident, 'severity'> & { severity: number }
  >`select i.id::text, i.title, i.severity, i.state, i.merged_into is not null as merged, i.scope, i.alert_count as alerts
    from ${of} order by i.severity desc, i.created_at desc, i.id desc limit ${limit}`)
  const sum = (of: (row: (typeof counts)[number]) => bigint): number => counts.reduce((all, row) => all + Number(of(row)), 0)
  return {
    total: sum(({ n }) => n),
    bySeverity: Object.fromEntries(counts.map(({ severity, n }) => [severityFromId(severity), Number(n)])),
    closed: sum(({ closed }) => closed),
    alerts: sum(({ alerts }) => alerts),
    rules: rules.map(({ rule, n }) => ({ rule: unescapeText(rule), incidents: Number(n) })),
    first: first.map((row) => ({
      ...row,
      severity: severityFromId(row.severity),
      title: unescapeText(row.title),
      scope: unescapeText(row.scope),
      alerts: Number(row.alerts),
    })),
  }
}
