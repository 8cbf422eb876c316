/** Clients of both generations at a Falconer that answers over real HTTP. */
import type { AddressInfo } from 'node:net'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { serve } from '@hono/node-server'
import { Client as ClientOf2025 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as HttpOf2025 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Site } from './site.ts'

export type Served = { url: URL; close(): Promise<void> }
export async function serveSite(site: Site): Promise<Served> {
  const server = serve({ fetch: site.app.fetch, port: 0, hostname: '127.0.0.1' })
  await new Promise((resolve) => server.once('listening', resolve))
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`)
  return {
    url,
    close: async () => {
      site.falconer.changes.emit('closing')
      if ('closeAllConnections' in server) server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

const headers = (token: string) => ({ requestInit: { headers: { authorization: `Bearer ${token}` } } })
type Capabilities = { elicitation?: Record<string, never> }

export async function clientOf2026(url: URL, token: string, capabilities: Capabilities = {}): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode: 'auto' }, capabilities })
  await client.connect(new StreamableHTTPClientTransport(url, headers(token)))
  return client
}
export async function clientOf2025(
  url: URL,
  token: string,
  capabilities: Capabilities = {},
): Promise<{ client: ClientOf2025; transport: HttpOf2025 }> {
  const client = new ClientOf2025({ name: 'test', version: '1' }, { capabilities })
  const transport = new HttpOf2025(url, headers(token))
  await client.connect(transport as never)
  return { client, transport }
}
