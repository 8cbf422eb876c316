/** Who is who in Slack. A link is asked for in Slack and confirmed by the signed-in person, once; nothing else makes one. Rules are in auth/slack-links.ts. */
import { sql } from 'kysely'
import type { Role } from '../domain/principal.ts'
import type { Queryable, Transaction } from './database.ts'
import { escapeText, unescapeText } from './values.ts'

/** Somebody as Slack names them. */
export type SlackUser = { team: string; user: string }

export async function insertSlackRequest(
  db: Queryable,
  { team, user, name }: SlackUser & { name: string },
  { tokenHash, at, expiresAt }: { tokenHash: Buffer; at: Date; expiresAt: Date },
): Promise<void> {
  await db.query(sql`update slack_link_requests set used_at = ${at} where team_id = ${team} and slack_user = ${user} and used_at is null`)
  await db.query(
    sql`insert into slack_link_requests (token_hash, team_id, slack_user, slack_name, created_at, expires_at) values (${tokenHash}, ${team}, ${user}, ${escapeText(name)}, ${at}, ${expiresAt})`,
  )
}

/** `name`: what they call themselves there, at the time. */
export type SlackRequest = SlackUser & { name: string }

/** Undefined when unknown, used or expired. `use`: uses it up. */
export async function findSlackRequest(
  db: Queryable,
  tokenHash: Buffer,
  at: Date,
  { use = false } = {},
): Promise<SlackRequest | undefined> {
  const open = sql`token_hash = ${tokenHash} and used_at is null and expires_at > ${at}`
  const columns = sql`team_id as team, slack_user as "user", slack_name as name`
  const [row] = await db.query(
    use
      ? sql<SlackRequest>`update slack_link_requests set used_at = ${at} where ${open} returning ${columns}`
      : sql<SlackRequest>`select ${columns} from slack_link_requests where ${open}`,
  )
  return row && { ...row, name: unescapeText(row.name) }
}

export type LinkedUser = { id: string; name: string; role: Role }

/** The person who this is, as they are now; undefined when nobody, or disabled. */
export async function personInSlack(db: Queryable, { team, user }: SlackUser): Promise<LinkedUser | undefined> {
  const [row] = await db.query(
    sql<LinkedUser>`select u.id::text, u.name, u.role from slack_links l join users u on u.id = l.user_id
    where l.team_id = ${team} and l.slack_user = ${user} and u.disabled_at is null`,
  )
  return row && { ...row, name: unescapeText(row.name) }
}

export const slackUsersOf = (db: Queryable, userId: string): Promise<(SlackUser & { linkedAt: Date })[]> =>
  db.query(
    sql<
      SlackUser & { linkedAt: Date }
    >`select team_id as team, slack_user as "user", linked_at as "linkedAt" from slack_links where user_id = ${userId} order by linked_at`,
  )

/** Answers whose links it replaced. */
export async function insertSlackLink(tx: Transaction, { team, user }: SlackUser, userId: string, at: Date): Promise<string[]> {
  const replaced = await tx.query(
    sql<{
      user_id: string
    }>`delete from slack_links where team_id = ${team} and (slack_user = ${user} or user_id = ${userId}) returning user_id::text`,
  )
  await tx.query(sql`insert into slack_links (team_id, slack_user, user_id, linked_at) values (${team}, ${user}, ${userId}, ${at})`)
  return replaced.map(({ user_id }) => user_id)
}

/** Undefined: there was none. */
export async function deleteSlackLink(tx: Transaction, { team, user }: SlackUser): Promise<string | undefined> {
  const [row] = await tx.query(
    sql<{ user_id: string }>`delete from slack_links where team_id = ${team} and slack_user = ${user} returning user_id::text`,
  )
  return row?.user_id
}
