/**
 * People: who there is, with which role, and how they come in. An invitation or a first start gives a one-time link; using it
 * opens a session. At least one enabled administrator always remains. Every change is audited in its own transaction.
 */
import { randomBytes } from 'node:crypto'
import type { Clock } from '../domain/clock.ts'
import { DeniedError, InputError, NotFoundError } from '../domain/errors.ts'
import { isId } from '../domain/ids.ts'
import { type Channel, type Principal, type Role, roleAtLeast, systemPrincipal } from '../domain/principal.ts'
import { appendAudit } from '../store/audit.ts'
import type { Database, Transaction } from '../store/database.ts'
import * as credentials from '../store/credentials.ts'
import * as rows from '../store/people.ts'
import { getSetting, setSetting } from '../store/settings.ts'
import { hashSecret, newSecret } from './secrets.ts'

export type AuthContext = { db: Database; clock: Clock }
export type Actor = { principal: Principal; channel: Channel }
/** The token of a one-time link; shown once. */
export type Link = { token: string; expiresAt: Date; user: rows.User }

/**
 * Sign-in links, passkeys and tokens are made by people. A token that could make one could turn itself into a person, and
 * approve what it proposed. Throws DeniedError `person_only`.
 */
export function onlyPeople({ principal }: Actor, what: string): void {
  if (principal.kind === 'user' || principal.kind === 'operator' || principal.kind === 'system') return
  throw new DeniedError('person_only', `A token cannot ${what}: it would become a person who may approve. Sign in on the page to do it.`)
}

const hour = 3_600_000
const linkHours = { first: 24, invitation: 72, 'sign-in': 1 } as const
const sessionDays = 14
const idleHours = 72
export const system: Actor = { principal: systemPrincipal, channel: 'system' }

/** Set at the first sign-in and never unset: sessions come and go, but whoever reads the terminal later must get no link. */
const signedInOnce = 'signed_in_once'

/** While nobody has ever signed in: a link for the first administrator, made anew at each start. Undefined afterwards. */
export async function firstAdministratorLink({ db, clock }: AuthContext, name = 'admin'): Promise<Link | undefined> {
  return db.transaction(async (tx) => {
    await rows.lockUsers(tx)
    const users = await rows.listUsers(tx)
    if (users.length > 1 || (await getSetting(tx, signedInOnce)) !== undefined) return undefined
    const user = users[0] ?? (await createUser(tx, clock, system, name, 'administrator', null))
    await rows.closeLinks(tx, user.id, clock.now())
    return makeLink(tx, clock, user, 'first')
  })
}

