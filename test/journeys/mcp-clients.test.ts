/** Clients of both generations and LangChain’s adapter, over HTTP and over standard input and output; what a reader left out is not there; 200 at once. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MultiServerMCPClient } from '@langchain/mcp-adapters'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { Client as ClientOf2025 } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport as StdioOf2025 } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport as HttpOf2025 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { listen } from '../../apps/server/listen.ts'
import { operatorPrincipal } from '../../domain/principal.ts'
import { tools } from '../../tools/catalog/registry.generated.ts'
import { chosenTools } from '../../tools/server.ts'
import { toolsets } from '../../tools/tool.ts'
import { falconerProgram } from '../support/process.ts'
import { alertOfShop } from '../support/shop-alert.ts'
import { openSite, type Site } from '../support/site.ts'

const every = tools.map(({ name }) => name)
const reading = tools.filter(({ access }) => access === 'read').map(({ name }) => name)
const ofGraph = tools.filter(({ toolset }) => toolset === 'graph').map(({ name }) => name)
const preset = chosenTools(operatorPrincipal, {}).map(({ name }) => name)

/** What is asked of any client. */
type Asked = {
  names: string[]
  /** The text of an answer. */ call(name: string, input: Record<string, unknown>): Promise<string>
  close(): Promise<void>
}
type Way = { http: { url: string; token: string }; stdio: { args: string[]; env: Record<string, string> } }
type Connect = (way: Way) => Promise<Asked>

const askedOf = async (client: Pick<Client, 'listTools' | 'callTool' | 'close'>): Promise<Asked> => ({
  names: (await client.listTools()).tools.map(({ name }) => name),
  call: async (name, input) => {
    const { content, isError } = await client.callTool({ name, arguments: input })
    if (isError === true) throw new Error(JSON.stringify(content))
    return JSON.stringify(content)
  },
  close: async () => client.close(),
})
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const langchain = async (falconer: ConstructorParameters<typeof MultiServerMCPClient>[0]): Promise<Asked> => {
  const client = new MultiServerMCPClient(falconer)
  const found = await client.getTools()
  return {
    names: found.map(({ name }) => name),
    call: async (name, input) => {
      const one = found.find((tool) => tool.name === name)
      if (one === undefined) throw new Error(`Tool ${name} not found`)
      return JSON.stringify(await one.invoke(input))
    },
    close: async () => client.close(),
  }
}

const clients: Record<string, { http: Connect; stdio: Connect }> = {
  'the SDK of 2026': {
    http: async ({ http: { url, token } }) => {
      const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode: 'auto' } })
      await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers: bearer(token) } }))
      return askedOf(client)
    },
    stdio: async ({ stdio }) => {
      const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode: 'auto' } })
      await client.connect(new StdioClientTransport({ command: falconerProgram, ...stdio, stderr: 'ignore' }))
      return askedOf(client)
    },
  },
  'the SDK of 2025': {
    http: async ({ http: { url, token } }) => {
      const client = new ClientOf2025({ name: 'test', version: '1' })
      await client.connect(new HttpOf2025(new URL(url), { requestInit: { headers: bearer(token) } }) as never)
      return askedOf(client as never)
    },
    stdio: async ({ stdio }) => {
      const client = new ClientOf2025({ name: 'test', version: '1' })
      await client.connect(new StdioOf2025({ command: falconerProgram, ...stdio, stderr: 'ignore' }))
      return askedOf(client as never)
    },
  },
  LangChain: {
    http: async ({ http: { url, token } }) =>
      langchain({ mcpServers: { falconer: { transport: 'http', url, headers: bearer(token) } }, prefixToolNameWithServerName: false }),
    stdio: async ({ stdio }) =>
      langchain({
        mcpServers: { falconer: { transport: 'stdio', command: falconerProgram, ...stdio, stderr: 'ignore' } },
        prefixToolNameWithServerName: false,
      }),
  },
}

