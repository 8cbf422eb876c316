/** Both generations of clients meet the same tools over HTTP; over stdio: mcp-clients.test.ts. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clientOf2025, clientOf2026, type Served, serveSite } from '../support/mcp.ts'
import { alertOfShop } from '../support/shop-alert.ts'
import { openSite, type Site } from '../support/site.ts'

describe('MCP', () => {
  let site: Site
  let served: Served
  beforeAll(async () => {
    site = await openSite({ now: '2026-11-23T12:00:00Z', shop: true })
    await site.ingest(JSON.stringify(alertOfShop()))
    await site.settle()
    served = await serveSite(site)
  })
  afterAll(async () => {
    await served.close()
    await site.close()
  })

  it('is served over HTTP to a client of 2025', async () => {
    const { client } = await clientOf2025(served.url, site.people.viewer.token)
    const { tools } = await client.listTools()
    expect(tools.map(({ name }) => name)).toContain('list_incidents')
    const answer = await client.callTool({ name: 'list_incidents', arguments: {} })
    expect(answer.structuredContent).toMatchObject({ incidents: [{ severity: 'critical' }], more: null })
    await client.close()
  })

  it('is served over HTTP to a client of 2026', async () => {
    const client = await clientOf2026(served.url, site.people.viewer.token)
    const answer = await client.callTool({ name: 'list_incidents', arguments: {} })
    expect(answer.structuredContent).toMatchObject({ incidents: [{ severity: 'critical' }], more: null })
    await client.close()
  })

  it('is served to nobody who is unknown', async () => {
    for (const authorization of [undefined, 'Bearer nonsense', `Bearer ${site.secret}`]) {
      const answer = await fetch(served.url, {
        method: 'POST',
        body: '{}',
        headers: { 'content-type': 'application/json', ...(authorization === undefined ? {} : { authorization }) },
      })
      expect(answer.status).toBe(401)
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/)
    }
    expect((await fetch(served.url, { method: 'POST', body: '{}', headers: { cookie: site.people.viewer.cookie } })).status).toBe(401)
  })
})
