/**
 * Codes and refresh tokens turned into tokens, each once. A code or a refresh token that comes a second time is held by two: all that was given with it
 * ends. Access tokens are short, for one address, and hold nothing: what they may is looked up with every request.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { Principal } from '../domain/principal.ts'
import { appendAudit } from '../store/audit.ts'
import { findToken, revokeToken } from '../store/credentials.ts'
import type { Transaction } from '../store/database.ts'
import * as rows from '../store/oauth.ts'
import { commandLine, OAuthRefusal } from './oauth-clients.ts'
import { type Actor, type AuthContext, createToken, lowerRole, system, tokenBearer, userPrincipal } from './people.ts'
import { hashSecret, newSecret } from './secrets.ts'

export type Issued = { access_token: string; token_type: 'Bearer'; expires_in: number; refresh_token?: string; scope: string }
type Get = (name: string) => string | null

export const accessSeconds = 15 * 60
const refreshDays = 14
const commandLineDays = 90
const refused = () => new OAuthRefusal('invalid_grant', 'The code or token is unknown, used, expired or revoked, or is not this client’s.')

/** RFC 6749 §4.1.3 and §6. Throws OAuthRefusal. */
export async function exchange(auth: AuthContext, get: Get): Promise<Issued> {
  const grantType = get('grant_type')
  if (grantType === 'authorization_code') return exchangeCode(auth, get)
  if (grantType === 'refresh_token') return refresh(auth, get)
  throw new OAuthRefusal('unsupported_grant_type', 'There are authorization_code and refresh_token.')
}

async function exchangeCode(auth: AuthContext, get: Get): Promise<Issued> {
  const { db, clock } = auth
  const now = clock.now()
  const done = await db.transaction(async (tx): Promise<Issued | rows.Grant | undefined> => {
    const code = await rows.useCode(tx, hashSecret(get('code') ?? ''), now)
    if (code === undefined) return undefined
    const grant = await rows.liveGrant(tx, code.grantId, now)
    const right =
      !code.again &&
      code.expiresAt > now &&
      grant !== undefined &&
      belongs(grant, get) &&
      code.redirectUri === get('redirect_uri') &&
      proves(get('code_verifier') ?? '', code.challenge)
    // Whoever holds the code and not its proof is not whom it was made for.
    if (!right) return void (await end(tx, auth, code.grantId, wrongWithCode(code, now)))
    if (grant.clientId !== commandLine.id) return issue(tx, grant, now)
    await rows.revokeGrant(tx, grant.id, null, now)
    return grant
  })
  if (done === undefined) throw refused()
  return 'access_token' in done ? done : commandLineToken(auth, done)
}

function wrongWithCode({ again, expiresAt }: { again: boolean; expiresAt: Date }, now: Date): string {
  if (again) return 'the code came a second time'
  return expiresAt > now ? 'the code came without its proof' : 'the code came too late'
}

/** One that lasts, and is seen and revoked where the person's others are. */
async function commandLineToken(auth: AuthContext, grant: rows.Grant): Promise<Issued> {
  const role = lowerRole(grant.role, grant.userRole)
  const actor: Actor = { principal: userPrincipal({ id: grant.userId, name: grant.userName, role }), channel: 'web' }
  const made = await createToken(auth, actor, { userId: grant.userId, name: 'falconer login', role, days: commandLineDays })
  return { access_token: made.token, token_type: 'Bearer', expires_in: commandLineDays * 86_400, scope: grant.scopes.join(' ') }
}

async function refresh(auth: AuthContext, get: Get): Promise<Issued> {
  const { db, clock } = auth
  const now = clock.now()
  const done = await db.transaction(async (tx): Promise<Issued | undefined> => {
    const used = await rows.useRefresh(tx, hashSecret(get('refresh_token') ?? ''), now)
    if (used === undefined) return undefined
    const grant = await rows.liveGrant(tx, used.grantId, now)
    if (used.again || grant === undefined || !belongs(grant, get))
      return void (await end(
        tx,
        auth,
        used.grantId,
        used.again ? 'a refresh token came a second time' : 'a refresh token came from another',
      ))
    return used.expiresAt > now ? issue(tx, grant, now) : undefined
  })
  if (done === undefined) throw refused()
  return done
}

