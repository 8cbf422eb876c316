/** How people and sources reach this server: the public URL if one is configured, else loopback by name (passkeys need a name). */
import type { Falconer } from './falconer.ts'
import type { AppContext } from './who.ts'

const listening = new WeakMap<Falconer, number>()
/** The port really listened on, once known. */
export const notePort = (falconer: Falconer, port: number): void => {
  listening.set(falconer, port)
}

export function baseUrl(falconer: Falconer): string {
  const { FALCONER_PUBLIC_URL, FALCONER_HOST, FALCONER_PORT } = falconer.config
  if (FALCONER_PUBLIC_URL !== undefined) return FALCONER_PUBLIC_URL.replace(/\/$/, '')
  const host =
    FALCONER_HOST === '127.0.0.1' || FALCONER_HOST === '0.0.0.0' || FALCONER_HOST === '::' || FALCONER_HOST === '::1'
      ? 'localhost'
      : FALCONER_HOST
  return `http://${host}:${listening.get(falconer) ?? FALCONER_PORT}`
}

/** Every origin that is this server: the public one, or without it each name we answer to at the port we listen on. */
export function ownOrigins(falconer: Falconer): Set<string> {
  const base = new URL(baseUrl(falconer))
  if (falconer.config.FALCONER_PUBLIC_URL !== undefined) return new Set([base.origin])
  const names = [...allowedHosts(falconer)].map((name) => (name.includes(':') && !name.startsWith('[') ? `[${name}]` : name))
  return new Set(names.map((name) => new URL(`http://${name}:${base.port || 80}`).origin))
}

/** Host names this server answers to. Anything else is a rebinding attempt or a mistake, and is refused. */
export function allowedHosts(falconer: Falconer): Set<string> {
  const { FALCONER_PUBLIC_URL, FALCONER_HOST, FALCONER_ALLOWED_HOSTS } = falconer.config
  return new Set(
    [
      'localhost',
      '127.0.0.1',
      '[::1]',
      FALCONER_HOST,
      ...FALCONER_ALLOWED_HOSTS,
      ...(FALCONER_PUBLIC_URL === undefined ? [] : [new URL(FALCONER_PUBLIC_URL).hostname]),
    ].map((host) => host.toLowerCase()),
  )
}

export const linkUrl = (falconer: Falconer, token: string): string => `${baseUrl(falconer)}/sign-in/${token}`

/** A passkey belongs to the origin the browser shows; the Host was checked already. */
export const siteOf = (falconer: Falconer, context: AppContext): { origin: string } => ({
  origin: falconer.config.FALCONER_PUBLIC_URL === undefined ? `http://${context.req.header('host')}` : new URL(baseUrl(falconer)).origin,
})

/** Where to go after signing in: only a path of ours, never another site. */
export const safeNext = (next: string | undefined): string =>
  next !== undefined && /^\/(?![/\\])[\w/=&.-]*(?:\?[\w/?=&.%+~:-]*)?$/.test(next) ? next : '/'
