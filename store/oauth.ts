/** Rows of the authorisation server: clients, grants, codes, tokens. A code and a refresh token are used up in the statement that finds them. */
import { sql } from 'kysely'
import { newId } from '../domain/ids.ts'
import type { Role } from '../domain/principal.ts'
import type { Queryable, Transaction } from './database.ts'
import { escapeText, unescapeText } from './values.ts'

export type OAuthClient = { id: string; name: string; redirectUris: string[] }

/** False when there are `most` clients that nobody has let in yet. */
export async function insertClient(db: Queryable, client: OAuthClient, at: Date, most: number): Promise<boolean> {
  const [row] =
    await db.query(sql`insert into oauth_clients (id, name, redirect_uris, created_at) select ${client.id}, ${escapeText(client.name)}, ${client.redirectUris}::text[], ${at}
    where (select count(*) from oauth_clients c where not exists (select 1 from oauth_grants g where g.client_id = c.id)) < ${most} returning 1`)
  return row !== undefined
}
export async function getClient(db: Queryable, id: string): Promise<OAuthClient | undefined> {
  const [row] = await db.query(
    sql<{ name: string; redirect_uris: string[] }>`select name, redirect_uris from oauth_clients where id = ${escapeText(id)}`,
  )
  return row && { id, name: unescapeText(row.name), redirectUris: row.redirect_uris }
}

/** What a person let a client do: at most with the role they had then, at most with the one they have now. */
export type Grant = {
  id: string
  clientId: string
  clientName: string
  userId: string
  userName: string
  role: Role
  userRole: Role
  scopes: string[]
  resource: string
  createdAt: Date
  expiresAt: Date
  lastUsedAt: Date | null
}
type GrantRow = {
  id: string
  client_id: string
  client_name: string
  user_id: string
  user_name: string
  role: Role
  user_role: Role
  scopes: string[]
  resource: string
  created_at: Date
  expires_at: Date
  last_used_at: Date | null
}
const grantColumns = sql`g.id::text, g.client_id, g.client_name, g.user_id::text, u.name as user_name, g.role, u.role as user_role, g.scopes, g.resource, g.created_at, g.expires_at, g.last_used_at`
const grantFrom = (row: GrantRow): Grant => ({
  id: row.id,
  clientId: row.client_id,
  clientName: unescapeText(row.client_name),
  userId: row.user_id,
  userName: unescapeText(row.user_name),
  role: row.role,
  userRole: row.user_role,
  scopes: row.scopes,
  resource: row.resource,
  createdAt: row.created_at,
  expiresAt: row.expires_at,
  lastUsedAt: row.last_used_at,
})

export type NewGrant = {
  clientId: string
  clientName: string
  userId: string
  role: Role
  scopes: string[]
  resource: string
  at: Date
  expiresAt: Date
}
export async function insertGrant(tx: Transaction, grant: NewGrant): Promise<string> {
  const id = newId()
  await tx.query(
    sql`insert into oauth_grants (id, client_id, client_name, user_id, role, scopes, resource, created_at, expires_at) values (${id}, ${grant.clientId}, ${escapeText(grant.clientName)}, ${grant.userId}, ${grant.role}, ${grant.scopes}::text[], ${grant.resource}, ${grant.at}, ${grant.expiresAt})`,
  )
  return id
}
/** A live grant of somebody who is not disabled. */
const live = (now: Date) => sql`g.revoked_at is null and g.expires_at > ${now} and u.disabled_at is null`
export async function liveGrant(db: Queryable, id: string, now: Date): Promise<Grant | undefined> {
  const [row] = await db.query(
    sql<GrantRow>`select ${grantColumns} from oauth_grants g join users u on u.id = g.user_id where g.id = ${id} and ${live(now)}`,
  )
  return row && grantFrom(row)
}
export async function grantsOf(db: Queryable, userId: string, now: Date): Promise<Grant[]> {
  const rows = await db.query(
    sql<GrantRow>`select ${grantColumns} from oauth_grants g join users u on u.id = g.user_id where g.user_id = ${userId} and ${live(now)} and exists (select 1 from oauth_tokens t where t.grant_id = g.id) order by g.created_at desc`,
  )
  return rows.map(grantFrom)
}
/** Ends a grant with all its codes and tokens. `userId` null: whoever's. */
export async function revokeGrant(tx: Transaction, id: string, userId: string | null, at: Date): Promise<boolean> {
  const ended = await tx.query(
    sql`update oauth_grants set revoked_at = ${at} where id::text = ${id} and revoked_at is null and (${userId}::uuid is null or user_id = ${userId}::uuid) returning 1`,
  )
  return ended.length > 0
}

