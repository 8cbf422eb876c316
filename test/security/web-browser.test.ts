/**
 * Guarantee 19 in a real browser: a page of a second origin on this machine, to which the session's cookie is sent (it is the
 * same site), frames nothing, reads nothing and changes nothing; and a passkey's answer signs in once.
 */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { listen } from '../../apps/server/listen.ts'
import { webRoutes } from '../../apps/web/pages.ts'
import { listIncidents } from '../../store/incidents.ts'
import { listProposals } from '../../store/proposals.ts'
import { chromiumPath, launchBrowser, openPage } from '../support/browser.ts'
import { fingerprint } from '../support/fingerprint.ts'
import { alertOfShop } from '../support/shop-alert.ts'
import { openSite, type Site } from '../support/site.ts'

describe.skipIf(chromiumPath === undefined)('a page of another origin', () => {
  let site: Site
  let server: Awaited<ReturnType<typeof listen>>
  let evil: Server
  let evilUrl: string
  let browser: Browser
  let context: BrowserContext
  let proposalId: string
  let incidentId: string

  beforeAll(async () => {
    site = await openSite({ shop: true, config: { FALCONER_PORT: '0' } })
    await site.ingest(JSON.stringify(alertOfShop()))
    await site.settle()
    proposalId = (await listProposals(site.db, { states: ['pending'] }, 1))[0]?.id ?? ''
    incidentId = (await listIncidents(site.db, {}, { limit: 1 })).incidents[0]?.id ?? ''
    server = await listen(site.falconer)
    evil = createServer((_request, answer) =>
      // Its icon is in it: else the browser asks for one whenever it finds time, and that answer is counted among ours.
      answer.setHeader('content-type', 'text/html').end('<!doctype html><title>evil</title><link rel="icon" href="data:,"><p>hello'),
    )
    await new Promise<void>((resolve) => {
      evil.listen(0, '127.0.0.1', resolve)
    })
    evilUrl = `http://localhost:${(evil.address() as AddressInfo).port}/`
    browser = await launchBrowser()
    context = await browser.newContext()
    await context.addCookies([
      { name: 'falconer_session', value: site.people.administrator.session, url: server.url, httpOnly: true, sameSite: 'Lax' },
    ])
  })
  afterAll(async () => {
    await browser?.close()
    evil?.close()
    await server?.close()
    await site?.close()
  })

  const onEvil = async (): Promise<Page> => {
    const page = await context.newPage()
    await page.goto(evilUrl)
    return page
  }

  it('is sent the cookie’s site: without our own checks the forgeries below would be the administrator’s', async () => {
    const page = await context.newPage()
    expect((await page.goto(`${server.url}/people`))?.status()).toBe(200)
    expect(await page.evaluate('document.cookie')).toBe('')
    await page.close()
  })

  it.each(['/incidents', '/sign-in', '/nowhere', '/assets/x/icon.svg'])('frames nothing: %s', async (path) => {
    const page = await onEvil()
    const complaint = page.waitForEvent('console', {
      predicate: (message) => /frame-ancestors|refused to connect|ancestor/i.test(message.text()),
    })
    await page.evaluate(
      `{ const frame = document.createElement('iframe'); frame.src = ${JSON.stringify(server.url + path)}; document.body.append(frame) }`,
    )
    expect((await complaint).text()).toContain("frame-ancestors 'none'")
    const framed = page.frames().find((frame) => frame !== page.mainFrame())
    expect(await framed?.evaluate('document.body?.innerText ?? ""').catch(() => '')).not.toMatch(/Falconer|Incidents/)
    await page.close()
  })

  const targets = webRoutes
    .filter(({ method }) => method === 'POST')
    .map(
      ({ path }) =>
        (): string =>
          path.replace(/:\w+/g, path.includes('proposals') ? proposalId : incidentId),
    )
  const fields = { do: 'approve', name: 'mallory', role: 'administrator', reason: 'x', collector: 'falco' }

  it(`changes nothing by posting what a form would, to any address there is (${targets.length})`, async () => {
    const before = await fingerprint(site.db)
    const page = await onEvil()
    // What came back is kept from the page, and so from the test: the browser's own protocol tells of it.
    const client = await context.newCDPSession(page)
    await client.send('Network.enable')
    const cookies: string[] = []
    const statuses: number[] = []
    client.on('Network.requestWillBeSentExtraInfo', ({ headers }) => cookies.push(headers.Cookie ?? ''))
    client.on('Network.responseReceivedExtraInfo', ({ statusCode }) => statuses.push(statusCode))
    for (const target of targets)
      await page.evaluate(
        `fetch(${JSON.stringify(server.url + target())}, { method: 'POST', mode: 'no-cors', credentials: 'include', body: new URLSearchParams(${JSON.stringify(fields)}) }).catch(() => {})`,
      )
    await expect.poll(() => statuses.length, { timeout: 20_000 }).toBeGreaterThanOrEqual(targets.length)
    expect(new Set(statuses)).toEqual(new Set([403]))
    expect(cookies.every((cookie) => cookie.includes('falconer_session='))).toBe(true)
    expect(await fingerprint(site.db)).toBe(before)
    await page.close()
  })

  it('changes nothing by a form that sends itself', async () => {
    const before = await fingerprint(site.db)
    for (const path of ['/people', `/proposals/${proposalId}/decide`]) {
      const page = await onEvil()
      const answer = page.waitForResponse((response) => response.request().method() === 'POST')
      await page.evaluate(
        `{ const form = document.createElement('form'); form.method = 'post'; form.action = ${JSON.stringify(server.url + path)};
           for (const [name, value] of Object.entries(${JSON.stringify(fields)})) {
             const input = document.createElement('input'); input.name = name; input.value = value; form.append(input) }
           document.body.append(form); form.submit() }`,
      )
      const got = await answer
      expect(await got.request().headerValue('cookie'), path).toContain('falconer_session')
      expect(got.status(), path).toBe(403)
      await page.close()
    }
    expect(await fingerprint(site.db)).toBe(before)
  })

  it('reads nothing: not by fetch, not by events, not as a script, not through a window it opened', async () => {
    const before = await fingerprint(site.db)
    const page = await onEvil()
    const tried = await page.evaluate(`(async () => {
      const url = ${JSON.stringify(server.url)}
      const fetched = async (path, init) => fetch(url + path, { credentials: 'include', ...init }).then(async (answer) => 'read: ' + (await answer.text()).slice(0, 80), () => 'refused')
      const heard = new Promise((resolve) => { const events = new EventSource(url + '/events', { withCredentials: true }); events.onopen = () => resolve('open'); events.onerror = () => resolve('refused'); setTimeout(() => resolve('silent'), 5000) })
      const scripted = (src) => new Promise((resolve) => { const script = document.createElement('script'); script.src = url + src; script.onload = () => resolve('loaded'); script.onerror = () => resolve('refused'); document.body.append(script) })
      const opened = window.open(url + '/incidents')
      await new Promise((resume) => setTimeout(resume, 1000))
      let through = 'refused'
      try { through = opened.document.title } catch {}
      return {
        page: await fetched('/incidents'),
        api: await fetched('/api/v1/status'),
        plain: await fetched('/api/v1/status', { mode: 'no-cors' }),
        json: await fetched('/api/v1/sources', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"name":"evil","collector":"falco"}' }),
        simple: await fetched('/api/v1/sources', { method: 'POST', mode: 'no-cors', headers: { 'content-type': 'text/plain' }, body: '{"name":"evil","collector":"falco"}' }),
        events: await heard,
        script: await scripted('/assets/x/page.js'),
        apiAsScript: await scripted('/api/v1/users'),
        through: opened === null ? 'refused' : opened.closed ? 'refused' : through,
      }
    })()`)
    expect(tried).toEqual({
      page: 'refused',
      api: 'refused',
      plain: 'refused',
      json: 'refused',
      simple: 'refused',
      events: 'refused',
      script: 'refused',
      apiAsScript: 'refused',
      through: 'refused',
    })
    expect(await fingerprint(site.db)).toBe(before)
    await page.close()
  })

  it('learns nothing of where a reader came from', async () => {
    const page = await context.newPage()
    await page.goto(`${server.url}/incidents/${incidentId}`)
    const asked = new Promise<string | undefined>((resolve) => {
      evil.once('request', (request: { headers: Record<string, string | undefined> }) => resolve(request.headers.referer))
    })
    await page.evaluate(`location.assign(${JSON.stringify(evilUrl)})`)
    expect(await asked).toBeUndefined()
    await page.close()
  })
})

