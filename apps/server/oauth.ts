/**
 * What programs ask of the authorisation server: what there is (RFC 9728, RFC 8414), to be registered (RFC 7591), tokens, and their end (RFC 7009).
 * All of it is open to anybody and none of it looks at a cookie; the consent of a person is a page (apps/web/routes/let-in.ts).
 */
import { type Context, Hono } from 'hono'
import { OAuthRefusal, registerClient } from '../../auth/oauth-clients.ts'
import { endToken, exchange } from '../../auth/oauth-tokens.ts'
import type { Falconer } from './falconer.ts'
import { mcpScopes, oauthSite } from './oauth-site.ts'
import { Buckets } from './rate.ts'
import { readJson } from './read-json.ts'

/** Registrations a minute, of everybody together, and at once. */
const registrations = { perMinute: 30, atOnce: 30 }

export function oauthRoutes(falconer: Falconer): Hono {
  const routes = new Hono()
  const here = (context: Context) => oauthSite(falconer, context.req.header('host'))
  for (const path of ['/.well-known/oauth-protected-resource/mcp', '/.well-known/oauth-protected-resource'])
    routes.get(path, (context) => {
      const { issuer, resource } = here(context)
      return context.json({
        resource,
        authorization_servers: [issuer, falconer.config.FALCONER_OIDC_ISSUER].filter((one) => one !== undefined),
        scopes_supported: mcpScopes,
        bearer_methods_supported: ['header'],
        resource_name: 'Falconer',
      })
    })
  routes.get('/.well-known/oauth-authorization-server', (context) => context.json(serverMetadata(here(context).issuer)))
  const buckets = new Buckets(registrations.perMinute, registrations.atOnce)
  routes.post('/oauth/register', (context) =>
    answered(context, async () => {
      const wait = buckets.take('all')
      if (wait > 0) return context.json({ error: 'temporarily_unavailable' }, 429, { 'retry-after': String(wait) })
      const client = await registerClient(falconer.auth, readJson(await context.req.text()))
      const { id: client_id, name: client_name, redirectUris: redirect_uris } = client
      const client_id_issued_at = Math.floor(falconer.clock.now().getTime() / 1_000)
      return context.json({ client_id, client_id_issued_at, client_name, redirect_uris, ...publicClient }, 201)
    }),
  )
  routes.post('/oauth/token', (context) =>
    answered(context, async () => context.json(await exchange(falconer.auth, await fieldsOf(context)), 200, { pragma: 'no-cache' })),
  )
  routes.post('/oauth/revoke', (context) =>
    answered(context, async () => {
      await endToken(falconer.auth, await fieldsOf(context))
      falconer.changed('people')
      return context.body(null, 200)
    }),
  )
  return routes
}

/** A program on somebody's machine keeps no secret: PKCE is its proof. */
const publicClient = { token_endpoint_auth_method: 'none', grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'] }

const serverMetadata = (issuer: string) => ({
  issuer,
  authorization_endpoint: `${issuer}/oauth/authorize`,
  token_endpoint: `${issuer}/oauth/token`,
  registration_endpoint: `${issuer}/oauth/register`,
  revocation_endpoint: `${issuer}/oauth/revoke`,
  scopes_supported: mcpScopes,
  response_types_supported: publicClient.response_types,
  response_modes_supported: ['query'],
  grant_types_supported: publicClient.grant_types,
  token_endpoint_auth_methods_supported: ['none'],
  revocation_endpoint_auth_methods_supported: ['none'],
  code_challenge_methods_supported: ['S256'],
  authorization_response_iss_parameter_supported: true,
})

async function answered(context: Context, work: () => Promise<Response>): Promise<Response> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof OAuthRefusal)) throw error
    return context.json({ error: error.error, error_description: error.message }, error.status as 400)
  }
}

/** The fields of a form, each at most once and without NUL. Throws OAuthRefusal. */
async function fieldsOf(context: Context): Promise<(name: string) => string | null> {
  const fields = new URLSearchParams(await context.req.text())
  const names = [...fields.keys()]
  if (new Set(names).size !== names.length || [...fields.values()].some((value) => value.includes('\0')))
    throw new OAuthRefusal('invalid_request', 'Each field is given once, as a form.')
  return (name) => fields.get(name)
}
