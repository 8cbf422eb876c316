/**
 * People and what they sign in with: users, one-time links, sessions. Tokens and passkeys are in credentials.ts. Secrets are stored as
 * SHA-256 only. Rules (who may, how long) live in auth/.
 */
import { sql } from 'kysely'
import type { Role } from '../domain/principal.ts'
import { newId } from '../domain/ids.ts'
import type { Queryable, Transaction } from './database.ts'
import { escapeText, unescapeText } from './values.ts'

export type User = {
  id: string
  name: string
  role: Role
  createdAt: Date
  disabledAt: Date | null
  webauthnHandle: Buffer
  lastSeenAt: Date | null
}
type UserRow = {
  id: string
  name: string
  role: Role
  created_at: Date
  disabled_at: Date | null
  webauthn_handle: Buffer
  last_seen_at: Date | null
}
const userColumns = sql`u.id::text, u.name, u.role, u.created_at, u.disabled_at, u.webauthn_handle, (select max(last_seen_at) from sessions s where s.user_id = u.id) as last_seen_at`
const userFrom = (row: UserRow): User => ({
  id: row.id,
  name: unescapeText(row.name),
  role: row.role,
  createdAt: row.created_at,
  disabledAt: row.disabled_at,
  webauthnHandle: row.webauthn_handle,
  lastSeenAt: row.last_seen_at,
})

/** Undefined when the name (in any case) is taken. */
export async function insertUser(
  tx: Transaction,
  user: { name: string; role: Role; webauthnHandle: Buffer; createdBy: string | null; at: Date },
): Promise<User | undefined> {
  const [row] =
    await tx.query(sql<UserRow>`insert into users as u (id, name, role, created_at, created_by, webauthn_handle) values (${newId()}, ${escapeText(user.name)}, ${user.role}, ${user.at}, ${user.createdBy}, ${user.webauthnHandle})
    on conflict (lower(name)) do nothing returning ${userColumns}`)
  return row && userFrom(row)
}
export async function listUsers(db: Queryable): Promise<User[]> {
  return (await db.query(sql<UserRow>`select ${userColumns} from users u order by lower(u.name)`)).map(userFrom)
}
export async function getUser(db: Queryable, idOrName: string): Promise<User | undefined> {
  const [row] = await db.query(
    sql<UserRow>`select ${userColumns} from users u where u.id::text = ${idOrName} or lower(u.name) = lower(${escapeText(idOrName)})`,
  )
  return row && userFrom(row)
}
/** By name alone: what another system calls somebody is never an id of ours. */
export async function getUserByName(db: Queryable, name: string): Promise<User | undefined> {
  const [row] = await db.query(sql<UserRow>`select ${userColumns} from users u where lower(u.name) = lower(${escapeText(name)})`)
  return row && userFrom(row)
}
/** Takes the lock under which roles change, so that two administrators cannot demote each other at once. */
export async function lockUsers(tx: Transaction): Promise<void> {
  await tx.query(sql`lock table users in share row exclusive mode`)
}
export async function setUserRole(tx: Transaction, id: string, role: Role): Promise<void> {
  await tx.query(sql`update users set role = ${role} where id = ${id}`)
}
export async function setUserDisabled(tx: Transaction, id: string, at: Date | null): Promise<void> {
  await tx.query(sql`update users set disabled_at = ${at} where id = ${id}`)
  if (at === null) return
  await tx.query(sql`delete from sessions where user_id = ${id}`)
  await tx.query(sql`update oauth_grants set revoked_at = ${at} where user_id = ${id} and revoked_at is null`)
}
/** What those of these people who are users may do now. */
export async function standings(db: Queryable, personIds: readonly string[]): Promise<Map<string, { role: Role; disabled: boolean }>> {
  const rows = await db.query(
    sql<{
      id: string
      role: Role
      disabled: boolean
    }>`select id::text, role, disabled_at is not null as disabled from users where id::text = any(${personIds}::text[])`,
  )
  return new Map(rows.map(({ id, role, disabled }) => [id, { role, disabled }]))
}

