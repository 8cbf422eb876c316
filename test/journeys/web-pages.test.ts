/** What a reader finds on the pages: how to connect Falco when there is nothing yet, the answer before its reasons, text that can be read in both schemes. */
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { listen } from '../../apps/server/listen.ts'
import { listIncidents } from '../../store/incidents.ts'
import { chromiumPath, launchBrowser, openPage } from '../support/browser.ts'
import { alertOfShop } from '../support/shop-alert.ts'
import { openSite, type Site, type Visitor } from '../support/site.ts'

/** Every text that stands on the page with too little contrast to its ground (WCAG AA). */
const faint = `(() => {
  const channel = (value) => { const part = value / 255; return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4 }
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b)
  const colour = (text) => text.match(/[\\d.]+/g).map(Number)
  const ground = (element) => { for (let one = element; one; one = one.parentElement) { const found = colour(getComputedStyle(one).backgroundColor); if (found.length === 3 || found[3] > 0) return found } return [255, 255, 255] }
  const found = []
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    const element = node.parentElement
    if (node.data.trim() === '' || element.closest('script, .skip, [hidden]') || element.getClientRects().length === 0) continue
    const [a, b] = [light(colour(getComputedStyle(element).color)), light(ground(element))].sort((x, y) => y - x)
    const ratio = (a + 0.05) / (b + 0.05)
    if (ratio < 4.5) found.push(ratio.toFixed(2) + ' ' + node.data.trim().slice(0, 40))
  }
  return [...new Set(found)]
})()`

