/**
 * A map in a real browser: the incident’s and a node’s, as a picture with a table beside it; by keyboard alone and without script; at sixty boxes, in
 * light and dark, on a phone. Its texts fit and can be read. And from the command line.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { listen } from '../../apps/server/listen.ts'
import type { Who } from '../../apps/server/who.ts'
import { mapPage } from '../../apps/web/map-page.ts'
import type { GraphView } from '../../domain/graph-view.ts'
import { drawingOf } from '../../graph/map/layout.ts'
import { svgAlone } from '../../graph/map/svg.ts'
import { listIncidents } from '../../store/incidents.ts'
import { chromiumPath, launchBrowser, looks, openPage } from '../support/browser.ts'
import { grownView } from '../support/graph-view.ts'
import { runHere } from '../support/process.ts'
import { alertOfShop } from '../support/shop-alert.ts'
import { openSite, type Site } from '../support/site.ts'

const pictures = process.env.FALCONER_SCREENSHOTS

/** Texts of a picture that leave their box, and those that stand out too little from its ground (WCAG AA). */
const unreadable = `(() => {
  const channel = (value) => { const part = value / 255; return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4 }
  const light = (text) => { const [r, g, b] = text.match(/[\\d.]+/g).map(Number); return 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b) }
  const ratio = (one, other) => { const [a, b] = [light(one), light(other)].sort((x, y) => y - x); return (a + 0.05) / (b + 0.05) }
  const found = []
  for (const box of document.querySelectorAll('.map .box')) {
    const shape = [...box.querySelectorAll('.shape')].at(-1)
    const room = shape.getBBox()
    const style = getComputedStyle(shape)
    if (ratio(style.stroke, style.fill) < 3) found.push('outline of ' + box.textContent.slice(0, 40))
    for (const text of box.querySelectorAll('text')) {
      const has = text.getBBox()
      if (has.x < room.x || has.y < room.y || has.x + has.width > room.x + room.width || has.y + has.height > room.y + room.height) found.push('outside: ' + text.textContent)
      const contrast = ratio(getComputedStyle(text).fill, style.fill)
      if (contrast < 4.5) found.push(contrast.toFixed(2) + ' ' + text.textContent)
    }
  }
  const ground = getComputedStyle(document.querySelector('.map .ground')).fill
  for (const text of document.querySelectorAll('.map .label')) if (ratio(getComputedStyle(text).fill, ground) < 4.5) found.push('label ' + text.textContent)
  return found
})()`

