/**
 * Who is asking: a principal handed over in this process (the command line), a bearer token, or a browser's session cookie.
 * A cookie alone changes nothing: a change also needs the session's CSRF token and an origin of ours.
 */
import { timingSafeEqual } from 'node:crypto'
import type { Context } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import { sessionOf, tokenPrincipal } from '../../auth/people.ts'
import { DeniedError, FalconerError } from '../../domain/errors.ts'
import { type Channel, type Permission, permissions, type Principal, roleAtLeast } from '../../domain/principal.ts'
import type { Falconer } from './falconer.ts'

export type Who = { principal: Principal; channel: Channel; csrf: string | null; sessionToken: string | null }
/** Given by apps that call the server's own fetch in this process; a request over the network cannot set it. */
export type Bindings = { local?: { principal: Principal; channel: Channel } }
export type AppContext = Context<{ Bindings: Bindings; Variables: { who: Who | null } }>

/** Nobody is signed in, or not well enough: HTTP 401. */
export class SignInError extends FalconerError {
  constructor(message: string) {
    super('sign_in', message)
  }
}

const cookieName = (secure: boolean): string => (secure ? '__Host-falconer' : 'falconer_session')
export const isSecure = (falconer: Falconer): boolean => falconer.config.FALCONER_PUBLIC_URL?.startsWith('https://') === true

/** `looking`: an open page that only asks whether it may stay does not keep its session from going idle. */
export async function whoAsks(context: AppContext, falconer: Falconer, { looking = false } = {}): Promise<Who | null> {
  const local = context.env?.local
  if (local !== undefined) return { ...local, csrf: null, sessionToken: null }
  const bearer = /^Bearer\s+(\S+)$/i.exec(context.req.header('authorization') ?? '')?.[1]
  if (bearer !== undefined) {
    const principal = await tokenPrincipal(falconer.auth, bearer)
    return principal === undefined ? null : { principal, channel: 'api', csrf: null, sessionToken: null }
  }
  const token = getCookie(context, cookieName(isSecure(falconer)))
  if (token === undefined) return null
  const session = await sessionOf(falconer.auth, token, { touch: !looking })
  return session === undefined ? null : { principal: session.principal, channel: 'web', csrf: session.csrf, sessionToken: token }
}

/** Throws SignInError or DeniedError unless this permission is held. */
export function permit<T extends Pick<Who, 'principal'>>(who: T | null, permission: Permission): T | null {
  const needed = permissions[permission]
  if (needed === null) return who
  if (who === null) throw new SignInError('Sign in first: open a sign-in link, use a passkey, or send an API token.')
  if (!roleAtLeast(who.principal.role, needed))
    throw new DeniedError('entitlement', `This needs the role ${needed}; yours is ${who.principal.role}.`)
  return who
}

/** Throws DeniedError `csrf` when a session's request does not carry its token. Tokens and local callers need none. */
export function checkCsrf(who: Who | null, given: string | undefined): void {
  if (who?.csrf == null) return
  const a = Buffer.from(who.csrf)
  const b = Buffer.from(given ?? '')
  if (a.length !== b.length || !timingSafeEqual(a, b))
    throw new DeniedError('csrf', 'This request did not come from Falconer’s own page. Reload the page and try again.')
}

export function setSession(context: AppContext, falconer: Falconer, session: { token: string; expiresAt: Date }): void {
  setCookie(context, cookieName(isSecure(falconer)), session.token, {
    httpOnly: true,
    sameSite: 'Lax',
    path: '/',
    secure: isSecure(falconer),
    expires: session.expiresAt,
  })
}
export const clearSession = (context: AppContext, falconer: Falconer): void => {
  deleteCookie(context, cookieName(isSecure(falconer)), { path: '/', secure: isSecure(falconer) })
}
