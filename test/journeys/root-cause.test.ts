/**
 * From alerts, a scanner's report and inventory to what made it possible: the flaw of the very image, how it is reached, what follows, each cited and read
 * again. Another image's flaw and another cluster's posture are not attached; where nobody looked, that is said.
 */
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { investigate } from '../../agent/investigate.ts'
import { playbook } from '../../agent/playbook/playbook.ts'
import { listen } from '../../apps/server/listen.ts'
import { addSource } from '../../apps/server/sources.ts'
import { readInput } from '../../collectors/read.ts'
import { FixedClock } from '../../domain/clock.ts'
import { stringifyExact } from '../../domain/exact-json.ts'
import { claimParts, type GroundedClaim, type Report } from '../../domain/report.ts'
import { loadScenario, mutate, type Scenario, toJsonLines } from '../../evals/scenario.ts'
import { correlatePending } from '../../incidents/pipeline.ts'
import type { Database } from '../../store/database.ts'
import { getFindingFacts } from '../../store/finding-facts.ts'
import { accept } from '../../store/intake.ts'
import { listIncidents } from '../../store/incidents.ts'
import { chromiumPath, launchBrowser, looks, openPage } from '../support/browser.ts'
import { eachDatabase } from '../support/database.ts'
import { deriveAll, recordScan } from '../support/posture.ts'
import { delivery } from '../support/records.ts'
import { recordInventory } from '../support/shop.ts'
import { openSite, operator, type Site } from '../support/site.ts'

const now = '2026-11-24T12:00:00Z'
const clock = new FixedClock(now)
const story = (seed: number): Scenario => mutate(loadScenario('shop-checkout-intrusion', new Date(now)), seed)
type Json = Record<string, unknown>

/** The report, of another image: other digests, another package. */
function ofAnother({ trivy }: Scenario): Json {
  const text = stringifyExact(trivy).replaceAll('CVE-2022-29078', 'CVE-2019-10744').replaceAll('checkout', 'catalogue')
  return JSON.parse(text.replaceAll(/sha256:[0-9a-f]{64}/g, (digest) => `sha256:${digest.slice(7).split('').reverse().join('')}`)) as Json
}
/** What Trivy says of the settings of the workload in which it happens. */
function settingOf({ objects }: Scenario): Json {
  const { namespace, name } = objects.find(({ kind }) => kind === 'Deployment')?.metadata ?? {}
  const check = {
    ID: 'KSV036',
    AVDID: 'AVD-KSV-0036',
    Title: 'Protecting Pod service account tokens',
    Severity: 'MEDIUM',
    Status: 'FAIL',
    Resolution: 'Set automountServiceAccountToken to false',
  }
  const results = [{ Target: `Deployment/${name}`, Class: 'config', Type: 'kubernetes', Misconfigurations: [check] }]
  return { ClusterName: 'c', Resources: [{ Namespace: namespace, Kind: 'Deployment', Name: name, Results: results }] }
}
const plain = (claims: readonly GroundedClaim[]): string => claims.map(({ text }) => text.replaceAll(/[⟦⟧]/g, '')).join('\n')
const citedFindings = (report: Report): string[] =>
  claimParts
    .flatMap((part) => report[part])
    .flatMap(({ evidence }) => evidence.flatMap(({ record, id }) => (record === 'finding' ? [id] : [])))