describe.skipIf(chromiumPath === undefined)('the pages', () => {
  let site: Site
  let server: Awaited<ReturnType<typeof listen>>
  let browser: Browser
  let incident: string
  beforeAll(async () => {
    site = await openSite({ shop: true, config: { FALCONER_PORT: '0' } })
    server = await listen(site.falconer)
    browser = await launchBrowser()
  })
  afterAll(async () => {
    await browser?.close()
    await server?.close()
    await site?.close()
  })
  const as = async (visitor: Visitor, width = 1440, colorScheme: 'light' | 'dark' = 'light'): Promise<BrowserContext> => {
    const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme })
    await context.addCookies([{ name: 'falconer_session', value: visitor.session, url: server.url }])
    return context
  }
  const opened = async (visitor: Visitor, path: string, width?: number): Promise<Page> => {
    const page = await (await as(visitor, width)).newPage()
    await page.goto(server.url + path)
    return page
  }

  it('say, while there is nothing, what to put in falco.yaml and falcosidekick, and where to get a secret', async () => {
    const reader = await opened(site.people.viewer, '/incidents')
    const told = (await reader.locator('main').textContent()) ?? ''
    for (const part of [
      'No alert has arrived yet',
      'json_output: true',
      `url: ${server.url}/ingest/falco/SECRET`,
      'customHeaders:',
      'Authorization: "Bearer SECRET"',
      'An administrator can make a new one',
    ])
      expect(told).toContain(part)
    expect(await reader.getByRole('button', { name: 'Make a new secret' }).count()).toBe(0)
    await reader.context().close()
  })

  it('give an administrator the same lines with a new secret, which works as it stands there', async () => {
    const page = await opened(site.people.administrator, '/incidents')
    await page.getByRole('button', { name: 'Make a new secret' }).click()
    const url = /url: (\S+)/.exec((await page.locator('#connect-1').textContent()) ?? '')?.[1] ?? ''
    expect(url).toMatch(/\/ingest\/falco\/fls_[\w-]{32}$/)
    expect((await site.ingest('{}')).status).toBe(401)
    const answer = await fetch(url, { method: 'POST', body: JSON.stringify(alertOfShop()) })
    expect(await answer.json()).toMatchObject({ accepted: 1 })
    site.secret = url.split('/').at(-1) ?? ''
    await page.context().close()
  })

  it('show a first incident by themselves to who has the empty page open', async () => {
    const page = await opened(site.people.responder, '/incidents')
    await page.waitForSelector('text=Updates by itself')
    expect(await page.locator('a.row').count()).toBe(0)
    await site.settle()
    site.falconer.changed('incidents')
    await page.waitForSelector('a.row')
    incident = (await listIncidents(site.db, {}, { limit: 1 })).incidents[0]?.id ?? ''
    await page.context().close()
  })

  it('leave alone what somebody has begun to fill in', async () => {
    const page = await opened(site.people.responder, `/incidents/${incident}`)
    await page.waitForSelector('text=Updates by itself')
    await page.fill('#reason', 'half a thought')
    await page.locator('h1').click()
    const made = await site.ask(`/incidents/${incident}/decisions`, {
      as: site.people.investigator,
      form: { do: 'note', reason: 'from elsewhere' },
    })
    expect(made.status).toBe(303)
    await page.waitForTimeout(1_000)
    expect(await page.inputValue('#reason')).toBe('half a thought')
    await page.fill('#reason', '')
    await page.locator('h1').click()
    site.falconer.changed('incidents')
    await page.waitForSelector('text=from elsewhere')
    await page.context().close()
  })

  it('answer before they explain: verdict, who says so and the action stand first, on a phone too; what is not known is said', async () => {
    for (const width of [1440, 390]) {
      const page = await opened(site.people.responder, `/incidents/${incident}`, width)
      const headings = await page.locator('main h2').allTextContents()
      expect(headings.slice(0, 4)).toEqual(['What to do first', 'What happened', 'What made it possible', 'What is not known'])
      expect(await page.locator('section[aria-labelledby=todo]').textContent()).toMatch(
        /(low|medium|high) confidence, says the playbook \(rules, no model\)/,
      )
      const decide = page.getByText('Read and decide').first()
      expect((await decide.boundingBox())?.y, `at ${width}`).toBeLessThan(700)
      await decide.click()
      await page.waitForURL(/proposals/)
      const order = await page.locator('main h2').allTextContents()
      expect(order.indexOf('Why')).toBeLessThan(order.indexOf('Decide'))
      await page.context().close()
    }
  })

  it('fold a run: a hundred and ninety alerts of one rule are a short page, day by day, and all of them are on it', async () => {
    const storm = Array.from({ length: 190 }, (_one, at) =>
      JSON.stringify({
        time: new Date(Date.parse('2026-11-22T23:00:00Z') + at * 20_000).toISOString(),
        rule: 'Terminal shell in container',
        priority: 'Notice',
        hostname: 'node-9',
        output_fields: { 'container.id': 'abcdef012345', 'proc.cmdline': `bash -c step ${at}` },
      }),
    )
    await site.ingest(storm.join('\n'))
    await site.settle()
    const long = (await listIncidents(site.db, {}, { limit: 10 })).incidents.find((one) => one.alertCount === 190)
    const page = await opened(site.people.viewer, `/incidents/${long?.id}`, 390)
    expect(await page.evaluate('document.documentElement.scrollHeight')).toBeLessThan(3_500)
    expect(await page.locator('.timeline .day').allTextContents()).toEqual(['2026-11-22', '2026-11-23'])
    await page.locator('#run-0 summary').click()
    expect(await page.locator('#run-0 li').count()).toBe(178)
    await page.context().close()
  })

  it.each(['light', 'dark'] as const)('can be read in the %s scheme', async (scheme) => {
    const context = await as(site.people.administrator, 1440, scheme)
    const { page, complaints } = await openPage(context)
    const proposal = /href="(\/proposals\/[^"]+)"/.exec(await (await site.ask('/approvals', { as: site.people.viewer })).text())?.[1] ?? ''
    for (const path of [
      '/incidents',
      `/incidents/${incident}`,
      `/incidents/${incident}/map`,
      '/graph?node=nobody',
      '/approvals',
      proposal,
      '/alerts',
      '/findings',
      '/fix-first',
      '/sources',
      '/coverage',
      '/cluster',
      '/people',
      '/account',
      '/audit',
      '/sign-in',
      '/nowhere',
    ]) {
      await page.goto(server.url + path)
      expect(await page.evaluate(faint), path).toEqual([])
    }
    expect(complaints.filter((text) => !/status of 404/.test(text))).toEqual([])
    await context.close()
  })

  it('are walked by keyboard: first past the navigation, then along it, and nothing that can be pressed is out of reach', async () => {
    const page = await opened(site.people.administrator, '/sources')
    const focused = (): Promise<string> => page.evaluate('document.activeElement.textContent.trim()')
    await page.keyboard.press('Tab')
    expect(await focused()).toBe('Skip to content')
    const walked: string[] = []
    for (let at = 0; at < 12; at += 1) {
      await page.keyboard.press('Tab')
      walked.push(await focused())
    }
    expect(walked).toEqual([
      'Falconer',
      'Incidents',
      'Ask',
      'Alerts',
      'Findings',
      'Fix first',
      'Approvals',
      'Sources',
      'Coverage',
      'Inventory',
      'People',
      'Audit',
    ])
    expect(
      await page.evaluate(
        '[...document.querySelectorAll("a, button, input:not([type=hidden]), select, textarea")].every((one) => one.tabIndex >= 0)',
      ),
    ).toBe(true)
    expect(
      await page.evaluate(
        '[...document.querySelectorAll("input:not([type=hidden]), select, textarea")].every((one) => one.labels.length > 0 || one.ariaLabel)',
      ),
    ).toBe(true)
    await page.context().close()
  })
})