describe.skipIf(chromiumPath === undefined)('a passkey', () => {
  it('signs in, and what was sent to do it signs nobody in again', async () => {
    const site = await openSite({ config: { FALCONER_PORT: '0' } })
    const server = await listen(site.falconer)
    const browser = await launchBrowser()
    try {
      const context = await browser.newContext()
      await context.addCookies([{ name: 'falconer_session', value: site.people.responder.session, url: server.url }])
      const { page, complaints } = await openPage(context)
      const client = await context.newCDPSession(page)
      await client.send('WebAuthn.enable')
      await client.send('WebAuthn.addVirtualAuthenticator', {
        options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true },
      })
      await page.goto(`${server.url}/account`)
      const added = page.waitForRequest((request) => request.url().endsWith('/account/passkeys') && request.method() === 'POST')
      await page.getByRole('button', { name: 'Add a passkey' }).click()
      const registration = (await added).postDataJSON() as Record<string, unknown>
      await page.waitForSelector('form[action="/account/passkeys/remove"]')
      await context.clearCookies()
      await page.goto(`${server.url}/sign-in`)
      const used = page.waitForRequest((request) => request.url().endsWith('/passkeys/sign-in'))
      await page.getByRole('button', { name: 'Sign in with a passkey' }).click()
      const assertion = (await used).postDataJSON() as Record<string, unknown>
      await page.waitForURL(/incidents/)
      const again = await fetch(`${server.url}/passkeys/sign-in`, { method: 'POST', body: JSON.stringify(assertion) })
      expect([again.status, again.headers.get('set-cookie')]).toEqual([403, null])
      const twice = await site.ask('/account/passkeys', {
        as: site.people.responder,
        json: registration,
        headers: { host: new URL(server.url).host },
      })
      expect(twice.status).toBe(403)
      const strangers = await site.ask('/account/passkeys', {
        as: site.people.viewer,
        json: registration,
        headers: { host: new URL(server.url).host },
      })
      expect(strangers.status).toBe(403)
      expect(complaints).toEqual([])
    } finally {
      await browser.close()
      await server.close()
      await site.close()
    }
  })
})
