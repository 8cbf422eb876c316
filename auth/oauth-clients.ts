/**
 * Programs that ask people to be let in (OAuth 2.1 public clients, RFC 7591). Anybody may register one: it is worth nothing until a person consents, and its
 * name is text of a stranger. An answer goes only to a registered address: https, or this machine's loopback at any port.
 */
import { z } from 'zod'
import { FalconerError } from '../domain/errors.ts'
import { newId } from '../domain/ids.ts'
import { visible } from '../domain/untrusted.ts'
import * as rows from '../store/oauth.ts'
import type { AuthContext } from './people.ts'

/** Our authorisation server, as whoever asks reaches it. */
export type OAuthSite = {
  issuer: string
  /** Whether this is our MCP address, by any name of ours. */ isOurs(resource: string): boolean
  scopes: readonly string[]
  /** Asked for by a client that names none. */ defaultScopes: readonly string[]
}

/** Told to a program, in the words of OAuth. */
export class OAuthRefusal extends FalconerError {
  readonly error: string
  readonly status: number
  constructor(error: string, message: string, status = 400) {
    super('oauth', message)
    this.error = error
    this.status = status
  }
}

/** `falconer login`: what it is given is an API token, seen and revoked on the account page like any other. */
export const commandLine: rows.OAuthClient = {
  id: 'falconer-cli',
  name: 'falconer command line',
  redirectUris: ['http://127.0.0.1/callback'],
}
export const commandLineScope = 'falconer:command-line'

/** Clients that nobody has let in yet, at most. They are forgotten after a day. */
const mostUnused = 500

const Registration = z.object({
  redirect_uris: z.array(z.string().max(500)).min(1).max(10),
  client_name: z.string().max(200).optional(),
  grant_types: z.array(z.string()).max(10).optional(),
  response_types: z.array(z.string()).max(10).optional(),
})

/** Throws OAuthRefusal. */
export async function registerClient({ db, clock }: AuthContext, body: unknown): Promise<rows.OAuthClient> {
  const given = Registration.safeParse(body)
  if (!given.success) throw new OAuthRefusal('invalid_client_metadata', 'A client has 1 to 10 redirect_uris and a short client_name.')
  const { redirect_uris: redirectUris, client_name: name, grant_types: grants, response_types: responses } = given.data
  const bad = redirectUris.find((uri) => !mayRedirect(uri))
  if (bad !== undefined)
    throw new OAuthRefusal('invalid_redirect_uri', 'A redirect URI is https://…, or http:// on 127.0.0.1, [::1] or localhost; no fragment.')
  if (grants !== undefined && !grants.includes('authorization_code'))
    throw new OAuthRefusal('invalid_client_metadata', 'grant_types must hold authorization_code.')
  if (responses !== undefined && !responses.includes('code'))
    throw new OAuthRefusal('invalid_client_metadata', 'response_types must hold code.')
  const client = { id: `mcp-${newId()}`, name: visible(name?.trim() || 'A program without a name', 80), redirectUris }
  if (!(await rows.insertClient(db, client, clock.now(), mostUnused)))
    throw new OAuthRefusal('temporarily_unavailable', 'Too many clients have registered that nobody has let in. Try again later.', 503)
  return client
}

export const findClient = async ({ db }: AuthContext, id: string): Promise<rows.OAuthClient | undefined> =>
  id === commandLine.id ? commandLine : rows.getClient(db, id)

/** Whether an answer may go to `asked`: exactly a registered address, but for the port on loopback, which a program takes as it finds it free. */
export const isRegistered = (client: rows.OAuthClient, asked: string): boolean =>
  mayRedirect(asked) &&
  client.redirectUris.some((uri) => uri === asked || (isLoopback(uri) && isLoopback(asked) && noPort(uri) === noPort(asked)))

const loopback = /^http:\/\/(?:127\.0\.0\.1|\[::1\]|localhost)(?::\d{1,5})?(?=[/?]|$)/
const isLoopback = (uri: string): boolean => loopback.test(uri)
const noPort = (uri: string): string => uri.replace(/^(http:\/\/(?:\[::1\]|[^/:?]+)):\d{1,5}/, '$1')

function mayRedirect(uri: string): boolean {
  if (!/^[\x21-\x7e]+$/.test(uri) || /[#\\]/.test(uri) || !URL.canParse(uri)) return false
  const url = new URL(uri)
  if (url.username !== '' || url.password !== '') return false
  return (url.protocol === 'https:' && uri.startsWith('https://')) || isLoopback(uri)
}
