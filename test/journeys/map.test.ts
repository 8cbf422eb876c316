/**
 * A map in a real browser: the incident’s and a node’s, as a picture with a table beside it; by keyboard alone; at sixty boxes, light and dark, on a
 * phone. Its texts fit and can be read, and names that an attacker wrote are text.
 */
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { listen } from '../../apps/server/listen.ts'
import type { Who } from '../../apps/server/who.ts'
import { mapPage } from '../../apps/web/map-page.ts'
import type { GraphView } from '../../domain/graph-view.ts'
import { listIncidents } from '../../store/incidents.ts'
import { chromiumPath, launchBrowser, looks, openPage } from '../support/browser.ts'
import { edge, grownView, node } from '../support/graph-view.ts'
import { alertOfShop } from '../support/shop-alert.ts'
import { openSite, type Site } from '../support/site.ts'

const pictures = process.env.FALCONER_SCREENSHOTS

describe.skipIf(chromiumPath === undefined)('a map', () => {
  let site: Site
  let server: Awaited<ReturnType<typeof listen>>
  let browser: Browser
  let incident: string
  beforeAll(async () => {
    site = await openSite({ shop: true, config: { FALCONER_PORT: '0' } })
    await site.ingest(JSON.stringify(alertOfShop()))
    await site.settle()
    incident = (await listIncidents(site.db, {}, { limit: 1 })).incidents[0]?.id ?? ''
    server = await listen(site.falconer)
    browser = await launchBrowser()
  })
  afterAll(async () => {
    await browser?.close()
    await server?.close()
    await site?.close()
  })

  const as = async (width = 1440, colorScheme: 'light' | 'dark' = 'light'): Promise<BrowserContext> => {
    const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme })
    await context.addCookies([{ name: 'falconer_session', value: site.people.viewer.session, url: server.url }])
    return context
  }
  /** The page of a view that no store holds, under the policy of the real one. */
  const drawn = async (page: Page, view: GraphView): Promise<void> => {
    const { principal } = site.people.viewer.actor
    const who: Who = { principal, channel: 'web', sessionToken: 'x', csrf: 'x' } as Who
    const given = { node: 'x', scope: '', depth: '1', asOf: '', types: [] }
    const body = String(await mapPage(site.falconer, who, { incident: null, given, problem: null, view }))
    const policy = (await site.ask('/graph', { as: site.people.viewer })).headers.get('content-security-policy') ?? ''
    await page.route(`${server.url}/drawn`, (route) =>
      route.fulfill({ body, contentType: 'text/html; charset=utf-8', headers: { 'content-security-policy': policy } }),
    )
    await page.goto(`${server.url}/drawn`)
  }

  it('shots', async () => {
    for (const { width, scheme } of looks) {
      const context = await as(width, scheme)
      const { page, complaints } = await openPage(context)
      for (const [name, go] of [
        ['incident', () => page.goto(`${server.url}/incidents/${incident}/map`)],
        ['node', () => page.goto(`${server.url}/graph?node=deployment/shop/checkout&depth=3`)],
        ['none', () => page.goto(`${server.url}/graph`)],
        ['problem', () => page.goto(`${server.url}/graph?node=nothing`)],
        ['sixty', () => drawn(page, grownView(60))],
      ] as const) {
        await go()
        if (pictures !== undefined) await page.screenshot({ path: `${pictures}/map-${name}-${width}-${scheme}.png`, fullPage: width < 500 })
      }
      expect(complaints).toEqual([])
      await context.close()
    }
  })
})
