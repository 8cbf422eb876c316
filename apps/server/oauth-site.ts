/** The addresses and scopes of our authorisation server, told as whoever asks reaches us: a client refuses metadata that names another address than it called. */
import type { OAuthSite } from '../../auth/oauth-clients.ts'
import { proposeScope, scopeOf } from '../../tools/server.ts'
import { type Toolset, toolsets } from '../../tools/tool.ts'
import type { Falconer } from './falconer.ts'
import { baseUrl, ownOrigins } from './urls.ts'

const toolsetWords: Record<Toolset, string> = {
  incidents: 'read incidents, their timelines and reports',
  alerts: 'read alerts and what processes did',
  posture: 'read findings: vulnerabilities, misconfigurations, what to fix first',
  graph: 'read the inventory and the security graph: what reaches what',
  rules: 'read Falco’s rules, and what is and is not observed',
  respond: 'read runbooks, possible responses and proposals',
}
/** Each scope in words for whoever is asked to give it. */
export const scopeWords: ReadonlyMap<string, string> = new Map([
  ...toolsets.map((one): [string, string] => [scopeOf(one), toolsetWords[one]]),
  [proposeScope, 'propose responses and notes under your name; a person still approves them on the page'],
])
export const mcpScopes: readonly string[] = [...scopeWords.keys()]

export function oauthSite(falconer: Falconer, host: string | undefined): OAuthSite & { resource: string } {
  const own = ownOrigins(falconer)
  const asked = `http://${(host ?? '').toLowerCase()}`
  const issuer = own.has(asked) ? asked : baseUrl(falconer)
  return {
    issuer,
    resource: `${issuer}/mcp`,
    isOurs: (resource) => [...own].some((origin) => resource.replace(/\/$/, '') === `${origin}/mcp`),
    scopes: mcpScopes,
    defaultScopes: mcpScopes.filter((one) => one !== proposeScope),
  }
}
export const resourceMetadataUrl = ({ issuer }: OAuthSite): string => `${issuer}/.well-known/oauth-protected-resource/mcp`
