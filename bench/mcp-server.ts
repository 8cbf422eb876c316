/** `mcp-server.ts falconer|bare FOLDER`: what `bench mcp` asks, in a process of its own. Prints its address and a token, and serves until it is ended. */
import { serve } from '@hono/node-server'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import type { AddressInfo } from 'node:net'
import { z } from 'zod'
import { composeFalconer } from '../apps/server/falconer.ts'
import { createApp } from '../apps/server/http.ts'
import { createToken, invite } from '../auth/people.ts'
import { loadConfig } from '../config/config.ts'
import { systemClock } from '../domain/clock.ts'
import { operatorPrincipal } from '../domain/principal.ts'
import { correlatePending } from '../incidents/pipeline.ts'
import { toolsets } from '../tools/tool.ts'
import { alertLines } from './ingest-load.ts'
import { takeAlerts } from './many-alerts.ts'

const [what = '', folder = ''] = process.argv.slice(2)
const { fetch, token } = what === 'bare' ? bare() : await falconer()
const server = serve({ fetch, port: 0, hostname: '127.0.0.1' }, () =>
  console.log(`serves at http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp?toolsets=${toolsets.join(',')} with ${token}`),
)

/** The least that answers: one tool, no store, nobody asked who they are. */
function bare(): { fetch: (request: Request) => Promise<Response>; token: string } {
  const rows = Array.from({ length: 5 }, (_, at) => ({ id: String(at), title: 'A row of an answer that is as long as a row is'.repeat(3) }))
  const handler = createMcpHandler(() => {
    const mcp = new McpServer({ name: 'bare', version: '1' })
    const output = z.object({ rows: z.array(z.object({ id: z.string(), title: z.string() })) })
    for (const name of ['list_incidents', 'get_runbook'])
      mcp.registerTool(name, { description: 'Lists', inputSchema: z.object({}), outputSchema: output }, () => ({
        content: [{ type: 'text', text: JSON.stringify({ rows }) }],
        structuredContent: { rows },
      }))
    return mcp
  })
  return { fetch: (request) => handler.fetch(request), token: 'none' }
}

async function falconer() {
  const config = loadConfig({ FALCONER_DATA: folder, FALCONER_LOG: 'error', FALCONER_MCP_PER_MINUTE: '0' }, {})
  const composed = await composeFalconer(config, { as: 'command' })
  await takeAlerts(composed.db, alertLines(2_000, new Date(), 1))
  while ((await correlatePending(composed.db, systemClock)).more);
  const operator = { principal: operatorPrincipal, channel: 'cli' } as const
  const { user } = await invite(composed.auth, operator, 'Bench', 'viewer')
  const made = await createToken(composed.auth, operator, { userId: user.id, name: 'bench', role: 'viewer', days: 1 })
  return { fetch: createApp(composed).fetch as (request: Request) => Promise<Response>, token: made.token }
}