eachDatabase('what made an incident possible', (database) => {
  type Step = 'inventory' | 'scan' | 'other image' | 'alerts'
  const everything: Step[] = ['inventory', 'scan', 'other image', 'alerts']

  async function alertsIn(db: Database, scope: string, { alerts }: Scenario): Promise<void> {
    async function* bytes(): AsyncIterable<Uint8Array> {
      yield Buffer.from(toJsonLines(alerts))
    }
    await readInput(bytes(), {
      path: 'alerts',
      format: 'falco',
      source: { sourceId: null, sourceName: 'falco', scope, receivedNs: BigInt(clock.now().getTime()) * 1_000_000n },
      onBatch: async ({ records }) => {
        await accept(db, clock, [delivery({ scope, alerts: records.flatMap((record) => (record.kind === 'alert' ? [record.alert] : [])) })])
      },
    })
  }

  async function reported(
    scope: string,
    scenario: Scenario,
    order: readonly Step[] = everything,
    besides?: [scope: string, scan: Json],
  ): Promise<Report> {
    const db = database()
    const steps: Record<Step, () => Promise<unknown>> = {
      inventory: () => recordInventory(db, clock, scope, scenario.objects),
      scan: () => recordScan(db, clock, scope, scenario.trivy),
      'other image': () => recordScan(db, clock, scope, ofAnother(scenario)),
      alerts: () => alertsIn(db, scope, scenario),
    }
    for (const step of order) await steps[step]()
    if (besides !== undefined) await recordScan(db, clock, ...besides)
    while ((await correlatePending(db, clock)).more);
    await deriveAll(db, clock)
    const [worst] = (await listIncidents(db, { scope }, { limit: 1 })).incidents
    const { report, error } = await investigate(db, clock, playbook, worst?.id ?? '', { cluster: () => null })
    expect(error).toBeNull()
    expect(report?.ungrounded).toBe(0)
    return report as Report
  }

  it('is the flaw of the image in which it happened, in the program that was used, with the version that mends it', async () => {
    const scenario = story(1)
    const report = await reported('cause-1', scenario)
    expect(plain(report.rootCause.slice(0, 1))).toMatch(
      /^CVE-2022-29078 in ejs 3\.1\.6 of image .+; ejs belongs to the application node \/app\/server\.js/,
    )
    expect(plain(report.fixFirst)).toMatch(/Update ejs to 3\.1\.10 or newer in image/)
    expect(plain(report.summary)).toMatch(
      /the likely way in is a flaw in that application; of those known in its image, CVE-2022-29078 in ejs fits best/,
    )
    expect(plain(report.rootCause)).toMatch(/It is reached from the internet: Ingress .+ leads to Deployment/)
    expect(plain(report.rootCause)).toMatch(/has the token of ServiceAccount .+ \(T1528\), which fits that credentials were read or used/)
    expect(plain(report.blastRadius)).toMatch(/From here could be taken, one step after the other: every Secret of namespace/)
    expect(report.unknowns.join('\n')).toMatch(/Image “.+” was last looked at by trivy at 2026-11-2/)
    expect(report.unknowns.join('\n')).not.toMatch(/No scanner has looked at image/)
  })

  it('cites no finding of another image, and none of another cluster', async () => {
    const scenario = story(2)
    const report = await reported('cause-2', scenario)
    const cited = await getFindingFacts(database(), citedFindings(report))
    const own = new Set(JSON.stringify(scenario.trivy).match(/sha256:[0-9a-f]{64}/g))
    expect(cited.length).toBeGreaterThan(0)
    for (const { resource, check } of cited) {
      expect(own).toContain(resource.key)
      expect(check).not.toBe('CVE-2019-10744')
    }
    // What a scanner says of a workload of the same name in another cluster is not of this one.
    const elsewhere = story(3)
    const ownSettings = await reported('cause-3', elsewhere, ['inventory', 'alerts'], ['cause-3-other', settingOf(elsewhere)])
    expect(citedFindings(ownSettings)).toEqual([])
    const told = await reported('cause-3b', elsewhere, ['inventory', 'alerts'], ['cause-3b', settingOf(elsewhere)])
    expect((await getFindingFacts(database(), citedFindings(told))).map(({ check, scope }) => [check, scope])).toEqual([
      ['trivy/KSV-0036', 'cause-3b'],
    ])
  })

  it('is the same in whatever order alerts, inventory and scans come', async () => {
    const scenario = story(4)
    const told = async (scope: string, order: Step[]): Promise<unknown> => {
      const { rootCause, rootCauses, fixFirst, blastRadius } = await reported(scope, scenario, order)
      return { rootCause: plain(rootCause), rootCauses, fixFirst: plain(fixFirst), blastRadius: plain(blastRadius) }
    }
    const expected = await told('cause-4', everything)
    expect(await told('cause-4b', ['alerts', 'other image', 'scan', 'inventory'])).toEqual(expected)
    expect(await told('cause-4c', ['scan', 'alerts', 'inventory', 'other image'])).toEqual(expected)
  })

  it('says who has not looked where nobody has, never that there is no cause', async () => {
    const unscanned = await reported('cause-5', story(5), ['inventory', 'alerts'])
    expect(unscanned.unknowns.join('\n')).toMatch(/No scanner has looked at image “.+”: its vulnerabilities are not known/)
    expect(plain(unscanned.rootCause)).not.toMatch(/CVE/)
    const unplaced = await reported('cause-6', story(6), ['alerts'])
    expect(unplaced.unknowns.join('\n')).toMatch(/Posture .* was not observed: inventory does not say which image/)
    expect(unplaced.rootCause).toEqual([])
    expect(JSON.stringify([unscanned, unplaced])).not.toMatch(/no cause|is clean|no vulnerabilit/i)
  })
})

