/** The OAuth dance without a browser: a client's store for either SDK, the button of the consent page pressed by the test. */
import { createHash, randomBytes } from 'node:crypto'
import type { Asked, Site, Visitor } from './site.ts'

/** As both SDKs want it; what they keep is kept here. */
export class ClientStore {
  readonly redirectUrl = 'http://127.0.0.1:49152/callback'
  readonly clientMetadata = {
    client_name: 'An <b>IDE</b>',
    redirect_uris: [this.redirectUrl],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  }
  sentTo: URL | null = null
  kept: {
    client?: unknown
    tokens?: { access_token: string; refresh_token?: string; scope?: string }
    verifier?: string
    discovery?: unknown
  } = {}
  state = (): string => 'a state & more'
  clientInformation = (): never => this.kept.client as never
  saveClientInformation = (client: unknown): void => void (this.kept.client = client)
  tokens = (): never => this.kept.tokens as never
  saveTokens = (tokens: unknown): void => void (this.kept.tokens = tokens as never)
  redirectToAuthorization = (url: URL): void => void (this.sentTo = url)
  saveCodeVerifier = (verifier: string): void => void (this.kept.verifier = verifier)
  codeVerifier = (): string => this.kept.verifier ?? ''
  saveDiscoveryState = (state: unknown): void => void (this.kept.discovery = state)
  discoveryState = (): never => this.kept.discovery as never
  invalidateCredentials = (which: string): void => {
    if (which === 'all' || which === 'tokens') delete this.kept.tokens
  }
}

export const hiddenFields = (page: string): Record<string, string> =>
  Object.fromEntries(
    [...page.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)">/g)].map(([, name = '', value = '']) => [
      name,
      unescaped(value),
    ]),
  )
const unescaped = (text: string): string =>
  text.replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')

/** Opens the page that a client was sent to, and presses its button; answers where the browser then goes. */
export async function consent(
  site: Site,
  to: URL,
  as: Visitor,
  { answer = 'allow', give }: { answer?: string; give?: string[] } = {},
): Promise<{ page: string; location: URL }> {
  const headers = { host: to.host }
  const shown = await site.ask(to.pathname + to.search, { as, headers })
  const page = await shown.text()
  const offered = [...page.matchAll(/name="give" value="([^"]+)"/g)].map(([, scope = '']) => scope)
  const form: NonNullable<Asked['form']> = { ...hiddenFields(page), answer, give: give ?? offered }
  const answered = await site.ask('/oauth/authorize', { as, form, headers })
  if (answered.status !== 303) throw new Error(`consent answered ${answered.status}: ${await answered.text()}`)
  return { page, location: new URL(answered.headers.get('location') ?? '') }
}

export const pkce = (): { verifier: string; challenge: string } => {
  const verifier = randomBytes(32).toString('base64url')
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') }
}

export const post = (site: Site, path: string, fields: Record<string, string>): Promise<Response> =>
  site.ask(path, { form: fields, csrf: null })

export async function register(site: Site, redirect = 'https://ide.example/callback', name = 'Test'): Promise<string> {
  const answer = await site.ask('/oauth/register', { json: { redirect_uris: [redirect], client_name: name } })
  return ((await answer.json()) as { client_id: string }).client_id
}

export type Flow = { clientId: string; redirect: string; verifier: string; code: string; asked: URLSearchParams }
/** Registered, asked and let in: up to the code. */
export async function letIn(
  site: Site,
  as: Visitor,
  given: { scope?: string; resource?: string; redirect?: string; clientId?: string } = {},
): Promise<Flow> {
  const redirect = given.redirect ?? 'https://ide.example/callback'
  const clientId = given.clientId ?? (await register(site, redirect))
  const { verifier, challenge } = pkce()
  const asked = new URLSearchParams({
    client_id: clientId,
    redirect_uri: redirect,
    response_type: 'code',
    code_challenge: challenge,
    code_challenge_method: 'S256',
    state: 's',
    ...(given.scope === undefined ? {} : { scope: given.scope }),
    ...(given.resource === undefined ? {} : { resource: given.resource }),
  })
  const { location } = await consent(site, new URL(`http://localhost/oauth/authorize?${asked}`), as)
  return { clientId, redirect, verifier, code: location.searchParams.get('code') ?? '', asked }
}

export type Tokens = { access_token: string; refresh_token: string; expires_in: number; scope: string; error?: string }
export const redeem = (site: Site, { clientId, redirect, verifier, code }: Flow, other: Record<string, string> = {}): Promise<Response> =>
  post(site, '/oauth/token', {
    grant_type: 'authorization_code',
    client_id: clientId,
    redirect_uri: redirect,
    code_verifier: verifier,
    code,
    ...other,
  })
export const signIn = async (site: Site, as: Visitor, scope?: string): Promise<Tokens & { clientId: string }> => {
  const flow = await letIn(site, as, scope === undefined ? {} : { scope })
  return { ...((await (await redeem(site, flow)).json()) as Tokens), clientId: flow.clientId }
}
