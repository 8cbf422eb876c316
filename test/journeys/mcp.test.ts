/** Both generations of clients, over HTTP and over stdio, meet the same tools. */
import { Client as ClientOf2025 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as HttpOf2025 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { serve } from '@hono/node-server'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AddressInfo } from 'node:net'
import { alertOfShop } from '../support/shop-alert.ts'
import { openSite, type Site } from '../support/site.ts'

describe('MCP', () => {
  let site: Site
  let url: URL
  let close: () => Promise<void>
  beforeAll(async () => {
    site = await openSite({ now: '2026-11-23T12:00:00Z', shop: true })
    await site.ingest(JSON.stringify(alertOfShop()))
    await site.settle()
    const server = serve({ fetch: site.app.fetch, port: 0, hostname: '127.0.0.1' })
    await new Promise((resolve) => server.once('listening', resolve))
    url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`)
    close = () => new Promise((resolve) => server.close(() => resolve()))
  })
  afterAll(async () => {
    await close()
    await site.close()
  })
  const headers = () => ({ requestInit: { headers: { authorization: `Bearer ${site.people.viewer.token}` } } })

  it('is served over HTTP to a client of 2025', async () => {
    const client = new ClientOf2025({ name: 'test', version: '1' })
    await client.connect(new HttpOf2025(url, headers()) as never)
    const { tools } = await client.listTools()
    expect(tools.map(({ name }) => name)).toContain('list_incidents')
    const answer = await client.callTool({ name: 'list_incidents', arguments: {} })
    expect(answer.structuredContent).toMatchObject({ incidents: [{ severity: 'critical' }], more: null })
    await client.close()
  })

  it('is served over HTTP to a client of 2026', async () => {
    const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode: 'auto' } })
    await client.connect(new StreamableHTTPClientTransport(url, headers()))
    const answer = await client.callTool({ name: 'list_incidents', arguments: {} })
    expect(answer.structuredContent).toMatchObject({ incidents: [{ severity: 'critical' }], more: null })
    await client.close()
  })

  it('is served to nobody who is unknown', async () => {
    for (const authorization of [undefined, 'Bearer nonsense', `Bearer ${site.secret}`]) {
      const answer = await fetch(url, {
        method: 'POST',
        body: '{}',
        headers: { 'content-type': 'application/json', ...(authorization === undefined ? {} : { authorization }) },
      })
      expect(answer.status).toBe(401)
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/)
    }
    expect((await fetch(url, { method: 'POST', body: '{}', headers: { cookie: site.people.viewer.cookie } })).status).toBe(401)
  })
})
