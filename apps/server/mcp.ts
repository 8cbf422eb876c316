/**
 * MCP over HTTP: one address for clients of both generations. Who may ask is told by a bearer token made for this server, never by a browser's cookie;
 * Host and Origin were checked at the front door. What a reader has is decided before their request is looked at.
 */
import { type AuthInfo, bearerAuthChallengeResponse, OAuthError, OAuthErrorCode, verifyBearerToken } from '@modelcontextprotocol/server'
import { Hono } from 'hono'
import { companyIssuer, type Verify } from '../../auth/company-issuer.ts'
import { mcpBearer } from '../../auth/oauth-tokens.ts'
import { InputError } from '../../domain/errors.ts'
import { tools } from '../../tools/catalog/registry.generated.ts'
import { type Choice, proposeScope, scopeOf, scopesFor } from '../../tools/server.ts'
import { type Toolset, toolsets } from '../../tools/tool.ts'
import type { Falconer } from './falconer.ts'
import { type Reader, readerOf, serverFor } from './mcp-reader.ts'
import { bodyOf, McpServing } from './mcp-serving.ts'
import { mcpScopes, oauthSite, resourceMetadataUrl } from './oauth-site.ts'
import { Buckets } from './rate.ts'
import { baseUrl } from './urls.ts'
import type { AppContext } from './who.ts'

export { serverFor }

export function mcpRoutes(falconer: Falconer): Hono {
  const serving = new McpServing(falconer)
  const buckets = new Buckets(falconer.config.FALCONER_MCP_PER_MINUTE, falconer.config.FALCONER_MCP_BURST)
  const company = companyOf(falconer)
  const routes = new Hono()
  routes.all('/', async (given) => {
    const context = given as unknown as AppContext
    const auth = await authorised(context, falconer, company)
    if (auth instanceof Response) return auth
    const wait = context.env?.local === undefined ? buckets.take(auth.clientId) : 0
    if (wait > 0) return tooFast(wait)
    const mayStill = async (): Promise<boolean> => !((await authorised(context, falconer, company)) instanceof Response)
    const [request, body] = [context.req.raw, await bodyOf(context.req.raw)]
    return outOfScope(body, auth) ?? serving.answer({ request, body, auth, mayStill })
  })
  return routes
}

async function authorised(context: AppContext, falconer: Falconer, company: Verify | null): Promise<AuthInfo | Response> {
  const choice = choiceOf(context.req.query())
  const local = context.env?.local
  if (local !== undefined) return authInfo({ ...local, choice })
  const site = oauthSite(falconer, context.req.header('host'))
  const verifyAccessToken = async (token: string): Promise<AuthInfo> => {
    const bearer = (await mcpBearer(falconer.auth, token, site.isOurs)) ?? (await company?.(token))
    if (bearer === undefined)
      throw new OAuthError(OAuthErrorCode.InvalidToken, 'The token is unknown, revoked, expired, or not for this server.')
    const { principal, scopes } = bearer
    return authInfo({ principal, channel: 'mcp', choice: scopes === null ? choice : { ...choice, scopes } })
  }
  const asked = { resourceMetadataUrl: resourceMetadataUrl(site) }
  try {
    return await verifyBearerToken(context.req.header('authorization'), { verifier: { verifyAccessToken }, ...asked })
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error
    return bearerAuthChallengeResponse(error, { ...asked, requiredScopes: scopesOf(choice) })
  }
}

/** Null: the company has no issuer of its own, or we were not told. */
function companyOf(falconer: Falconer): Verify | null {
  const { FALCONER_OIDC_ISSUER: issuer, FALCONER_OIDC_AUDIENCE: audience, FALCONER_OIDC_USER_CLAIM: userClaim } = falconer.config
  if (issuer === undefined) return null
  return companyIssuer(falconer.auth, { issuer, audience: audience ?? `${baseUrl(falconer)}/mcp`, userClaim, scopes: mcpScopes })
}

/** What to ask a person for, to have all that this address was opened for. */
const scopesOf = ({ toolsets: named, readOnly }: Choice): string[] => [
  ...(named ?? toolsets).map(scopeOf),
  ...(readOnly === true ? [] : [proposeScope]),
]

/** Nothing behind this has the token itself. */
const authInfo = (reader: Reader): AuthInfo => ({
  token: '',
  clientId: reader.principal.id,
  scopes: [...(reader.choice.scopes ?? [])],
  // Looked up again with every request.
  expiresAt: Number.MAX_SAFE_INTEGER,
  extra: { reader },
})

const tooFast = (wait: number): Response =>
  Response.json(
    { type: 'about:blank', title: 'Too fast', status: 429, code: 'rate', detail: `This token asks too often. Wait ${wait} s.` },
    { status: 429, headers: { 'content-type': 'application/problem+json', 'retry-after': String(wait) } },
  )

/** A tool that a token's scopes leave out does not exist in its server; a client that knows of it is told which scopes to ask a person for. */
function outOfScope(body: unknown, auth: AuthInfo): Response | undefined {
  const held = readerOf(auth).choice.scopes
  if (held === undefined) return undefined
  const called = [body].flat().map(toolCalled)
  const missing = tools
    .filter(({ name }) => called.includes(name))
    .flatMap(scopesFor)
    .filter((scope) => !held.includes(scope))
  if (missing.length === 0) return undefined
  const error = new OAuthError(OAuthErrorCode.InsufficientScope, 'The token does not have the scope for this tool.')
  const { resourceMetadataUrl: metadata } = auth
  return bearerAuthChallengeResponse(error, {
    ...(metadata === undefined ? {} : { resourceMetadataUrl: metadata }),
    requiredScopes: [...new Set([...held, ...missing])],
  })
}
function toolCalled(message: unknown): unknown {
  const { method, params } = (message ?? {}) as { method?: unknown; params?: { name?: unknown } }
  return method === 'tools/call' ? params?.name : undefined
}

/** `?toolsets=graph,alerts&readonly=true`. Throws InputError. */
export function choiceOf({ toolsets: given, readonly }: Record<string, string>): Choice {
  const named = given?.split(',').filter((name) => name !== '')
  const unknown = named?.find((name) => !(toolsets as readonly string[]).includes(name))
  if (unknown !== undefined) throw new InputError(`There is no toolset “${unknown}”. There are: ${toolsets.join(', ')}.`)
  return { ...(named === undefined ? {} : { toolsets: named as Toolset[] }), readOnly: readonly !== undefined && readonly !== 'false' }
}
