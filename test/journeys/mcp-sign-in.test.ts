/** An IDE's sign-in, by the SDK of either generation: found from the 401, registered, let in by a person, and asked with the token; refreshed, and ended. */
import { Client as ClientOf2025 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as HttpOf2025 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { notePort } from '../../apps/server/urls.ts'
import { ClientStore, consent, pkce, register } from '../support/oauth.ts'
import { chromiumPath, launchBrowser, openPage } from '../support/browser.ts'
import { listening } from '../support/listening.ts'
import { openSite, type Site } from '../support/site.ts'

describe('signing in to MCP from an IDE', () => {
  let site: Site
  let port: number
  let close: () => Promise<void>
  beforeAll(async () => {
    site = await openSite({ now: '2026-11-23T12:00:00Z' })
    ;({ port, close } = await listening(site.app.fetch))
    notePort(site.falconer, port)
  })
  afterAll(async () => {
    await close()
    await site.close()
  })

  const of2025 = (store: ClientStore, url: URL) => {
    const transport = new HttpOf2025(url, { authProvider: store as never })
    const client = new ClientOf2025({ name: 'test', version: '1' })
    return { transport, client, connect: () => client.connect(transport as never) }
  }
  const of2026 = (store: ClientStore, url: URL) => {
    const transport = new StreamableHTTPClientTransport(url, { authProvider: store as never })
    const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode: 'auto' } })
    return { transport, client, connect: () => client.connect(transport) }
  }

  describe.each([
    ['2025', of2025],
    ['2026', of2026],
  ] as const)('a client of %s', (_generation, made) => {
    it.each(['127.0.0.1', 'localhost'])('comes in at %s, is refreshed, and is shut out', async (host) => {
      const store = new ClientStore()
      const url = new URL(`http://${host}:${port}/mcp`)
      const first = made(store, url)
      await expect(first.connect()).rejects.toThrow()
      expect(store.sentTo?.href).toContain(`http://${host}:${port}/oauth/authorize?`)
      const { page, location } = await consent(site, store.sentTo as URL, site.people.investigator)
      expect(page).toContain('An &lt;b&gt;IDE&lt;/b&gt;')
      expect(page).toContain('127.0.0.1:49152')
      expect(page).not.toContain('<b>IDE')
      expect(location.searchParams.get('state')).toBe('a state & more')
      expect(location.searchParams.get('iss')).toBe(`http://${host}:${port}`)
      if ('finishAuth' in first.transport)
        await first.transport.finishAuth(location.searchParams.get('code') ?? '', location.searchParams.get('iss') ?? '')

      const second = made(store, url)
      await second.connect()
      const { tools } = await second.client.listTools()
      expect(tools.map(({ name }) => name)).toContain('list_incidents')
      const before = store.kept.tokens?.access_token
      site.clock.advance(16 * 60_000)
      await second.client.callTool({ name: 'list_incidents', arguments: {} })
      expect(store.kept.tokens?.access_token).not.toBe(before)
      await second.client.close()

      const account = await (await site.ask('/account', { as: site.people.investigator })).text()
      const [, grant] = /\/account\/programs\/([\w-]+)\/end/.exec(account) ?? []
      expect(account).toContain('An &lt;b&gt;IDE&lt;/b&gt;')
      await site.ask(`/account/programs/${grant}/end`, { as: site.people.investigator, form: {} })
      const third = made(store, url)
      await expect(third.connect()).rejects.toThrow()
    })
  })

  it.skipIf(chromiumPath === undefined)(
    'works in a real browser: the button’s answer reaches the program, and the page has nothing to complain of',
    async () => {
      const program = createServer((_request, response) => response.end('You can close this page.'))
      await new Promise<void>((resolve) => program.listen(0, '127.0.0.1', resolve))
      const redirect = `http://127.0.0.1:${(program.address() as AddressInfo).port}/callback`
      const fields = { client_id: await register(site, redirect), redirect_uri: redirect, response_type: 'code', state: 'seen' }
      const asked = new URLSearchParams({ ...fields, code_challenge: pkce().challenge, code_challenge_method: 'S256' })
      const browser = await launchBrowser()
      const context = await browser.newContext()
      const [name = '', value = ''] = site.people.viewer.cookie.split('=')
      await context.addCookies([{ name, value, url: `http://localhost:${port}` }])
      const { page, complaints } = await openPage(context)
      await page.goto(`http://localhost:${port}/oauth/authorize?${asked}`)
      await page.getByLabel('read alerts').uncheck()
      if (process.env.FALCONER_SCREENSHOTS !== undefined) await page.screenshot({ path: `${process.env.FALCONER_SCREENSHOTS}/let-in.png` })
      await page.getByRole('button', { name: 'Let it in' }).click()
      await page.waitForURL(`${redirect}?**`)
      const answer = new URL(page.url()).searchParams
      expect([answer.get('state'), answer.get('iss'), answer.get('error')]).toEqual(['seen', `http://localhost:${port}`, null])
      expect(answer.get('code')).toMatch(/^flg_/)
      expect(complaints.filter((one) => !one.includes('favicon'))).toEqual([])
      await browser.close()
      program.close()
    },
  )
})
