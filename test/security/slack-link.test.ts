/**
 * Becoming somebody in Slack, against whoever wants to be somebody else: a link of theirs that they send to a colleague who obeys it to the letter, a link of a
 * colleague that they get hold of, codes that they guess. Only one person who holds both, the account in Slack and the session here, is linked.
 */
import { mkdirSync } from 'node:fs'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { slackPrincipal } from '../../auth/slack-links.ts'
import { setRole } from '../../auth/people.ts'
import { listAudit } from '../../store/audit.ts'
import { chromiumPath, launchBrowser, looks, openPage } from '../support/browser.ts'
import { openSite, operator, type Site, type Visitor } from '../support/site.ts'
import { codeAt, type InSlack, inSlack, linkIn, slackConfig } from '../support/slack-people.ts'
import { SlackWorkspace, team } from '../support/slack-workspace.ts'

let workspace: SlackWorkspace
let site: Site
let there: InSlack
beforeAll(async () => {
  workspace = await SlackWorkspace.open(['ada', 'mallory'])
  site = await openSite({ config: slackConfig(workspace) })
  there = await inSlack(site, workspace)
}, 120_000)
afterAll(async () => {
  await there.slack.stop()
  await site.close()
  await workspace.close()
})

let people = 0
let ada: Visitor
beforeEach(async () => {
  ada = await site.visitor(`Ada ${(people += 1)}`, 'administrator')
})
const typed = async (name: string, text: string): Promise<string> => (await there.send(workspace.command(name, text))).text()
const linkFor = async (name: string): Promise<string> => linkIn(await typed(name, 'link'))
const whoIs = (name: string) => slackPrincipal(site.falconer.auth, { team, user: workspace.user(name) })
const isNobody = async (name: string): Promise<void> => expect(await whoIs(name)).toBeUndefined()
const nothingWaits = 'No code is waited for from your account in Slack'

describe('a person', () => {
  it('is shown who asks, types the code where they asked, and is linked once; the audit log has it', async () => {
    const path = await linkFor('ada')
    expect((await site.ask(path, { headers: { accept: 'text/html' } })).headers.get('location')).toContain('/sign-in?next=')
    const page = await (await site.ask(path, { as: ada })).text()
    for (const shown of ['>ada<', workspace.user('ada'), '>test<', team, 'administrator']) expect(page).toContain(shown)
    expect(page).not.toMatch(/\/falconer link [A-Z0-9]/)
    expect((await site.ask(path, { as: ada, form: {}, csrf: null })).status).toBe(403)
    await isNobody('ada')

    const code = await codeAt(site, path, ada)
    await isNobody('ada')
    expect(await typed('ada', `link ${code.toLowerCase().replace('-', ' ')}`)).toContain(`Ada ${people}`)
    expect(await whoIs('ada')).toMatchObject({ personId: ada.id, role: 'administrator', kind: 'user' })
    expect(await slackPrincipal(site.falconer.auth, { team: 'T999', user: workspace.user('ada') })).toBeUndefined()
    const [entry] = await listAudit(site.db, { subject: `user/${ada.id}`, limit: 1 })
    expect(entry).toMatchObject({ action: 'slack linked', channel: 'slack', details: { team, slackUser: workspace.user('ada') } })
    expect(await typed('ada', `link ${code}`)).toContain(nothingWaits)
    expect((await site.ask(path, { as: ada, form: {} })).status).toBe(404)
    await typed('ada', 'unlink')
  })

  it('may have the code shown again: the one before does not count', async () => {
    const path = await linkFor('ada')
    const [first, second] = [await codeAt(site, path, ada), await codeAt(site, path, ada)]
    expect(await typed('ada', `link ${first}`)).toContain('That is not the code')
    expect(await typed('ada', `link ${second}`)).toContain('in Falconer now')
    await typed('ada', 'unlink')
  })

  it('has 15 minutes, and only the newest link', async () => {
    const old = await linkFor('ada')
    const path = await linkFor('ada')
    expect((await site.ask(old, { as: ada })).status).toBe(404)
    const code = await codeAt(site, path, ada)
    site.clock.advance(15 * 60_000)
    expect(await typed('ada', `link ${code}`)).toContain(nothingWaits)
    expect((await site.ask(path, { as: ada })).status).toBe(404)
    expect((await site.ask(path, { as: ada, form: {} })).status).toBe(404)
    await isNobody('ada')
  })

  it('who was disabled, or has another role, since the code was shown, is nobody, or that', async () => {
    const path = await linkFor('ada')
    const code = await codeAt(site, path, ada)
    await setRole(site.falconer.auth, operator, ada.id, 'viewer')
    expect(await typed('ada', `link ${code}`)).toContain('with the role viewer')
    await typed('ada', 'unlink')
    const next = await codeAt(site, await linkFor('ada'), ada)
    await site.ask(`/people/${ada.id}/disable`, { as: site.people.administrator, form: {} })
    expect(await typed('ada', `link ${next}`)).toContain(nothingWaits)
    await isNobody('ada')
  })
})