/** What went to and fro, with what differs from run to run taken out. */
function transcript(title: string, { names }: Asked, answer: string, refusal: string): string {
  const same = (text: string): string =>
    text
      .replaceAll('\\"', '"')
      .replaceAll(/[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/g, '<id>')
      .replaceAll(/\b(inc|alr|prp)-[0-9a-f]{10}\b/g, '$1-<id>')
      .replaceAll(/127\.0\.0\.1:\d+|localhost:\d+/g, 'falconer.example.com')
  const lines = [
    `tools/list → ${names.length} tools: ${names.join(', ')}`,
    'tools/call list_incidents {}',
    `→ ${same(answer)}`,
    'tools/call explain_rule {"rule":"Terminal shell in container"}',
    `→ ${same(refusal)}`,
  ]
  return `## ${title[0]?.toUpperCase()}${title.slice(1)}\n\n\`\`\`text\n${lines.join('\n')}\n\`\`\``
}
const sessionsPage = (sessions: readonly string[]): string => `# Sessions of clients

What clients of each kind ask a Falconer that holds one incident, and what they are answered, as each shows it: a tool that answers, and one that refuses
and says what to do. Written by test/journeys/mcp-clients.test.ts, which fails where they differ; \`vitest run test/journeys/mcp-clients.test.ts -u\` writes them anew.

${sessions.join('\n\n')}
`

describe('clients of MCP', () => {
  let site: Site
  let server: Awaited<ReturnType<typeof listen>>
  let folder: string
  beforeAll(async () => {
    site = await openSite({ now: '2026-11-23T12:00:00Z', shop: true, config: { FALCONER_MCP_PER_MINUTE: '0', FALCONER_PORT: '0' } })
    await site.ingest(JSON.stringify(alertOfShop()))
    await site.settle()
    server = await listen(site.falconer)
    folder = await mkdtemp(join(tmpdir(), 'falconer-mcp-'))
  })
  afterAll(async () => {
    await server.close()
    await site.close()
    await rm(folder, { recursive: true, force: true })
  })
  /** Over standard input and output `falconer mcp` hands on to the server that runs. */
  const way = (query: Record<string, string> = {}, flags: string[] = []): Way => {
    const { token } = site.people.administrator
    const base = `http://127.0.0.1:${server.port}`
    const env = { PATH: process.env.PATH ?? '', HOME: folder, FALCONER_DATA: folder, FALCONER_URL: base, FALCONER_TOKEN: token }
    return { http: { url: `${base}/mcp?${new URLSearchParams(query)}`, token }, stdio: { args: ['mcp', ...flags], env } }
  }

  const sessions: string[] = []
  describe.each(Object.entries(clients))('%s', (name, connects) => {
    it.each(['http', 'stdio'] as const)('asks over %s', async (by) => {
      const client = await connects[by](way())
      try {
        expect(client.names.toSorted()).toEqual(preset.toSorted())
        const answer = await client.call('list_incidents', {})
        expect(answer).toMatch(/critical/)
        const refusal = await client.call('explain_rule', { rule: 'Terminal shell in container' }).catch((error: unknown) => String(error))
        sessions.push(transcript(`${name}, over ${by}`, client, answer, refusal))
      } finally {
        await client.close()
      }
    })
  })

  it('are shown in the documentation as they were, ids apart', async () => {
    await expect(sessionsPage(sessions)).toMatchFileSnapshot('../../docs/mcp-sessions.md')
  })

  describe.each([
    ['all toolsets', { toolsets: toolsets.join(',') }, ['--toolsets', toolsets.join(',')], every],
    [
      'all toolsets, read only',
      { toolsets: toolsets.join(','), readonly: 'true' },
      ['--read-only', '--toolsets', toolsets.join(',')],
      reading,
    ],
    ['the graph alone', { toolsets: 'graph' }, ['--toolsets', 'graph'], ofGraph],
    ['read only', { readonly: 'true' }, ['--read-only'], preset.filter((name) => reading.includes(name))],
  ] as const)('a reader of %s', (_name, query, flags, there) => {
    it.each(['http', 'stdio'] as const)('is told of no other tool, and can call none, over %s', async (by) => {
      const client = await (clients['the SDK of 2026'] as { http: Connect; stdio: Connect })[by](way(query, [...flags]))
      try {
        expect(client.names.toSorted()).toEqual([...there].toSorted())
        expect(there.length).toBeGreaterThan(0)
        const missing = every.filter((name) => !there.includes(name))
        for (const name of missing) await expect(client.call(name, {}), name).rejects.toThrow(/not found|unknown tool/i)
      } finally {
        await client.close()
      }
    })
  })

  it('are answered, 200 of them at once, without an error and in bounded memory', async () => {
    const { url, token } = way().http
    const round = async (): Promise<number> => {
      const found = await Promise.all(
        Array.from({ length: 200 }, async () => {
          const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode: 'auto' } })
          await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers: bearer(token) } }))
          return client
        }),
      )
      const began = performance.now()
      const answers = await Promise.all(found.map(async (client) => client.callTool({ name: 'list_incidents', arguments: {} })))
      console.log(`200 calls at once: ${Math.round(performance.now() - began)} ms`)
      await Promise.all(found.map(async (client) => client.close()))
      expect(answers.every(({ content }) => JSON.stringify(content).includes('critical'))).toBe(true)
      return process.memoryUsage().rss
    }
    const first = await round()
    const second = await round()
    console.log(
      `200 clients at once: ${Math.round(first / 2 ** 20)} MiB resident after one round, ${Math.round(second / 2 ** 20)} after another`,
    )
    // Server and all the clients are in this process.
    expect(second / first).toBeLessThan(1.5)
  })
})
