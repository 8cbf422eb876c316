/** Who is who in Slack, and who asked to be somebody. Rules are in auth/slack-links.ts. */
import { sql } from 'kysely'
import type { Role } from '../domain/principal.ts'
import type { Queryable, Transaction } from './database.ts'
import { escapeText, unescapeText } from './values.ts'

/** Somebody as Slack names them. */
export type SlackUser = { team: string; user: string }

/** `name`, `teamName`: what they and their workspace call themselves there, at the time. */
export type SlackRequest = SlackUser & { name: string; teamName: string }

/** Instead of an earlier one of theirs. */
export async function saveSlackRequest(
  db: Queryable,
  { team, user, name, teamName }: SlackRequest,
  { tokenHash, expiresAt }: { tokenHash: Buffer; expiresAt: Date },
): Promise<void> {
  await db.query(sql`insert into slack_link_requests (team_id, slack_user, team_name, slack_name, token_hash, expires_at)
    values (${team}, ${user}, ${escapeText(teamName)}, ${escapeText(name)}, ${tokenHash}, ${expiresAt})
    on conflict (team_id, slack_user) do update set team_name = excluded.team_name, slack_name = excluded.slack_name, token_hash = excluded.token_hash,
      expires_at = excluded.expires_at, user_id = null, code_hash = null, wrong = 0`)
}

/** For this person: undefined when unknown or expired, or when another was shown its code. `codeHash`: it has this code from now on. */
export async function findSlackRequest(
  db: Queryable,
  { tokenHash, userId, at, codeHash }: { tokenHash: Buffer; userId: string; at: Date; codeHash?: Buffer },
): Promise<(SlackRequest & { expiresAt: Date }) | undefined> {
  const theirs = sql`token_hash = ${tokenHash} and expires_at > ${at} and (user_id is null or user_id = ${userId})`
  const columns = sql`team_id as team, slack_user as "user", slack_name as name, team_name as "teamName", expires_at as "expiresAt"`
  type Row = SlackRequest & { expiresAt: Date }
  const [row] = await db.query(
    codeHash === undefined
      ? sql<Row>`select ${columns} from slack_link_requests where ${theirs}`
      : sql<Row>`update slack_link_requests set user_id = ${userId}, code_hash = ${codeHash} where ${theirs} returning ${columns}`,
  )
  return row && { ...row, name: unescapeText(row.name), teamName: unescapeText(row.teamName) }
}

/** What somebody in Slack asked for and who opened it, under a lock: two codes typed at once are two tries. */
export async function lockSlackRequest(
  tx: Transaction,
  { team, user }: SlackUser,
  at: Date,
): Promise<{ userId: string; codeHash: Buffer; wrong: number } | undefined> {
  const [row] = await tx.query(
    sql<{
      userId: string
      codeHash: Buffer
      wrong: number
    }>`select user_id::text as "userId", code_hash as "codeHash", wrong from slack_link_requests
    where team_id = ${team} and slack_user = ${user} and expires_at > ${at} and code_hash is not null for update`,
  )
  return row
}

export async function countWrongSlackCode(tx: Transaction, { team, user }: SlackUser): Promise<void> {
  await tx.query(sql`update slack_link_requests set wrong = wrong + 1 where team_id = ${team} and slack_user = ${user}`)
}

export async function deleteSlackRequest(tx: Transaction, { team, user }: SlackUser): Promise<void> {
  await tx.query(sql`delete from slack_link_requests where team_id = ${team} and slack_user = ${user}`)
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