describe('somebody who wants to be somebody else', () => {
  it('sends their own link to a colleague, who does all that the page says: it gives them nothing', async () => {
    const path = await linkFor('mallory')
    expect(await (await site.ask(path, { as: ada })).text()).toContain('>mallory<')
    const code = await codeAt(site, path, ada)
    expect(code).not.toBe('')
    // Ada types it where the page says, as herself; and once more with a link of her own open.
    expect(await typed('ada', `link ${code}`)).toMatch(/No code is waited for[\s\S]*give it to nobody/)
    const own = await codeAt(site, await linkFor('ada'), ada)
    expect(await typed('ada', `link ${code}`)).toContain('That is not the code')
    for (const name of ['ada', 'mallory']) await isNobody(name)
    expect(await typed('ada', `link ${own}`)).toContain('in Falconer now')
    await isNobody('mallory')
    await typed('ada', 'unlink')
  })

  it('guesses the code of a colleague who opened their link: five tries, whatever they ask for meanwhile', async () => {
    const path = await linkFor('mallory')
    const code = await codeAt(site, path, ada)
    const answers = []
    for (const guess of ['AAAA-AAAA', 'BBBB-BBBB', '', '%', `${code}A`]) answers.push(await typed('mallory', `link x${guess}`))
    expect(answers.map((one) => /(\d) tries|(one) try|(5 times)/.exec(one)?.slice(1).find(Boolean))).toEqual([
      '4',
      '3',
      '2',
      'one',
      '5 times',
    ])
    // The right one, too late; and the colleague’s click on the old link gives no new one.
    expect(await typed('mallory', `link ${code}`)).toContain(nothingWaits)
    expect((await site.ask(path, { as: ada, form: {} })).status).toBe(404)
    await isNobody('mallory')
  })

  it('guesses many at once: no more than five are looked at', async () => {
    const code = await codeAt(site, await linkFor('mallory'), ada)
    const guesses = await Promise.all(Array.from({ length: 12 }, (_, n) => typed('mallory', `link WRONG${n}`)))
    expect(guesses.filter((one) => one.includes('That is not the code'))).toHaveLength(4)
    expect(await typed('mallory', `link ${code}`)).toContain(nothingWaits)
    await isNobody('mallory')
  })

  it('opens the link of a colleague first: the colleague is refused the code, and theirs is no good to anybody', async () => {
    const mallory = await site.visitor(`Mallory ${people}`, 'viewer')
    const path = await linkFor('ada')
    const code = await codeAt(site, path, mallory)
    for (const asked of [{ as: ada }, { as: ada, form: {} }]) expect((await site.ask(path, asked)).status).toBe(404)
    expect(await typed('mallory', `link ${code}`)).toContain(nothingWaits)
    for (const name of ['ada', 'mallory']) await isNobody(name)
    // It would take Ada to type the code of a stranger; she is told whom that made her.
    expect(await typed('ada', `link ${code}`)).toMatch(new RegExp(`Mallory ${people}[\\s\\S]*role viewer[\\s\\S]*/falconer unlink`))
    await typed('ada', 'unlink')
  })

  it('asks with a token of a person: it opens no page and is shown no code', async () => {
    const path = await linkFor('mallory')
    expect((await site.ask(path, { as: { token: ada.token }, form: {} })).status).toBe(403)
    await isNobody('mallory')
  })
})

describe.skipIf(chromiumPath === undefined)('the page', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launchBrowser()
  })
  afterAll(async () => browser?.close())

  it.each(looks)('can be read and used at $width px, $scheme', { timeout: 60_000 }, async ({ width, scheme }) => {
    const path = await linkFor('ada')
    const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme: scheme })
    const { page, complaints } = await openPage(context)
    // The app of this process answers; nothing listens.
    await context.route('http://localhost/**', async (route) => {
      const request = route.request()
      const answer = await site.app.request(request.url(), {
        method: request.method(),
        headers: { ...(await request.allHeaders()), host: 'localhost', cookie: ada.cookie },
        ...(request.postData() === null ? {} : { body: request.postData() ?? '' }),
        redirect: 'manual',
      })
      await route.fulfill({
        status: answer.status,
        headers: Object.fromEntries(answer.headers),
        body: Buffer.from(await answer.arrayBuffer()),
      })
    })
    const seen = async (name: string): Promise<void> => {
      const folder = process.env.FALCONER_SCREENSHOTS
      if (folder !== undefined) {
        mkdirSync(folder, { recursive: true })
        await page.screenshot({ path: `${folder}/slack-${name}-${width}-${scheme}.png`, fullPage: true })
      }
      expect(await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')).toBe(0)
    }
    await page.goto(`http://localhost${path}`)
    await seen('link')
    await page.getByRole('button', { name: 'This is me: show the code' }).click()
    expect(await page.locator('h1').textContent()).toBe('Type this in Slack')
    await seen('code')
    const shown = (await page.locator('#code').textContent()) ?? ''
    expect(await typed('ada', shown.replace('/falconer ', ''))).toContain('in Falconer now')
    expect(complaints).toEqual([])
    await page.goto('http://localhost/account')
    await seen('account')
    await context.close()
    await typed('ada', 'unlink')
  })
})