const belongs = (grant: rows.Grant, get: Get): boolean =>
  grant.clientId === get('client_id') && [null, grant.resource].includes(get('resource'))

/** PKCE, S256 alone. */
function proves(verifier: string, challenge: string): boolean {
  if (!/^[\w.~-]{43,128}$/.test(verifier)) return false
  return timingSafeEqual(createHash('sha256').update(verifier).digest(), Buffer.from(challenge, 'base64url'))
}

async function issue(tx: Transaction, grant: rows.Grant, now: Date): Promise<Issued> {
  const [access, next] = [newSecret('fla_'), newSecret('flr_')]
  const until = (seconds: number): Date => new Date(Math.min(now.getTime() + seconds * 1_000, grant.expiresAt.getTime()))
  await rows.insertOAuthToken(tx, { tokenHash: hashSecret(access), grantId: grant.id, kind: 'access', expiresAt: until(accessSeconds) })
  await rows.insertOAuthToken(tx, {
    tokenHash: hashSecret(next),
    grantId: grant.id,
    kind: 'refresh',
    expiresAt: until(refreshDays * 86_400),
  })
  return { access_token: access, token_type: 'Bearer', expires_in: accessSeconds, refresh_token: next, scope: grant.scopes.join(' ') }
}

async function end(tx: Transaction, { clock }: AuthContext, grantId: string, why: string): Promise<void> {
  if (await rows.revokeGrant(tx, grantId, null, clock.now()))
    await appendAudit(tx, clock, { ...system, action: 'program shut out', subject: `grant/${grantId}`, details: { why } })
}

/** RFC 7009: whoever holds a token may end it, with all that was given with it. What is unknown is ended already. */
export async function endToken(auth: AuthContext, get: Get): Promise<void> {
  const { db, clock } = auth
  const given = get('token') ?? ''
  const apiToken = await findToken(db, hashSecret(given), clock.now())
  const holder = apiToken === undefined ? undefined : await tokenBearer(auth, given)
  await db.transaction(async (tx) => {
    if (apiToken !== undefined && holder !== undefined) {
      await revokeToken(tx, apiToken.id, null, clock.now())
      const entry = { principal: holder.principal, channel: 'api' as const, action: 'token revoked' }
      return void (await appendAudit(tx, clock, { ...entry, subject: `token/${apiToken.id}`, details: {} }))
    }
    const found = await rows.grantOfToken(tx, hashSecret(given))
    if (found !== undefined && found.clientId === get('client_id')) await end(tx, auth, found.grantId, 'the program signed out')
  })
}

/** A person ends what they gave. */
export async function shutOut({ db, clock }: AuthContext, actor: Actor, grantId: string): Promise<void> {
  await db.transaction(async (tx) => {
    if (!(await rows.revokeGrant(tx, grantId, actor.principal.personId, clock.now()))) return
    await appendAudit(tx, clock, { ...actor, action: 'program shut out', subject: `grant/${grantId}`, details: {} })
  })
}

/** Whom a token acts for at the MCP address, and with which scopes (null: all). Undefined: it is none, no more, or for another address. */
export async function mcpBearer(
  auth: AuthContext,
  token: string,
  isOurs: (resource: string) => boolean,
): Promise<{ principal: Principal; scopes: string[] | null } | undefined> {
  const { db, clock } = auth
  if (!token.startsWith('fla_')) return tokenBearer(auth, token)
  const grant = await rows.findAccess(db, hashSecret(token), clock.now())
  if (grant === undefined || !isOurs(grant.resource)) return undefined
  await rows.touchGrant(db, grant.id, clock.now())
  const principal: Principal = {
    id: grant.id,
    kind: 'token',
    name: `${grant.userName} (through ${grant.clientName})`,
    role: lowerRole(grant.role, grant.userRole),
    personId: grant.userId,
    mayApprove: false,
  }
  return { principal, scopes: grant.scopes }
}
