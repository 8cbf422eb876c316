/**
 * What a program asks a person for, and what the person answers. A request that is not right is told to the person and goes nowhere: nobody is sent to an
 * address before they have pressed a button. Only a signed-in person answers; what they give is at most their own role, and never approval.
 */
import { InputError } from '../domain/errors.ts'
import { appendAudit } from '../store/audit.ts'
import * as rows from '../store/oauth.ts'
import { commandLine, commandLineScope, findClient, isRegistered, type OAuthSite } from './oauth-clients.ts'
import { type Actor, type AuthContext, onlyPeople } from './people.ts'
import { hashSecret, newSecret } from './secrets.ts'

export type Request = {
  client: rows.OAuthClient
  redirectUri: string
  state: string | null
  scopes: string[]
  challenge: string
  resource: string
}
type Get = (name: string) => string | null

const codeSeconds = 60
const grantDays = 90

/** Throws InputError, in words for whoever sits before the page. */
export async function readRequest(auth: AuthContext, site: OAuthSite, get: Get): Promise<Request> {
  const client = await findClient(auth, get('client_id') ?? '')
  if (client === undefined)
    throw new InputError('The program that sent you here is not registered (any more). Let it sign in again from the start.')
  const redirectUri = get('redirect_uri') ?? ''
  if (!isRegistered(client, redirectUri)) throw new InputError('The program wants the answer at an address that it has not registered.')
  if (get('response_type') !== 'code') throw new InputError('The program must ask for response_type=code.')
  const challenge = get('code_challenge') ?? ''
  if (get('code_challenge_method') !== 'S256' || !/^[\w-]{43}$/.test(challenge))
    throw new InputError('The program must prove itself with PKCE: a code_challenge with the method S256.')
  const state = get('state')
  if (state !== null && !/^[\x20-\x7e]{0,2000}$/.test(state)) throw new InputError('The program’s state is too long or not plain text.')
  return { client, redirectUri, state, challenge, ...wanted(site, client, get('resource'), get('scope')) }
}

function wanted(
  site: OAuthSite,
  client: rows.OAuthClient,
  resource: string | null,
  scope: string | null,
): Pick<Request, 'resource' | 'scopes'> {
  if (client.id === commandLine.id) return { resource: `${site.issuer}/api/v1`, scopes: [commandLineScope] }
  if (resource !== null && !site.isOurs(resource)) throw new InputError('The program asks for a token for another server than this one.')
  // What a client adds by habit, to be given a refresh token: it is given one anyway.
  const named = [...new Set((scope ?? '').split(' '))].filter((one) => one !== '' && one !== 'offline_access')
  const unknown = named.some((one) => !site.scopes.includes(one))
  if (unknown) throw new InputError(`The program asks for what there is not. There is: ${site.scopes.join(' ')}.`)
  return { resource: resource ?? `${site.issuer}/mcp`, scopes: named.length === 0 ? [...site.defaultScopes] : named }
}

/** Where the answer goes: the registered address with what OAuth adds to it. */
export function answerAt(site: OAuthSite, request: Request, answer: Record<string, string>): string {
  const url = new URL(request.redirectUri)
  for (const [name, value] of Object.entries({ ...answer, ...(request.state === null ? {} : { state: request.state }), iss: site.issuer }))
    url.searchParams.set(name, value)
  return url.href
}

/** The person lets the program in, with these of the scopes it asked for; answers the code. Throws InputError, DeniedError `person_only`. */
export async function letIn({ db, clock }: AuthContext, actor: Actor, request: Request, scopes: readonly string[]): Promise<string> {
  onlyPeople(actor, 'let a program in')
  const given = request.scopes.filter((one) => scopes.includes(one))
  if (given.length === 0) throw new InputError('Choose at least one thing the program may do, or refuse it.')
  const now = clock.now()
  const code = newSecret('flg_')
  await db.transaction(async (tx) => {
    const grantId = await rows.insertGrant(tx, {
      clientId: request.client.id,
      clientName: request.client.name,
      userId: actor.principal.personId,
      role: actor.principal.role,
      scopes: given,
      resource: request.resource,
      at: now,
      expiresAt: new Date(now.getTime() + grantDays * 86_400_000),
    })
    const expiresAt = new Date(now.getTime() + codeSeconds * 1_000)
    await rows.insertCode(tx, hashSecret(code), { grantId, redirectUri: request.redirectUri, challenge: request.challenge, expiresAt })
    await appendAudit(tx, clock, {
      ...actor,
      action: 'program let in',
      subject: `grant/${grantId}`,
      details: { client: request.client.name, scopes: given, resource: request.resource, redirectHost: new URL(request.redirectUri).host },
    })
  })
  return code
}
