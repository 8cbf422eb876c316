/**
 * What an attacker writes into rules, commands, names, labels, output and requests that cannot be read: on every page it is
 * text. Nothing runs, loads or hides; the page does not scroll sideways on a phone. Secrets in it are seen nowhere: not on a
 * page, in the API, in an event, in the log (guarantees 6 and 7, for the web).
 */
import type { Browser, BrowserContext } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { listen } from '../../apps/server/listen.ts'
import { listDeadLetters } from '../../store/dead-letters.ts'
import { chromiumPath, launchBrowser, openPage } from '../support/browser.ts'
import { anInvisible, canaries, endless, invisible, markup } from '../support/hostile-text.ts'
import { plant, plantPosture } from '../support/hostile-site.ts'
import { containerId } from '../support/records.ts'
import { alertOfShop } from '../support/shop-alert.ts'
import { openSite, type Site } from '../support/site.ts'
import { apiPaths, pagesOf } from '../support/site-paths.ts'
import { podUid } from '../support/shop.ts'

/** The newest dead letters are shown: what must be seen there comes last. */
const hostile = [...endless, ...markup, ...invisible]
/** Text is escaped, so every `<` begins a tag; these are the tags our templates write. */
const tagsOf = (page: string): string[] => page.match(/<[^>]*>?/g) ?? []
const attribute = /\s(?:[a-z-]+(?:="[^"<>]*")?)/.source
const plain =
  'html|head|body|title|main|header|footer|nav|section|aside|div|p|span|strong|h1|h2|h3|ul|ol|li|dl|dt|dd|pre|code|table|thead|tbody|tr|th|td|time|details|summary|label|select|option|textarea|button|input|fieldset|legend|br|progress'
/** Of a picture: numbers and words of ours, and names only in what is read aloud. */
const ofMaps =
  'svg class="map(?:-key)?" viewBox="[0-9 ]+" width="\\d+" height="\\d+" (?:role="group" aria-label="[^"<>]*"|aria-hidden="true")|a class="box [a-z ]+" id="box-\\d+" data-box="\\d+" href="#row-\\d+" aria-label="[^"<>]*"|g (?:class="[a-z ]+"|aria-hidden="true")|path class="[a-z ]+" d="[-MHVLCAZ0-9. ]+"/|rect class="ground" x="[-0-9.]+" y="[-0-9.]+" width="\\d+" height="\\d+"/|text class="[a-z ]+" x="[-0-9.]+" y="[-0-9.]+"'
const ours = new RegExp(
  `^<(?:!doctype html|/[a-z0-9]+|(?:${plain})(?:(?!\\son[a-z]|\\s(?:style|srcdoc|formaction|action|href|src)=)${attribute})*|a(?: class="[a-z ]+")? href="[/#](?!/)[^"]*"(?: (?:class|aria-current|aria-label|download)(?:="[a-z0-9 ]*")?)*|form(?: class="inline")? method="post" action="/(?!/)[^"]*"|form class="card ask" id="ask" method="post" action="/chat(?:/[0-9a-f-]{36})?"|form class="card search(?: ask)?" method="get" action="/(?:alerts|findings|fix-first|graph|incidents/[0-9a-f-]{36}/map)" role="search"|meta (?:charset|name)="[^"]*"(?: content="[^"]*")?|link rel="(?:icon|stylesheet)" href="/assets/[^"]*"(?: type="image/svg\\+xml")?|script type="module" src="/assets/[0-9a-f]{12}/page\\.js"|svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true"|path fill="currentColor" d="[^"]*"\\/?|${ofMaps})>$`,
)

/** Some of each kind: a browser is slow. */
const someOf = (paths: readonly string[], each: number): string[] =>
  [...Map.groupBy(paths, (path) => path.replace(/\/[^/]{8,}|\/\d+/, '/…')).values()].flatMap((those) => those.slice(0, each))

describe('hostile text', () => {
  let site: Site
  let paths: string[]
  beforeAll(async () => {
    site = await openSite({ shop: true, config: { FALCONER_PORT: '0' } })
    await plant(site, hostile)
    await plantPosture(site, hostile)
    paths = await pagesOf(site)
    expect(paths.length).toBeGreaterThan(100)
    expect((await listDeadLetters(site.db, { limit: 200 })).length).toBeGreaterThan(10)
  })
  afterAll(async () => site?.close())

  it('guarantee 7: is on every page as text: no element, no attribute, no address of it, and nothing invisible', async ({ task }) => {
    Object.assign(task.meta, { cases: paths.length })
    const seen = new Set<string>()
    for (const path of paths) {
      const answer = await site.ask(path, { as: site.people.administrator })
      expect(answer.status, path).toBe(200)
      const page = await answer.text()
      for (const tag of tagsOf(page)) if (!ours.test(tag)) expect.fail(`${path} has ${tag}`)
      const found = anInvisible.exec(page.replaceAll('\n', ''))
      if (found !== null)
        expect.fail(
          `${path} shows U+${found[0].codePointAt(0)?.toString(16)} in ${JSON.stringify(page.replaceAll('\n', '').slice(Math.max(0, found.index - 60), found.index + 20))}`,
        )
      if (page.includes('\\u{202e}')) seen.add(/\w+/.exec(path)?.[0] ?? '')
      if (/&lt;(?:script|iframe|svg)/.test(page)) seen.add(`${/\w+/.exec(path)?.[0]} markup`)
    }
    for (const room of ['incidents', 'alerts', 'cluster', 'proposals', 'sources', 'audit', 'findings', 'coverage', 'graph'])
      expect([...seen], `${room} shows what was planted`).toEqual(expect.arrayContaining([room, `${room} markup`]))
  })

  describe.skipIf(chromiumPath === undefined)('in a browser', () => {
    let browser: Browser
    let context: BrowserContext
    let server: Awaited<ReturnType<typeof listen>>
    const asked: string[] = []
    beforeAll(async () => {
      server = await listen(site.falconer)
      browser = await launchBrowser()
      context = await browser.newContext({ viewport: { width: 390, height: 844 } })
      await context.addCookies([{ name: 'falconer_session', value: site.people.administrator.session, url: server.url }])
      context.on('request', (request) => asked.push(request.url()))
    })
    afterAll(async () => {
      await browser?.close()
      await server?.close()
    })

    it('guarantee 7: runs nothing, asks nobody, breaks no policy, and does not widen a phone’s page', async () => {
      const { page, complaints } = await openPage(context)
      for (const path of someOf(paths, 4)) {
        await page.goto(server.url + path)
        await page.evaluate('for (const one of document.querySelectorAll("details")) one.open = true')
        const looks = (await page.evaluate(
          '({ pwned: window.pwned ?? null, wide: document.documentElement.scrollWidth - document.documentElement.clientWidth, buttons: [...document.querySelectorAll("button")].filter((one) => one.form && new URL(one.form.getAttribute("action"), location).origin !== location.origin).length })',
        )) as { pwned: unknown; wide: number; buttons: number }
        expect(looks, path).toEqual({ pwned: null, wide: 0, buttons: 0 })
      }
      expect(complaints).toEqual([])
      expect(asked.filter((url) => !url.startsWith(server.url))).toEqual([])
    })
  })
})

describe('secrets', () => {
  it(`guarantee 6: of ${canaries.length} shapes are seen on no page, in no answer of the API, in no event and in no log line`, async ({
    task,
  }) => {
    Object.assign(task.meta, { cases: canaries.length })
    const site = await openSite({ shop: true })
    try {
      const events = (await site.ask('/events', { as: site.people.viewer })).body?.getReader()
      await plant(
        site,
        canaries.map(({ text }) => text),
      )
      await plantPosture(
        site,
        canaries.map(({ text }) => text),
      )
      for (const { text } of canaries) await site.ask(`/ingest/falco/${site.secret}x`, { method: 'POST', body: text })
      site.falconer.log.error('request failed', { error: new Error(canaries.map(({ text }) => text).join('\n')) })
      const heard: string[] = []
      for (let at = 0; at < 2; at += 1) heard.push(new TextDecoder().decode((await events?.read())?.value))
      await events?.cancel()
      const shown: [string, string][] = [
        ['events', heard.join('')],
        ['log', site.logged.join('')],
      ]
      for (const path of await pagesOf(site)) shown.push([path, await (await site.ask(path, { as: site.people.administrator })).text()])
      for (const path of await apiPaths(site))
        shown.push([path, await (await site.ask(path, { as: { token: site.people.administrator.token } })).text()])
      expect(shown.length).toBeGreaterThan(150)
      expect(shown.filter(([, text]) => text.includes('[redacted]')).length).toBeGreaterThan(50)
      for (const [where, text] of shown)
        for (const { core } of canaries)
          if (text.includes(core))
            expect.fail(`${core} in ${where}: …${text.slice(Math.max(0, text.indexOf(core) - 120), text.indexOf(core) + 60)}…`)
    } finally {
      await site.close()
    }
  })
})

it('the shop’s pod is the one that is attacked', () => {
  expect((alertOfShop() as { output_fields: Record<string, unknown> }).output_fields['container.id']).toBe(containerId(podUid).slice(0, 12))
})
