/** Clients of both generations at a Falconer that answers over real HTTP. */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { Client as ClientOf2025 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as HttpOf2025 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { listening } from './listening.ts'
import type { Site } from './site.ts'

export type Served = { url: URL; close(): Promise<void> }
export async function serveSite(site: Site): Promise<Served> {
  const { port, close } = await listening(site.app.fetch)
  return {
    url: new URL(`http://127.0.0.1:${port}/mcp`),
    close: () => {
      site.falconer.changes.emit('closing')
      return close()
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