describe.skipIf(chromiumPath === undefined)('a map on a page', () => {
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

  const as = async (width = 1440, colorScheme: 'light' | 'dark' = 'light', javaScriptEnabled = true): Promise<BrowserContext> => {
    const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme, javaScriptEnabled })
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
    expect(policy).toContain("default-src 'none'")
    await page.route(`${server.url}/drawn`, (route) =>
      route.fulfill({ body, contentType: 'text/html; charset=utf-8', headers: { 'content-security-policy': policy } }),
    )
    await page.goto(`${server.url}/drawn`)
  }

  it('is a link away from an incident and from a record, and shows each thing in the table and in the picture', async () => {
    const context = await as()
    const { page, complaints } = await openPage(context)
    await page.goto(`${server.url}/incidents/${incident}`)
    await page.getByRole('link', { name: 'Map', exact: true }).click()
    await page.waitForURL(/\/map$/)
    const boxes = await page.locator('.map .box').count()
    expect(boxes).toBeGreaterThan(5)
    expect(await page.locator('tr[data-box]').count()).toBe(boxes)
    expect(await page.locator('.map').textContent()).toContain('executed')
    await page
      .getByRole('link', { name: /^record of pod/ })
      .first()
      .click()
    await page.getByRole('link', { name: 'Map of what is around it' }).click()
    await page.waitForURL(/\/graph\?node=\d+$/)
    expect(await page.locator('h1').textContent()).toMatch(/^Around Pod shop\//)
    expect(await page.locator('.map .centre').count()).toBe(1)
    expect(complaints).toEqual([])
    await context.close()
  })

  it('is asked further by a plain form: depth, time, kinds of relation', async () => {
    const page = await (await as()).newPage()
    await page.goto(`${server.url}/graph`)
    expect(await page.locator('main').textContent()).toContain('Around what?')
    await page.fill('#node', 'deployment/shop/checkout')
    await page.selectOption('#depth', '3')
    await page.getByRole('button', { name: 'Show' }).click()
    const all = await page.locator('.map .box').count()
    await page.locator('#only summary').click()
    await page.getByRole('checkbox', { name: /^owns/ }).check()
    await page.getByRole('button', { name: 'Show' }).click()
    await page.waitForURL(/type=OWNS/)
    expect(await page.locator('.map .box').count()).toBeLessThan(all)
    expect(new Set(await page.locator('.map .label').allTextContents())).toEqual(new Set(['owns']))
    await page.fill('#asOf', '2020-01-01')
    await page.getByRole('button', { name: 'Show' }).click()
    expect(await page.locator('main').textContent()).toMatch(/As it was then|Asked as of 2020-01-01/)
    expect(await page.locator('main').textContent()).toContain('that is no sign that nothing does')
    await page.fill('#asOf', 'yesterday')
    await page.getByRole('button', { name: 'Show' }).click()
    expect(await page.getByRole('alert').textContent()).toMatch(/As it was at: must be a day or a moment/)
    await page.goto(`${server.url}/graph?node=pod/shop/nobody`)
    expect(await page.getByRole('alert').textContent()).toContain('Nothing in the graph is called “pod/shop/nobody”')
    await page.context().close()
  })

  it('is walked by keyboard: box by box in the order of the table, by arrows across the picture, and Enter leads to the row', async () => {
    const page = await (await as()).newPage()
    await drawn(page, grownView(60))
    await page.getByRole('link', { name: 'To the picture' }).click()
    const focused = (what: string): Promise<string> => page.evaluate(`document.activeElement.${what} ?? ''`)
    for (let at = 0; at < 10 && (await focused('className.baseVal')) === ''; at += 1) await page.keyboard.press('Tab')
    expect(await focused('id')).toBe('box-1')
    expect(await focused('ariaLabel')).toBe('KubernetesPod shop/checkout-7d9f6c5b4-x2x9q (incident): Terminal shell in container')
    expect(await page.locator('tr.lit').getAttribute('id')).toBe('row-1')
    await page.keyboard.press('Tab')
    expect(await focused('id')).toBe('box-2')
    await page.locator('#box-1').focus()
    const x = (): Promise<number> => page.evaluate('document.activeElement.getBoundingClientRect().x')
    const before = await x()
    await page.keyboard.press('ArrowRight')
    expect(await focused('id')).not.toBe('box-1')
    expect(await x()).toBeGreaterThan(before)
    const id = (await focused('id')).replace('box', 'row')
    await page.keyboard.press('Enter')
    expect(page.url()).toMatch(new RegExp(`#${id}$`))
    expect(await page.locator(`#${id}:target`).count()).toBe(1)
    await page.getByRole('link', { name: 'in the picture', exact: true }).nth(20).focus()
    expect(await page.locator('.box.lit').getAttribute('id')).toBe('box-21')
    expect(
      await page.evaluate(
        '[...document.querySelectorAll(".map a, [role=region]")].every((one) => (one.ariaLabel || one.getAttribute("aria-labelledby")) && one.tabIndex >= 0)',
      ),
    ).toBe(true)
    await page.context().close()
  })

  it('needs no script: a box leads to its row and back', async () => {
    const page = await (await as(1440, 'light', false)).newPage()
    await page.goto(`${server.url}/incidents/${incident}/map`)
    await page.locator('#box-3').click()
    expect(page.url()).toMatch(/#row-3$/)
    await page.locator('#row-3').getByRole('link', { name: 'in the picture' }).click()
    expect(page.url()).toMatch(/#box-3$/)
    await page.context().close()
  })

  it.each(looks)('can be read at sixty boxes: $width, $scheme', async ({ width, scheme }) => {
    const context = await as(width, scheme)
    const { page, complaints } = await openPage(context)
    const shown = [
      ['incident', () => page.goto(`${server.url}/incidents/${incident}/map`)],
      ['node', () => page.goto(`${server.url}/graph?node=deployment/shop/checkout&depth=3`)],
      ['sixty', () => drawn(page, grownView(60))],
      ['folded', () => drawn(page, grownView(240))],
    ] as const
    for (const [name, go] of shown) {
      await go()
      if (pictures !== undefined) await page.screenshot({ path: `${pictures}/map-${name}-${width}-${scheme}.png` })
      await page.evaluate('for (const one of document.querySelectorAll("details")) one.open = true')
      expect(await page.evaluate(unreadable), name).toEqual([])
      expect(await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth'), name).toBe(0)
      const [table, picture] = [await page.locator('.map-table').boundingBox(), await page.locator('.map-scroll').boundingBox()]
      if (width < 820) expect(picture?.y, name).toBeGreaterThan((table?.y ?? 0) + (table?.height ?? 0))
      else expect(Math.abs((picture?.y ?? 0) - (table?.y ?? 0)), name).toBeLessThan(400)
      if (name === 'sixty') {
        const inSight = `(() => { const a = document.querySelector('.map-scroll').getBoundingClientRect(), b = document.querySelector('.map .centre').getBoundingClientRect(); return b.x >= a.x && b.y >= a.y && b.right <= a.right && b.bottom <= a.bottom })()`
        expect(await page.evaluate(inSight)).toBe(true)
        await page.locator('#fit').check()
        expect(
          await page.evaluate('(() => { const one = document.querySelector(".map-scroll"); return one.scrollWidth - one.clientWidth })()'),
        ).toBe(0)
      }
    }
    expect(complaints).toEqual([])
    await context.close()
  })

  it('alone in a file asks nobody and runs nothing, and is light or dark as its reader is', async () => {
    const grounds = []
    for (const scheme of ['light', 'dark'] as const) {
      const context = await browser.newContext({ colorScheme: scheme, viewport: { width: 1440, height: 900 } })
      const { page, complaints } = await openPage(context)
      const asked: string[] = []
      page.on('request', (request) => asked.push(request.url()))
      await page.route('http://alone.test/map.svg', (route) =>
        route.fulfill({ body: svgAlone(drawingOf(grownView(60))), contentType: 'image/svg+xml' }),
      )
      await page.goto('http://alone.test/map.svg')
      expect(await page.evaluate(unreadable)).toEqual([])
      grounds.push(await page.evaluate('getComputedStyle(document.querySelector(".ground")).fill'))
      expect(asked.filter((url) => !url.endsWith('/map.svg') && !url.endsWith('/favicon.ico'))).toEqual([])
      expect(complaints.filter((text) => !/favicon|ERR_NAME/.test(text))).toEqual([])
      await context.close()
    }
    expect(new Set(grounds).size).toBe(2)
  })
})

describe('a map from the command line', { timeout: 120_000 }, () => {
  let folder: string
  const data = (): string => join(folder, 'data')
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'falconer-map-'))
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'checkout', namespace: 'shop' },
      spec: { serviceAccountName: 'till', containers: [{ name: 'app', image: 'nginx:1.25' }] },
    }
    await writeFile(join(folder, 'pod.json'), JSON.stringify(pod))
    expect(await runHere(['--data', data(), 'import', join(folder, 'pod.json')])).toMatchObject({ code: 0 })
  })
  afterAll(async () => rm(folder, { recursive: true, force: true }))
  const map = (...args: string[]): ReturnType<typeof runHere> => runHere(['--data', data(), 'graph', 'map', ...args])

  it('is a table, a Mermaid flowchart, SVG to a file or to a pipe, or what the API says', async () => {
    const { output } = await map('pod/shop/checkout')
    expect(output).toMatch(/^Around Pod shop\/checkout\nInventory: /)
    expect(output).toMatch(/^0 +Pod shop\/checkout +asked about, declared$/m)
    expect(output).toMatch(/^Namespace shop +relation: contains +Pod shop\/checkout$/m)
    expect((await map('pod/shop/checkout', '--mermaid')).output).toMatch(/^flowchart LR\n {2}n1\("KubernetesPod<br\/>checkout<br\/>/)
    const file = join(folder, 'map.svg')
    expect((await map('pod/shop/checkout', '--svg', file)).output).toMatch(/map\.svg: \d boxes, \d lines\.\n$/)
    expect(await readFile(file, 'utf8')).toBe((await map('pod/shop/checkout', '--svg', '-')).output)
    expect(JSON.parse((await map('pod/shop/checkout', '--json', '--depth', '2')).output)).toMatchObject({
      title: 'Around Pod shop/checkout',
    })
    expect((await map('pod/shop/checkout', '--types', 'RUNS_AS')).output).not.toContain('contains')
  })

  it('is refused with what to do', async () => {
    expect(await map('pod/shop/nobody')).toMatchObject({ code: 1, errors: expect.stringContaining('kind/namespace/name') })
    expect(await map('inc-0123456789')).toMatchObject({ code: 1, errors: expect.stringContaining('There is no incident inc-0123456789') })
    expect(await map('pod/shop/checkout', '--svg', '-', '--json')).toMatchObject({
      code: 2,
      errors: expect.stringContaining('cannot be used with'),
    })
  })
})