export type Code = { grantId: string; redirectUri: string; challenge: string; expiresAt: Date }
export async function insertCode(tx: Transaction, codeHash: Buffer, code: Code): Promise<void> {
  await tx.query(
    sql`insert into oauth_codes (code_hash, grant_id, redirect_uri, challenge, expires_at) values (${codeHash}, ${code.grantId}, ${code.redirectUri}, ${code.challenge}, ${code.expiresAt})`,
  )
}
/** Uses a code up. `again`: it was used before. */
export async function useCode(tx: Transaction, codeHash: Buffer, at: Date): Promise<(Code & { again: boolean }) | undefined> {
  type Row = { grant_id: string; redirect_uri: string; challenge: string; expires_at: Date }
  const from = (row: Row, again: boolean): Code & { again: boolean } => ({
    grantId: row.grant_id,
    redirectUri: row.redirect_uri,
    challenge: row.challenge,
    expiresAt: row.expires_at,
    again,
  })
  const columns = sql`grant_id::text, redirect_uri, challenge, expires_at`
  const [used] = await tx.query(
    sql<Row>`update oauth_codes set used_at = ${at} where code_hash = ${codeHash} and used_at is null returning ${columns}`,
  )
  if (used !== undefined) return from(used, false)
  const [before] = await tx.query(sql<Row>`select ${columns} from oauth_codes where code_hash = ${codeHash}`)
  return before && from(before, true)
}

export type TokenKind = 'access' | 'refresh'
export async function insertOAuthToken(
  tx: Transaction,
  token: { tokenHash: Buffer; grantId: string; kind: TokenKind; expiresAt: Date },
): Promise<void> {
  await tx.query(
    sql`insert into oauth_tokens (token_hash, grant_id, kind, expires_at) values (${token.tokenHash}, ${token.grantId}, ${token.kind}, ${token.expiresAt})`,
  )
}
/** The grant of a live access token. */
export async function findAccess(db: Queryable, tokenHash: Buffer, now: Date): Promise<Grant | undefined> {
  const [row] = await db.query(
    sql<GrantRow>`select ${grantColumns} from oauth_tokens t join oauth_grants g on g.id = t.grant_id join users u on u.id = g.user_id
    where t.token_hash = ${tokenHash} and t.kind = 'access' and t.expires_at > ${now} and ${live(now)}`,
  )
  return row && grantFrom(row)
}
/** Uses a refresh token up. `again`: it was used before, so two hold it. */
export async function useRefresh(
  tx: Transaction,
  tokenHash: Buffer,
  at: Date,
): Promise<{ grantId: string; expiresAt: Date; again: boolean } | undefined> {
  type Row = { grant_id: string; expires_at: Date }
  const [used] = await tx.query(
    sql<Row>`update oauth_tokens set used_at = ${at} where token_hash = ${tokenHash} and kind = 'refresh' and used_at is null returning grant_id::text, expires_at`,
  )
  if (used !== undefined) return { grantId: used.grant_id, expiresAt: used.expires_at, again: false }
  const [before] = await tx.query(
    sql<Row>`select grant_id::text, expires_at from oauth_tokens where token_hash = ${tokenHash} and kind = 'refresh'`,
  )
  return before && { grantId: before.grant_id, expiresAt: before.expires_at, again: true }
}
/** Which grant a token of either kind belongs to. */
export async function grantOfToken(db: Queryable, tokenHash: Buffer): Promise<{ grantId: string; clientId: string } | undefined> {
  const [row] = await db.query(
    sql<{
      grant_id: string
      client_id: string
    }>`select t.grant_id::text, g.client_id from oauth_tokens t join oauth_grants g on g.id = t.grant_id where t.token_hash = ${tokenHash}`,
  )
  return row && { grantId: row.grant_id, clientId: row.client_id }
}
export async function touchGrant(db: Queryable, id: string, at: Date): Promise<void> {
  await db.query(
    sql`update oauth_grants set last_used_at = ${at} where id = ${id} and (last_used_at is null or last_used_at < ${new Date(at.getTime() - 60_000)})`,
  )
}
