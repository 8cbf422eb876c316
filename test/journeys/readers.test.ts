/**
 * What people see of a model at work: steps as they happen, also from another server and on the terminal; who wrote what and what it cost; the other report
 * one click away. What a model says is text, whatever it says.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, BrowserContext } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { askingThis } from '../../apps/server/asking.ts'
import { deepenNext, newHolder } from '../../apps/server/deepen.ts'
import { listen } from '../../apps/server/listen.ts'
import { stepsOf } from '../../store/analyst-steps.ts'
import { deepeningsOf } from '../../store/deepenings.ts'
import { listIncidents } from '../../store/incidents.ts'
import { chromiumPath, launchBrowser, looks, openPage } from '../support/browser.ts'
import { markup } from '../support/hostile-text.ts'
import { runHere } from '../support/process.ts'
import { scriptedAnalyst, scriptedSpend } from '../support/scripted-analyst.ts'
import { alertOfShop } from '../support/shop-alert.ts'
import { openSite, type Site } from '../support/site.ts'
import { spend } from '../support/spend-rows.ts'

const screenshots = process.env.FALCONER_SCREENSHOTS
const hostile = `<script>window.pwned = 1</script> \u202e ${markup.join(' ')}`
let release = (): void => {}
const held = new Promise<void>((resolve) => {
  release = resolve
})

describe('a model at work', () => {
  const analyst = scriptedAnalyst({ says: hostile, until: () => held, report: { verdict: 'suspicious', confidence: 'low' } })
  let site: Site
  let path: string
  let incidentId: string
  let working: Promise<boolean>
  beforeAll(async () => {
    site = await openSite({ shop: true, asking: askingThis(analyst), config: { FALCONER_PORT: '0' } })
    await site.ingest(JSON.stringify(alertOfShop()))
    await site.settle()
    incidentId = (await listIncidents(site.db, {}, { limit: 1 })).incidents[0]?.id ?? ''
    path = `/incidents/${incidentId}`
  })
  afterAll(() => site.close())

  const read = async (at = path): Promise<string> => {
    const answer = await site.ask(at, { as: site.people.investigator })
    expect(answer.status, at).toBe(200)
    return answer.text()
  }
  const json = async <T>(at: string): Promise<T> => (await site.ask(`/api/v1${at}`, { as: site.people.viewer })).json() as Promise<T>

  it('is announced before it begins, with the reason', async () => {
    const page = await read()
    expect(page).toContain('Claude will read it soon')
    expect(page).toContain('because it is critical')
    expect(page).toContain('Claude is asked because it is critical.')
  })

  it('shows each step as it happens, told by an event; what it says is text', async () => {
    const events = (await site.ask('/events', { as: site.people.viewer })).body?.getReader()
    working = deepenNext(site.falconer, { holder: newHolder(), stop: new AbortController().signal })
    const id = (await deepeningsOf(site.db, incidentId))[0]?.id ?? ''
    await expect.poll(async () => (await stepsOf(site.db, id)).at(-1)?.kind).toBe('said')
    let heard = ''
    for (let at = 0; at < 20 && !heard.includes('data: steps'); at += 1) heard += new TextDecoder().decode((await events?.read())?.value)
    await events?.cancel()
    expect(heard).toContain('data: steps')
    const page = await read()
    expect(page).toContain('Claude is investigating')
    expect(page).toContain('data-live="incidents proposals steps"')
    expect(page).toMatch(/<code>get_timeline<\/code> <span class="quiet">[\d.]+ K?B in (?:under 1|[\d.]+) m?s<\/span>/)
    expect(page).toContain('&lt;script&gt;window.pwned = 1&lt;/script&gt;')
    expect(page).not.toMatch(/<script>|\u202e/)
    // Nobody asks twice.
    expect(page).not.toContain('Ask Claude')
    const { investigation, steps } = await json<{ investigation: { status: string }; steps: unknown[] }>(
      `/investigations/${id}/steps?after=2`,
    )
    expect([investigation.status, steps.length]).toEqual(['running', (await stepsOf(site.db, id)).length - 2])
  })

  describe.skipIf(chromiumPath === undefined)('in a browser', () => {
    let browser: Browser
    let server: Awaited<ReturnType<typeof listen>>
    const contextOf = async (look = looks[0], scripts = true): Promise<BrowserContext> => {
      const context = await browser.newContext({
        viewport: { width: look?.width ?? 1440, height: 900 },
        colorScheme: look?.scheme,
        javaScriptEnabled: scripts,
      })
      await context.addCookies([{ name: 'falconer_session', value: site.people.investigator.session, url: server.url }])
      return context
    }
    const shoot = async (name: string, at: string): Promise<void> => {
      if (screenshots === undefined) return
      mkdirSync(screenshots, { recursive: true })
      for (const look of looks) {
        const { page } = await openPage(await contextOf(look))
        await page.goto(server.url + at)
        await page.screenshot({ path: join(screenshots, `${name}-${look.width}-${look.scheme}.png`), fullPage: true })
        await page.close()
      }
    }
    beforeAll(async () => {
      server = await listen(site.falconer)
      browser = await launchBrowser()
    })
    afterAll(async () => {
      await browser?.close()
      await server?.close()
    })

    it('the page of the incident follows by itself, until the report is there', async () => {
      await shoot('running', path)
      const { page, complaints } = await openPage(await contextOf())
      await page.goto(server.url + path)
      await expect.poll(() => page.locator('#live-state').innerText()).toBe('Updates by itself.')
      expect(await page.locator('#working').innerText()).toBe('Claude is investigating')
      // Somebody writes a note meanwhile: it is left alone.
      await page.fill('#reason', 'half a note')
      release()
      expect(await working).toBe(true)
      expect(await page.inputValue('#reason')).toBe('half a note')
      await page.fill('#reason', '')
      await page.locator('h1').click()
      site.falconer.changed('incidents')
      await expect.poll(() => page.locator('main').innerText(), { timeout: 10_000 }).toContain('Written by claude-sonnet-5-5')
      expect(await page.evaluate('window.pwned ?? null')).toBeNull()
      expect(complaints).toEqual([])
    })

    it('without scripts all of it is there, and asking is a button that the keyboard reaches', async () => {
      const { page } = await openPage(await contextOf(looks[2], false))
      await page.goto(server.url + path)
      expect(await page.getByRole('button', { name: 'Ask Claude' }).count()).toBe(1)
      const summary = page.locator('#how > summary')
      await summary.focus()
      await page.keyboard.press('Enter')
      expect(await page.locator('#how').getAttribute('open')).not.toBeNull()
      await page.getByRole('link', { name: 'read it' }).click()
      expect(await page.locator('main').innerText()).toContain('Written by the playbook (no model)')
      await shoot('done', path)
    })
  })

  it('says who wrote it, what it took, and where the other disagrees', async () => {
    release()
    await working
    const page = await read()
    expect(page).toMatch(
      /Written by claude-sonnet-5-5, prompt investigate v3f2a91c0, 7 calls, 18,200 tokens \(81% from cache\), \$0\.06, at/,
    )
    expect(page).toContain('Claude (a model)')
    expect(page).toContain('The playbook says true positive (medium confidence), Claude says suspicious (low)')
    expect(page).toMatch(/<details class="more" id="how"><summary>How Claude went about it: 2 questions to its tools/)
    const answer = await json<{
      investigation: { id: string; report: { spend: unknown } }
      investigations: { id: string; analyst: string }[]
      triage: { says: string }
    }>(path)
    expect(answer.investigation.report.spend).toEqual(scriptedSpend)
    expect(answer.investigations.map(({ analyst: by }) => by)).toEqual(['claude', 'playbook'])
    const other = answer.investigations[1]?.id ?? ''
    const second = await read(`${path}?report=${other}`)
    expect(second).toContain('Written by the playbook (no model), version')
    expect(second).toContain('Back to the report that stands first')
    // Of another incident, or none: what stands first is shown.
    expect(await read(`${path}?report=${incidentId}`)).toContain('Written by claude-sonnet-5-5')
    expect(await read(`${path}?report=x`)).toContain('Written by claude-sonnet-5-5')
  })
})

describe('falconer investigate --follow', () => {
  it('tells each step once, a question with its answer, dimmed on a terminal, and then the report', async () => {
    const analyst = scriptedAnalyst({
      says: `\u001b[31mred ${hostile}`,
      report: { partial: 'The model stopped after 3 calls. What stands here is the playbook’s.' },
    })
    const site = await openSite({ shop: true, asking: askingThis(analyst), config: { FALCONER_PORT: '0' } })
    const server = await listen(site.falconer)
    try {
      await site.ingest(JSON.stringify(alertOfShop()))
      await site.settle()
      const [incident] = (await listIncidents(site.db, {}, { limit: 1 })).incidents
      const env = { FALCONER_URL: server.url, FALCONER_TOKEN: site.people.investigator.token }
      const { code, output, errors } = await runHere(['investigate', incident?.id ?? '', '--analyst', 'claude', '--follow'], env)
      expect(code).toBe(0)
      const lines = errors.trim().split('\n')
      expect(lines.map((line) => line.slice(10).split(/[ :]/)[0])).toEqual([
        'Began',
        'get_timeline',
        'get_incident',
        'Says',
        'Wrote',
        'Done',
      ])
      expect(lines[1]).toMatch(/get_timeline {2}[\d.]+ K?B in (?:under 1|[\d.]+) m?s/)
      expect(errors + output).not.toMatch(/\u001b|\u202e/)
      expect(output).toContain('by Claude, a model')
      expect(output).toContain('! Incomplete: The model stopped after 3 calls.')
      expect(output).toContain('Written by claude-sonnet-5-5, prompt investigate v3f2a91c0, 7 calls')
      const shown = await runHere(['incident', incident?.id ?? ''], env)
      // One that ended early does not stand before what is whole.
      expect(shown.output).toContain('by the playbook')
      expect(shown.output).toMatch(/Others who read it:\n {2}· Claude, .*: true positive \(medium\), incomplete/)
      expect((await runHere(['spend'], env)).output).toContain('The cap of a month is $100.00')
      const refused = await runHere(['--no-model', 'investigate', incident?.id ?? '', '--analyst', 'claude'], env)
      expect([refused.code, refused.errors]).toEqual([2, expect.stringContaining('--no-model forbids it')])
    } finally {
      await server.close()
      await site.close()
    }
  }, 60_000)
})

describe('what models cost', () => {
  it('is one page and one answer: the month against its cap, uses, the dearest investigations, and months before', async () => {
    const site = await openSite({ shop: true, asking: askingThis(scriptedAnalyst()), config: { FALCONER_MODEL_USD_MONTH: '10' } })
    try {
      await site.ingest(JSON.stringify(alertOfShop()))
      await site.settle()
      await deepenNext(site.falconer, { holder: newHolder(), stop: new AbortController().signal })
      const [incident] = (await listIncidents(site.db, {}, { limit: 1 })).incidents
      const about = (await deepeningsOf(site.db, incident?.id ?? ''))[0]?.id
      const now = site.clock.now()
      for (let call = 0; call < 4; call += 1) await spend(site.db, { at: now, about, usd: 0.25 })
      await spend(site.db, { at: now, use: 'chat', usd: 0.5, error: 'overloaded' })
      await spend(site.db, { at: now, use: 'chat', model: 'qwen3:8b', usd: null })
      await spend(site.db, { at: new Date('2026-10-31T23:59:59.999Z'), usd: 7 })
      const answer = (await (await site.ask('/api/v1/spend', { as: site.people.viewer })).json()) as Record<string, never>
      expect(answer).toMatchObject({
        month: '2026-11',
        capUsd: 10,
        reached: false,
        total: { calls: 6, usd: 1.5, unpriced: 1 },
        uses: [
          { use: 'investigation', model: 'claude-sonnet-5-5', calls: 4, usd: 1, failed: 0 },
          { use: 'chat', model: 'claude-sonnet-5-5', calls: 1, usd: 0.5, failed: 1 },
          { use: 'chat', model: 'qwen3:8b', calls: 1, usd: 0, unpriced: 1 },
        ],
        investigations: [{ incidentId: incident?.id, usd: 1, calls: 4 }],
      })
      expect(await (await site.ask('/api/v1/spend?month=2026-10', { as: site.people.viewer })).json()).toMatchObject({ total: { usd: 7 } })
      expect((await site.ask('/api/v1/spend?month=2026-13', { as: site.people.viewer })).status).toBe(400)
      const page = await (await site.ask('/spend', { as: site.people.viewer })).text()
      expect(page).toContain('<strong>$1.50</strong> of $10.00')
      expect(page).toContain('1 call of models whose prices are not known')
      expect(page).toContain('85%')
      if (screenshots !== undefined && chromiumPath !== undefined) {
        const server = await listen(Object.assign(site.falconer, { config: { ...site.falconer.config, FALCONER_PORT: 0 } }))
        const browser = await launchBrowser()
        const shoot = async (name: string, at: string): Promise<void> => {
          for (const look of looks) {
            const context = await browser.newContext({ viewport: { width: look.width, height: 900 }, colorScheme: look.scheme })
            await context.addCookies([{ name: 'falconer_session', value: site.people.administrator.session, url: server.url }])
            const page = await context.newPage()
            await page.goto(server.url + at)
            await page.screenshot({ path: join(screenshots, `${name}-${look.width}-${look.scheme}.png`), fullPage: true })
            await context.close()
          }
        }
        await shoot('spend', '/spend')
        await spend(site.db, { at: now, usd: 9 })
        await shoot('capped', `/incidents/${incident?.id}`)
        await shoot('capped-coverage', '/coverage')
        await browser.close()
        await server.close()
      }
    } finally {
      await site.close()
    }
  })
})
