/**
 * MCP over HTTP: one address for clients of both generations. Who may ask is told by a bearer token made for this server, never by a browser's cookie;
 * Host and Origin were checked at the front door. What a reader has is decided before their request is looked at.
 */
import {
  type AuthInfo,
  createMcpHandler,
  type McpHttpHandler,
  OAuthError,
  OAuthErrorCode,
  requireBearerAuth,
} from '@modelcontextprotocol/server'
import { Hono } from 'hono'
import { tokenPrincipal } from '../../auth/people.ts'
import { InputError } from '../../domain/errors.ts'
import type { Channel, Principal } from '../../domain/principal.ts'
import { buildServer, type Choice } from '../../tools/server.ts'
import { type Toolset, toolsets } from '../../tools/tool.ts'
import type { Falconer } from './falconer.ts'
import { baseUrl } from './urls.ts'
import { version } from '../../config/version.ts'
import type { AppContext } from './who.ts'

type Reader = { principal: Principal; channel: Channel; choice: Choice }
const readerOf = (auth: AuthInfo | undefined): Reader => auth?.extra?.reader as Reader

export function mcpRoutes(falconer: Falconer): Hono {
  const handler = mcpHandler(falconer)
  const routes = new Hono()
  routes.all('/', async (given) => {
    const context = given as unknown as AppContext
    const auth = await authorised(context, falconer)
    if (auth instanceof Response) return auth
    return handler.fetch(context.req.raw, { authInfo: auth })
  })
  return routes
}

function mcpHandler(falconer: Falconer): McpHttpHandler {
  return createMcpHandler(({ authInfo }) => serverFor(falconer, readerOf(authInfo)), {
    onerror: (error) => falconer.log.debug('mcp request refused', { error: error.message }),
  })
}

/** A server for one reader: a request over HTTP, a connection over stdio. */
export function serverFor(falconer: Falconer, { principal, channel, choice }: Reader) {
  const { db, clock, graph, responses, log } = falconer
  return buildServer({
    context: { db, clock, graph, principal, channel, responses, pages: baseUrl(falconer), changed: (kind) => falconer.changed(kind) },
    choice,
    version,
    failed: (tool, error) => log.error('tool failed', { tool, error }),
  })
}

async function authorised(context: AppContext, falconer: Falconer): Promise<AuthInfo | Response> {
  const choice = choiceOf(context.req.query())
  const local = context.env?.local
  if (local !== undefined) return authInfo('', { ...local, choice })
  const verified = requireBearerAuth({
    verifier: {
      verifyAccessToken: async (token) => {
        const principal = await tokenPrincipal(falconer.auth, token)
        if (principal === undefined) throw new OAuthError(OAuthErrorCode.InvalidToken, 'The token is unknown, revoked or expired.')
        return authInfo(token, { principal, channel: 'mcp', choice })
      },
    },
  })
  return verified(context.req.raw)
}

const authInfo = (token: string, reader: Reader): AuthInfo => ({
  token,
  clientId: reader.principal.id,
  scopes: [],
  // Looked up again with every request.
  expiresAt: Number.MAX_SAFE_INTEGER,
  extra: { reader },
})

/** `?toolsets=graph,alerts&readonly=true`. Throws InputError. */
export function choiceOf({ toolsets: given, readonly }: Record<string, string>): Choice {
  const named = given?.split(',').filter((name) => name !== '')
  const unknown = named?.find((name) => !(toolsets as readonly string[]).includes(name))
  if (unknown !== undefined) throw new InputError(`There is no toolset “${unknown}”. There are: ${toolsets.join(', ')}.`)
  return { ...(named === undefined ? {} : { toolsets: named as Toolset[] }), readOnly: readonly !== undefined && readonly !== 'false' }
}