export async function insertLink(
  tx: Transaction,
  link: { tokenHash: Buffer; userId: string; purpose: 'first' | 'invitation' | 'sign-in'; at: Date; expiresAt: Date },
): Promise<void> {
  await tx.query(
    sql`insert into one_time_links (token_hash, user_id, purpose, created_at, expires_at) values (${link.tokenHash}, ${link.userId}, ${link.purpose}, ${link.at}, ${link.expiresAt})`,
  )
}
/** Uses a link up; undefined when it is unknown, used, expired, or its user disabled. */
export async function useLink(tx: Transaction, tokenHash: Buffer, at: Date): Promise<{ userId: string; purpose: string } | undefined> {
  const [row] = await tx.query(
    sql<{
      user_id: string
      purpose: string
    }>`update one_time_links l set used_at = ${at} from users u where l.token_hash = ${tokenHash} and l.used_at is null and l.expires_at > ${at} and u.id = l.user_id and u.disabled_at is null returning l.user_id::text, l.purpose`,
  )
  return row && { userId: row.user_id, purpose: row.purpose }
}
/** Whether a link can still be used, without using it: mail scanners and previews open links. */
export async function linkIsOpen(db: Queryable, tokenHash: Buffer, at: Date): Promise<{ name: string } | undefined> {
  const [row] = await db.query(
    sql<{
      name: string
    }>`select u.name from one_time_links l join users u on u.id = l.user_id where l.token_hash = ${tokenHash} and l.used_at is null and l.expires_at > ${at} and u.disabled_at is null`,
  )
  return row && { name: unescapeText(row.name) }
}
/** Closes all of a user's open links. */
export async function closeLinks(tx: Transaction, userId: string, at: Date): Promise<void> {
  await tx.query(sql`update one_time_links set used_at = ${at} where user_id = ${userId} and used_at is null`)
}

export type Session = { userId: string; name: string; role: Role; csrf: string; createdAt: Date; expiresAt: Date; lastSeenAt: Date }
export async function insertSession(
  tx: Transaction,
  session: { tokenHash: Buffer; userId: string; csrf: string; at: Date; expiresAt: Date; userAgent: string | null },
): Promise<void> {
  await tx.query(
    sql`insert into sessions (token_hash, user_id, created_at, expires_at, last_seen_at, user_agent, csrf) values (${session.tokenHash}, ${session.userId}, ${session.at}, ${session.expiresAt}, ${session.at}, ${session.userAgent === null ? null : escapeText(session.userAgent.slice(0, 300))}, ${session.csrf})`,
  )
}
/** The session and its user as they are now; undefined when expired, idle since before `idleSince`, or the user is disabled. */
export async function findSession(db: Queryable, tokenHash: Buffer, now: Date, idleSince: Date): Promise<Session | undefined> {
  const [row] = await db.query(sql<{
    user_id: string
    name: string
    role: Role
    csrf: string
    created_at: Date
    expires_at: Date
    last_seen_at: Date
  }>`select s.user_id::text, u.name, u.role, s.csrf, s.created_at, s.expires_at, s.last_seen_at from sessions s join users u on u.id = s.user_id
    where s.token_hash = ${tokenHash} and s.expires_at > ${now} and s.last_seen_at > ${idleSince} and u.disabled_at is null`)
  return (
    row && {
      userId: row.user_id,
      name: unescapeText(row.name),
      role: row.role,
      csrf: row.csrf,
      createdAt: row.created_at,
      expiresAt: row.expires_at,
      lastSeenAt: row.last_seen_at,
    }
  )
}
export async function touchSession(db: Queryable, tokenHash: Buffer, at: Date): Promise<void> {
  await db.query(sql`update sessions set last_seen_at = ${at} where token_hash = ${tokenHash}`)
}
export async function deleteSession(db: Queryable, tokenHash: Buffer): Promise<void> {
  await db.query(sql`delete from sessions where token_hash = ${tokenHash}`)
}

/** Removes what has expired; called now and then. */
export async function sweepExpired(db: Queryable, now: Date): Promise<void> {
  const daysAgo = (days: number): Date => new Date(now.getTime() - days * 86_400_000)
  await db.query(sql`delete from sessions where expires_at < ${now}`)
  await db.query(sql`delete from passkey_challenges where expires_at < ${now}`)
  await db.query(sql`delete from one_time_links where expires_at < ${daysAgo(30)}`)
  await db.query(sql`delete from oauth_codes where expires_at < ${daysAgo(1)}`)
  await db.query(sql`delete from oauth_tokens where expires_at < ${now}`)
  await db.query(sql`delete from oauth_grants where expires_at < ${now} or revoked_at < ${daysAgo(30)}`)
  await db.query(
    sql`delete from oauth_clients c where created_at < ${daysAgo(1)} and not exists (select 1 from oauth_grants g where g.client_id = c.id)`,
  )
}
