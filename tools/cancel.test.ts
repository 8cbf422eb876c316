/** A question that nobody waits for any more is stopped, for clients of both generations, and is no fault of ours. */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { createMcpHandler, WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/server'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { operatorPrincipal } from '../domain/principal.ts'
import type { ReaderContext } from './resource.ts'
import { buildServer } from './server.ts'
import { tool } from './tool.ts'

function slow() {
  const seen = { began: 0, stopped: 0, failed: 0 }
  const endless = tool({
    name: 'wait_long',
    toolset: 'incidents',
    title: 'Wait',
    description: 'Waits until nobody waits for it.',
    input: z.object({}),
    output: z.object({}),
    access: 'read',
    permission: 'incidents.read',
    listed: true,
    run: async (_input, { signal }) => {
      seen.began += 1
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
      seen.stopped += 1
      throw signal.reason
    },
  })
  const context = { principal: operatorPrincipal, channel: 'mcp' } as unknown as ReaderContext
  const build = () => buildServer({ context, choice: {}, version: '1', failed: () => (seen.failed += 1), tools: [endless] })
  return { seen, build }
}

const at = (answer: (request: Request) => Promise<Response>) =>
  new StreamableHTTPClientTransport(new URL('http://localhost/mcp'), { fetch: (url, init) => answer(new Request(url, init)) })

describe('a question stopped', () => {
  it.each(['2026', '2025'] as const)('by a client of %s', async (generation) => {
    const { seen, build } = slow()
    const handler = createMcpHandler(build)
    const transport = new WebStandardStreamableHTTPServerTransport({ sessionIdGenerator: () => crypto.randomUUID() })
    if (generation === '2025') await build().connect(transport)
    const client = new Client({ name: 'test', version: '1' }, generation === '2026' ? { versionNegotiation: { mode: 'auto' } } : {})
    await client.connect(at((request) => (generation === '2026' ? handler.fetch(request) : transport.handleRequest(request))))
    const stop = new AbortController()
    const asked = client.callTool({ name: 'wait_long', arguments: {} }, { signal: stop.signal })
    while (seen.began === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    stop.abort()
    await expect(asked).rejects.toThrow()
    for (let turn = 0; turn < 200 && seen.stopped === 0; turn += 1) await new Promise((resolve) => setTimeout(resolve, 10))
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(seen).toEqual({ began: 1, stopped: 1, failed: 0 })
    await client.close()
    await handler.close()
  })
})