describe.skipIf(chromiumPath === undefined)('on the incident’s page', () => {
  let site: Site
  let server: Awaited<ReturnType<typeof listen>>
  let browser: Browser
  let incidentId: string
  beforeAll(async () => {
    site = await openSite({ now, config: { FALCONER_PORT: '0' } })
    const scenario = story(7)
    await recordInventory(site.db, site.clock, 'lab', scenario.objects)
    const { secret } = await addSource(site.falconer, operator, { name: 'trivy', collector: 'trivy', scope: 'lab' })
    expect((await site.ask(`/ingest/trivy/${secret}`, { method: 'POST', body: stringifyExact(scenario.trivy) })).status).toBe(200)
    await site.ingest(toJsonLines(scenario.alerts))
    await site.settle()
    incidentId = (await listIncidents(site.db, {}, { limit: 1 })).incidents[0]?.id ?? ''
    server = await listen(site.falconer)
    browser = await launchBrowser()
  })
  afterAll(async () => {
    await browser?.close()
    await server?.close()
    await site?.close()
  })

  const signedIn = async (options: Parameters<Browser['newContext']>[0] = {}): Promise<BrowserContext> => {
    const context = await browser.newContext(options)
    await context.addCookies([
      { name: 'falconer_session', value: site.people.viewer.session, url: server.url, httpOnly: true, sameSite: 'Lax' },
    ])
    return context
  }
  const part = (page: Page) => page.locator('section', { has: page.locator('#possible') })

  it.each(looks)('stands in its place, readable, at $width px in the $scheme', async ({ width, scheme }) => {
    const context = await signedIn({ viewport: { width, height: 900 }, colorScheme: scheme })
    const { page, complaints } = await openPage(context)
    await page.goto(`${server.url}/incidents/${incidentId}`)
    expect(await part(page).locator('ol.claims').first().locator('> li').count()).toBe(3)
    expect(await part(page).innerText()).toMatch(
      /CVE-2022-29078 in ejs[\s\S]*What to change first[\s\S]*Update ejs to 3\.1\.10[\s\S]*What could be taken next/,
    )
    expect(await page.evaluate('document.documentElement.scrollWidth <= window.innerWidth')).toBe(true)
    if (process.env.FALCONER_SCREENSHOTS !== undefined)
      await part(page).screenshot({ path: `${process.env.FALCONER_SCREENSHOTS}/root-cause-${width}-${scheme}.png` })
    expect(complaints).toEqual([])
    await context.close()
  })

  it('leads by keyboard from a sentence to the finding it stands on', async () => {
    const context = await signedIn()
    const { page, complaints } = await openPage(context)
    await page.goto(`${server.url}/incidents/${incidentId}`)
    await page.locator('#cause-0 summary').focus()
    await page.keyboard.press('Enter')
    const link = page.locator('#cause-0 a[href^="/findings/"]').first()
    await link.focus()
    await Promise.all([page.waitForURL(/\/findings\//), page.keyboard.press('Enter')])
    expect(await page.innerText('main')).toMatch(/CVE-2022-29078/)
    expect(complaints).toEqual([])
    await context.close()
  })

  it('is in the API and in the terminal’s words too', async () => {
    const answer = await site.ask(`/api/v1/incidents/${incidentId}`, { as: { token: site.people.viewer.token } })
    const { investigation } = (await answer.json()) as { investigation: { report: Report } }
    expect(investigation.report.rootCause[0]).toMatchObject({
      grounded: true,
      evidence: expect.arrayContaining([expect.objectContaining({ record: 'finding', path: 'check', value: 'CVE-2022-29078' })]),
    })
    expect(investigation.report.rootCauses).toBeGreaterThanOrEqual(investigation.report.rootCause.length)
  })
})
