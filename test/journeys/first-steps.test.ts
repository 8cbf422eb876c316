/** What a new user does: starts the demo, opens the link, reads, looks at the evidence, approves, sees it verified, undoes it. */
import { mkdirSync } from 'node:fs'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { chromiumPath, launchBrowser, looks, openPage } from '../support/browser.ts'
import { run, type Running } from '../support/process.ts'

const pictures = process.env.FALCONER_SCREENSHOTS

describe.skipIf(chromiumPath === undefined)('a new user with the demo', () => {
  let demo: Running
  let browser: Browser
  let context: BrowserContext
  let page: Page
  let complaints: string[]
  let link: string
  let origin: string

  beforeAll(async () => {
    demo = run(['demo', '--port', '0'])
    link = (await demo.says(/http:\/\/localhost:\d+\/sign-in\/\S+/))[0]
    origin = new URL(link).origin
    browser = await launchBrowser()
    context = await browser.newContext({ viewport: { width: 1440, height: 1000 } })
    ;({ page, complaints } = await openPage(context))
  })
  afterAll(async () => {
    await browser?.close()
    demo?.child.kill('SIGINT')
    expect(await demo?.ended).toBe(0)
  })

  const heading = (): Promise<string | null> => page.locator('h1').first().textContent()
  const picture = async (name: string, path?: string): Promise<void> => {
    if (pictures === undefined) return
    mkdirSync(pictures, { recursive: true })
    const state = await context.storageState()
    for (const { width, scheme } of looks) {
      const own = await browser.newContext({ viewport: { width, height: 1000 }, colorScheme: scheme, storageState: state })
      const shot = await own.newPage()
      await shot.goto(path === undefined ? page.url() : `${origin}${path}`)
      await shot.screenshot({ path: `${pictures}/${name}-${width}-${scheme}.png`, fullPage: true })
      const wide = await shot.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')
      expect(wide, `${name} at ${width} scrolls sideways`).toBeLessThanOrEqual(0)
      await own.close()
    }
  }

  it('cannot see anything before signing in, and is sent back to where they wanted to go', async () => {
    await page.goto(`${origin}/approvals`)
    expect(page.url()).toBe(`${origin}/sign-in?next=%2Fapprovals`)
    await picture('sign-in')
  })

  it('signs in with the link, once; opening it does not use it up', async () => {
    await page.goto(link)
    await page.goto(link)
    await picture('sign-in-link')
    await page.getByRole('button', { name: 'Sign in' }).click()
    expect(await heading()).toBe('Incidents')
    const again = await (await browser.newContext()).newPage()
    expect((await again.goto(link))?.status()).toBe(403)
    expect(await again.locator('h1').textContent()).toContain('does not work')
  })

  it('sees the one incident that matters first, and the quiet ones apart', async () => {
    await page.waitForSelector('text=true positive')
    expect(await page.locator('a.row').count()).toBe(1)
    expect(await page.locator('.simulated').textContent()).toContain('Simulated cluster')
    await picture('incidents')
    await page.getByRole('link', { name: /Quiet/ }).click()
    expect(await page.locator('a.row').count()).toBeGreaterThan(2)
    await picture('incidents-quiet')
  })

  it('reads what happened, with the evidence of each sentence, and no secret of a command line', async () => {
    await page.goto(`${origin}/incidents`)
    await page.locator('a.row').first().click()
    const story = await page.locator('section[aria-labelledby=happened]').textContent()
    expect(story).toContain('checkout-6c9d8f7b5d-h2k4x')
    expect(story).toContain('Written by the playbook (no model)')
    expect(await page.content()).not.toContain('fx92hf81kq03')
    expect(await page.locator('.badge.hypothesis').count()).toBe(0)
    await page.locator('#summary-1 summary').click()
    await page.locator('#summary-1 a').first().click()
    expect(await page.content()).not.toContain('fx92hf81kq03')
    await picture('alert')
    await page.goBack()
    await picture('incident')
  })

  it('approves exactly the change it was shown, and sees it verified', async () => {
    await page.getByRole('link', { name: /Isolate pod/ }).click()
    const change = await page.locator('section[aria-labelledby=change]').textContent()
    expect(change).toContain('+ NetworkPolicy shop/falconer-quarantine-')
    await page.locator('#requests summary').click()
    expect(await page.locator('#requests').textContent()).toMatch(/Plan hash v1:[0-9a-f]{64}/)
    await picture('proposal')
    await page.fill('#reason', 'it is under attack')
    await page.getByRole('button', { name: 'Approve and run' }).click()
    await page.waitForSelector('text=effect observed', { timeout: 15_000 })
    expect(await page.locator('section[aria-labelledby=outcome]').textContent()).toContain('Contained')
    await picture('proposal-done')
    await page.goBack()
  })

  it('undoes it, and the page says so', async () => {
    await page.goto(`${origin}/approvals`)
    await page.locator('a.row', { hasText: 'Isolate pod' }).first().click()
    await page.fill('#undo-reason', 'was a drill')
    await page.getByRole('button', { name: 'Undo' }).click()
    await page.waitForSelector('.badge.reverted')
    await picture('approvals', '/approvals')
  })

  it('adds a source and is told what to put where', async () => {
    await page.goto(`${origin}/sources`)
    await page.fill('#name', 'falco-prod')
    await page.getByRole('button', { name: 'Add and show its secret' }).click()
    const secret = await page.locator('#secret').textContent()
    expect(secret).toMatch(/^fls_/)
    expect(await page.content()).toContain(`/ingest/falco/${secret}`)
    const answer = await fetch(`${origin}/ingest/falco/${secret}`, { method: 'POST', body: 'this is not an alert' })
    expect(await answer.json()).toMatchObject({ deadLetters: 1 })
    await page.goto(`${origin}/sources`)
    expect(await page.locator('main').textContent()).toContain('this is not an alert')
    await picture('sources')
  })

  it('invites a colleague, who may read but not approve', async () => {
    await page.goto(`${origin}/people`)
    await page.fill('#name', 'Vera')
    await page.selectOption('#role', 'viewer')
    await page.getByRole('button', { name: 'Make an invitation link' }).click()
    const invitation = (await page.locator('#link').textContent()) as string
    await picture('people', '/people')
    const theirs = await (await browser.newContext()).newPage()
    await theirs.goto(invitation)
    await theirs.getByRole('button', { name: 'Sign in' }).click()
    expect(await theirs.locator('nav').textContent()).not.toContain('People')
    expect((await theirs.goto(`${origin}/people`))?.status()).toBe(403)
    await theirs.goto(`${origin}/approvals`)
    await theirs.locator('a.row', { hasText: 'Collect logs' }).first().click()
    expect(await theirs.locator('main').textContent()).toContain('yours is viewer')
    expect(await theirs.getByRole('button', { name: 'Approve and run' }).count()).toBe(0)
  })

  it('adds a passkey and signs in with it', async () => {
    const client = await context.newCDPSession(page)
    await client.send('WebAuthn.enable')
    await client.send('WebAuthn.addVirtualAuthenticator', {
      options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true },
    })
    await page.goto(`${origin}/account`)
    await page.fill('#passkey-name', 'Laptop')
    await page.getByRole('button', { name: 'Add a passkey' }).click()
    await page.waitForSelector('text=Laptop')
    await picture('account', '/account')
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.waitForURL(/sign-in/)
    await page.getByRole('button', { name: 'Sign in with a passkey' }).click()
    await page.waitForURL(/incidents/)
  })

  it('finds the audit log whole, the inventory, and a clear page for what does not exist', async () => {
    await page.goto(`${origin}/audit?verify=1`)
    expect(await page.locator('main').textContent()).toMatch(/The chain of \d+ entries is whole/)
    await picture('audit', '/audit?verify=1')
    await page.goto(`${origin}/cluster`)
    await page.getByRole('link', { name: /checkout-6c9d8f7b5d-h2k4x/ }).click()
    await picture('entity')
    await picture('cluster', '/cluster')
    expect((await page.goto(`${origin}/incidents/inc-0000000000`))?.status()).toBe(404)
    await picture('not-found')
  })

  it('walks the list by keyboard', async () => {
    await page.goto(`${origin}/incidents`)
    await page.keyboard.press('j')
    await page.keyboard.press('Enter')
    await page.waitForURL(/incidents\/[0-9a-f-]{36}/)
    await page.keyboard.press('g')
    await page.keyboard.press('a')
    await page.waitForURL(/approvals/)
  })

  it('never made the browser complain', () => {
    expect(complaints.filter((text) => !/status of (403|404|401)/.test(text))).toEqual([])
  })
})
