/** What people and programs sign in with besides links: API tokens and passkeys. Of a token only its SHA-256 is stored. */
import { sql } from 'kysely'
import type { Role } from '../domain/principal.ts'
import { newId } from '../domain/ids.ts'
import type { Queryable, Transaction } from './database.ts'
import { escapeText, unescapeText } from './values.ts'

export type ApiToken = {
  id: string
  userId: string
  userName: string
  name: string
  role: Role
  /** For MCP alone, and there with these scopes; null: all that its role may. */ scopes: string[] | null
  createdAt: Date
  expiresAt: Date
  lastUsedAt: Date | null
  revokedAt: Date | null
}
type TokenRow = {
  id: string
  user_id: string
  user_name: string
  user_role: Role
  name: string
  role: Role
  scopes: string[] | null
  created_at: Date
  expires_at: Date
  last_used_at: Date | null
  revoked_at: Date | null
}
const tokenColumns = sql`t.id::text, t.user_id::text, u.name as user_name, u.role as user_role, t.name, t.role, t.scopes, t.created_at, t.expires_at, t.last_used_at, t.revoked_at`
const tokenFrom = (row: TokenRow): ApiToken => ({
  id: row.id,
  userId: row.user_id,
  userName: unescapeText(row.user_name),
  name: unescapeText(row.name),
  role: row.role,
  scopes: row.scopes,
  createdAt: row.created_at,
  expiresAt: row.expires_at,
  lastUsedAt: row.last_used_at,
  revokedAt: row.revoked_at,
})

export async function insertToken(
  tx: Transaction,
  token: { userId: string; name: string; role: Role; scopes: string[] | null; tokenHash: Buffer; at: Date; expiresAt: Date },
): Promise<string> {
  const id = newId()
  await tx.query(
    sql`insert into api_tokens (id, user_id, name, role, scopes, token_hash, created_at, expires_at) values (${id}, ${token.userId}, ${escapeText(token.name)}, ${token.role}, ${token.scopes}::text[], ${token.tokenHash}, ${token.at}, ${token.expiresAt})`,
  )
  return id
}
/** `userId` null lists everybody's. */
export async function listTokens(db: Queryable, userId: string | null): Promise<ApiToken[]> {
  return (
    await db.query(
      sql<TokenRow>`select ${tokenColumns} from api_tokens t join users u on u.id = t.user_id where (${userId}::uuid is null or t.user_id = ${userId}::uuid) order by t.created_at desc`,
    )
  ).map(tokenFrom)
}
/** The live token with this hash, and its owner's role now. */
export async function findToken(db: Queryable, tokenHash: Buffer, now: Date): Promise<(ApiToken & { userRole: Role }) | undefined> {
  const [row] = await db.query(
    sql<TokenRow>`select ${tokenColumns} from api_tokens t join users u on u.id = t.user_id where t.token_hash = ${tokenHash} and t.revoked_at is null and t.expires_at > ${now} and u.disabled_at is null`,
  )
  return row && { ...tokenFrom(row), userRole: row.user_role }
}
export async function touchToken(db: Queryable, id: string, at: Date): Promise<void> {
  await db.query(
    sql`update api_tokens set last_used_at = ${at} where id = ${id} and (last_used_at is null or last_used_at < ${new Date(at.getTime() - 60_000)})`,
  )
}
export async function revokeToken(tx: Transaction, id: string, userId: string | null, at: Date): Promise<boolean> {
  return (
    (
      await tx.query(
        sql`update api_tokens set revoked_at = ${at} where id::text = ${id} and revoked_at is null and (${userId}::uuid is null or user_id = ${userId}::uuid) returning 1`,
      )
    ).length > 0
  )
}

export type Passkey = {
  credentialId: string
  userId: string
  publicKey: Buffer
  counter: number
  transports: string[]
  name: string
  createdAt: Date
  lastUsedAt: Date | null
}
type PasskeyRow = {
  credential_id: string
  user_id: string
  public_key: Buffer
  counter: bigint
  transports: string[]
  name: string
  created_at: Date
  last_used_at: Date | null
}
const passkeyFrom = (row: PasskeyRow): Passkey => ({
  credentialId: row.credential_id,
  userId: row.user_id,
  publicKey: row.public_key,
  counter: Number(row.counter),
  transports: row.transports,
  name: unescapeText(row.name),
  createdAt: row.created_at,
  lastUsedAt: row.last_used_at,
})

export async function insertPasskey(tx: Transaction, passkey: Omit<Passkey, 'createdAt' | 'lastUsedAt'>, at: Date): Promise<void> {
  await tx.query(
    sql`insert into passkeys (credential_id, user_id, public_key, counter, transports, name, created_at) values (${passkey.credentialId}, ${passkey.userId}, ${passkey.publicKey}, ${passkey.counter}, ${passkey.transports}::text[], ${escapeText(passkey.name)}, ${at})`,
  )
}
export async function passkeysOf(db: Queryable, userId: string): Promise<Passkey[]> {
  return (
    await db.query(
      sql<PasskeyRow>`select credential_id, user_id::text, public_key, counter, transports, name, created_at, last_used_at from passkeys where user_id = ${userId} order by created_at`,
    )
  ).map(passkeyFrom)
}
export async function getPasskey(db: Queryable, credentialId: string): Promise<Passkey | undefined> {
  const [row] = await db.query(
    sql<PasskeyRow>`select credential_id, user_id::text, public_key, counter, transports, name, created_at, last_used_at from passkeys where credential_id = ${credentialId}`,
  )
  return row && passkeyFrom(row)
}
export async function touchPasskey(tx: Transaction, credentialId: string, counter: number, at: Date): Promise<void> {
  await tx.query(sql`update passkeys set counter = ${counter}, last_used_at = ${at} where credential_id = ${credentialId}`)
}
export async function deletePasskey(tx: Transaction, userId: string, credentialId: string): Promise<boolean> {
  return (await tx.query(sql`delete from passkeys where user_id = ${userId} and credential_id = ${credentialId} returning 1`)).length > 0
}
export async function insertChallenge(db: Queryable, challenge: string, userId: string | null, expiresAt: Date): Promise<void> {
  await db.query(sql`insert into passkey_challenges (challenge, user_id, expires_at) values (${challenge}, ${userId}, ${expiresAt})`)
}
/** Uses a challenge up. */
export async function takeChallenge(tx: Queryable, challenge: string, now: Date): Promise<{ userId: string | null } | undefined> {
  const [row] = await tx.query(
    sql<{
      user_id: string | null
      expires_at: Date
    }>`delete from passkey_challenges where challenge = ${challenge} returning user_id::text, expires_at`,
  )
  return row === undefined || row.expires_at < now ? undefined : { userId: row.user_id }
}