/** Adds a person and gives their link. Throws InputError for a bad or taken name, DeniedError `person_only`. */
export async function invite({ db, clock }: AuthContext, actor: Actor, name: string, role: Role): Promise<Link> {
  onlyPeople(actor, 'invite people')
  const trimmed = name.trim()
  if (!/^[\p{L}\p{N}][\p{L}\p{N}\p{M} ._@'’-]{0,79}$/u.test(trimmed))
    throw new InputError("A name has 1 to 80 letters, digits, spaces or . _ @ ' - and begins with a letter or digit.")
  if (isId(trimmed)) throw new InputError('A name that is an id would stand for somebody else. Choose another.')
  return db.transaction(async (tx) =>
    makeLink(
      tx,
      clock,
      await createUser(tx, clock, actor, trimmed, role, actor.principal.kind === 'user' ? actor.principal.personId : null),
      'invitation',
    ),
  )
}

/** A fresh link for somebody who lost their device; closes earlier links. */
export async function newLinkFor({ db, clock }: AuthContext, actor: Actor, userId: string): Promise<Link> {
  onlyPeople(actor, 'make a sign-in link')
  return db.transaction(async (tx) => {
    const user = await known(tx, userId)
    if (user.disabledAt !== null) throw new InputError(`${user.name} is disabled. Enable them first.`)
    await rows.closeLinks(tx, user.id, clock.now())
    await appendAudit(tx, clock, { ...actor, action: 'sign-in link made', subject: `user/${user.id}`, details: { name: user.name } })
    return makeLink(tx, clock, user, 'sign-in')
  })
}

async function createUser(
  tx: Transaction,
  clock: Clock,
  actor: Actor,
  name: string,
  role: Role,
  createdBy: string | null,
): Promise<rows.User> {
  const user = await rows.insertUser(tx, { name, role, webauthnHandle: randomBytes(32), createdBy, at: clock.now() })
  if (user === undefined) throw new InputError(`There is already somebody called ${name}.`)
  await appendAudit(tx, clock, { ...actor, action: 'user added', subject: `user/${user.id}`, details: { name, role } })
  return user
}

async function makeLink(tx: Transaction, clock: Clock, user: rows.User, purpose: keyof typeof linkHours): Promise<Link> {
  const token = newSecret('fll_')
  const expiresAt = new Date(clock.now().getTime() + linkHours[purpose] * hour)
  await rows.insertLink(tx, { tokenHash: hashSecret(token), userId: user.id, purpose, at: clock.now(), expiresAt })
  return { token, expiresAt, user }
}

export async function setRole(context: AuthContext, actor: Actor, userId: string, role: Role): Promise<void> {
  await changeUser(context, userId, async (tx, user) => {
    await rows.setUserRole(tx, user.id, role)
    await appendAudit(tx, context.clock, {
      ...actor,
      action: 'user role changed',
      subject: `user/${user.id}`,
      details: { name: user.name, from: user.role, to: role },
    })
  })
}

export async function setDisabled(context: AuthContext, actor: Actor, userId: string, disabled: boolean): Promise<void> {
  await changeUser(context, userId, async (tx, user) => {
    await rows.setUserDisabled(tx, user.id, disabled ? context.clock.now() : null)
    await appendAudit(tx, context.clock, {
      ...actor,
      action: disabled ? 'user disabled' : 'user enabled',
      subject: `user/${user.id}`,
      details: { name: user.name },
    })
  })
}

async function changeUser({ db }: AuthContext, userId: string, change: (tx: Transaction, user: rows.User) => Promise<void>): Promise<void> {
  await db.transaction(async (tx) => {
    await rows.lockUsers(tx)
    const before = (await rows.listUsers(tx)).filter(isAdministrator).length
    await change(tx, await known(tx, userId))
    if (before > 0 && !(await rows.listUsers(tx)).some(isAdministrator))
      throw new DeniedError('last_administrator', 'This is the last administrator. Make somebody else one first.')
  })
}

const isAdministrator = (user: rows.User): boolean => user.role === 'administrator' && user.disabledAt === null

async function known(tx: Transaction, userId: string): Promise<rows.User> {
  const user = await rows.getUser(tx, userId)
  if (user === undefined) throw new NotFoundError('There is no such person.')
  return user
}

export type OpenedSession = { token: string; userId: string; expiresAt: Date }

/** Uses a one-time link. Throws DeniedError `link` when it is unknown, used or expired; it never says which. */
export async function signInWithLink({ db, clock }: AuthContext, token: string, userAgent: string | null): Promise<OpenedSession> {
  const refused = new DeniedError(
    'link',
    'This link was used before, has expired, or never was one. Ask an administrator for a new one, or restart Falconer if nobody has signed in yet.',
  )
  // A guess costs one look-up by hash, no transaction.
  if ((await rows.linkIsOpen(db, hashSecret(token), clock.now())) === undefined) throw refused
  return db.transaction(async (tx) => {
    const used = await rows.useLink(tx, hashSecret(token), clock.now())
    if (used === undefined) throw refused
    return openSession(tx, clock, used.userId, userAgent, `link (${used.purpose})`)
  })
}

/** Opens a session for somebody whose sign-in was proven. */
export async function openSession(
  tx: Transaction,
  clock: Clock,
  userId: string,
  userAgent: string | null,
  how: string,
): Promise<OpenedSession> {
  const user = await known(tx, userId)
  const token = newSecret('')
  const expiresAt = new Date(clock.now().getTime() + sessionDays * 24 * hour)
  await rows.insertSession(tx, { tokenHash: hashSecret(token), userId, csrf: newSecret(''), at: clock.now(), expiresAt, userAgent })
  if ((await getSetting(tx, signedInOnce)) === undefined) await setSetting(tx, signedInOnce, true)
  await appendAudit(tx, clock, {
    principal: userPrincipal(user),
    channel: 'web',
    action: 'signed in',
    subject: `user/${userId}`,
    details: { how },
  })
  return { token, userId, expiresAt }
}

export const userPrincipal = (user: { id: string; name: string; role: Role }): Principal => ({
  id: user.id,
  kind: 'user',
  name: user.name,
  role: user.role,
  personId: user.id,
  mayApprove: true,
})

/** Who this session belongs to, with the role they have now. Being asked counts as use, unless `touch` is false. */
export async function sessionOf(
  { db, clock }: AuthContext,
  token: string,
  { touch = true } = {},
): Promise<{ principal: Principal; csrf: string } | undefined> {
  const now = clock.now()
  const session = await rows.findSession(db, hashSecret(token), now, new Date(now.getTime() - idleHours * hour))
  if (session === undefined) return undefined
  if (touch && now.getTime() - session.lastSeenAt.getTime() > 60_000) await rows.touchSession(db, hashSecret(token), now)
  return { principal: userPrincipal({ id: session.userId, name: session.name, role: session.role }), csrf: session.csrf }
}

export async function signOut({ db, clock }: AuthContext, actor: Actor, token: string): Promise<void> {
  await db.transaction(async (tx) => {
    await rows.deleteSession(tx, hashSecret(token))
    await appendAudit(tx, clock, { ...actor, action: 'signed out', subject: `user/${actor.principal.personId}`, details: {} })
  })
}

/** A token for scripts and the command line: acts for its owner, with no more than its own role, and may never approve. */
export async function createToken(
  { db, clock }: AuthContext,
  actor: Actor,
  given: {
    userId: string
    name: string
    role: Role
    days: number
    /** Only for MCP, and there with these. */ scopes?: string[] | undefined
  },
): Promise<{ token: string; id: string; expiresAt: Date }> {
  onlyPeople(actor, 'make another token')
  if (given.name.trim() === '' || given.name.length > 80) throw new InputError('A token’s name has 1 to 80 characters.')
  return db.transaction(async (tx) => {
    const owner = await known(tx, given.userId)
    if (!roleAtLeast(owner.role, given.role))
      throw new DeniedError('entitlement', `A token cannot have the role ${given.role}: its owner is ${owner.role}.`)
    const token = newSecret('flc_')
    const expiresAt = new Date(clock.now().getTime() + given.days * 24 * hour)
    const id = await credentials.insertToken(tx, {
      userId: owner.id,
      name: given.name.trim(),
      role: given.role,
      scopes: given.scopes ?? null,
      tokenHash: hashSecret(token),
      at: clock.now(),
      expiresAt,
    })
    await appendAudit(tx, clock, {
      ...actor,
      action: 'token made',
      subject: `token/${id}`,
      details: {
        name: given.name,
        role: given.role,
        owner: owner.name,
        expiresAt,
        ...(given.scopes === undefined ? {} : { scopes: given.scopes }),
      },
    })
    return { token, id, expiresAt }
  })
}

export async function revokeToken({ db, clock }: AuthContext, actor: Actor, id: string, ofUser: string | null): Promise<void> {
  await db.transaction(async (tx) => {
    if (!(await credentials.revokeToken(tx, id, ofUser, clock.now())))
      throw new NotFoundError('There is no such token, or it is revoked already.')
    await appendAudit(tx, clock, { ...actor, action: 'token revoked', subject: `token/${id}`, details: {} })
  })
}

/** Whom a token acts for at the API; undefined when it is unknown, revoked or expired, or made for MCP alone. */
export async function tokenPrincipal(context: AuthContext, token: string): Promise<Principal | undefined> {
  const known = await tokenBearer(context, token)
  return known === undefined || known.scopes !== null ? undefined : known.principal
}

/** When a token was last used is kept by the minute: not each request writes. */
const isDue = (lastUsedAt: Date | null, now: Date): boolean => lastUsedAt === null || lastUsedAt.getTime() < now.getTime() - 60_000

/** Whom a token acts for, and with which scopes. Its role never exceeds its owner's role now. */
export async function tokenBearer(
  { db, clock }: AuthContext,
  token: string,
): Promise<{ principal: Principal; scopes: string[] | null } | undefined> {
  const found = await credentials.findToken(db, hashSecret(token), clock.now())
  if (found === undefined) return undefined
  if (isDue(found.lastUsedAt, clock.now())) await credentials.touchToken(db, found.id, clock.now())
  const principal: Principal = {
    id: found.id,
    kind: 'token',
    name: `${found.userName} (token ${found.name})`,
    role: lowerRole(found.role, found.userRole),
    personId: found.userId,
    mayApprove: false,
  }
  return { principal, scopes: found.scopes }
}
export const lowerRole = (one: Role, other: Role): Role => (roleAtLeast(one, other) ? other : one)
