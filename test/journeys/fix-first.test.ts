/**
 * What to fix first, from scanners’, Kubernetes’ and Falco’s own words to the command’s and the page’s: three workloads, two images on one base,
 * a library known to be exploited in the one that an incident is on, settings that two scanners name, and a finding that a person suppressed.
 */
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { fixesText, fixText } from '../../apps/cli/fix-text.ts'
import type { FixRow } from '../../apps/cli/rows.ts'
import { addSource } from '../../apps/server/sources.ts'
import type { FixView } from '../../apps/server/api/views/fix.ts'
import { listen } from '../../apps/server/listen.ts'
import { readFielded } from '../../incidents/record-fields.ts'
import { chromiumPath, launchBrowser } from '../support/browser.ts'
import { containerId } from '../support/records.ts'
import { alertOfShop } from '../support/shop-alert.ts'
import { operator, openSite, type Site } from '../support/site.ts'

const digest = (digit: string): string => `sha256:${digit.repeat(64)}`
type Flaw = { id: string; name: string; fixed?: string; cvss?: number }
const image = (name: string, id: string, system: Flaw[], library: Flaw[]): string => {
  const list = (flaws: Flaw[], purl: string): unknown[] =>
    flaws.map(({ id: VulnerabilityID, name: PkgName, fixed, cvss }) => ({
      VulnerabilityID,
      PkgName,
      PkgIdentifier: { PURL: `${purl}/${PkgName}@1.0.0` },
      InstalledVersion: '1.0.0',
      FixedVersion: fixed ?? '',
      Severity: 'HIGH',
      Title: `${VulnerabilityID} in ${PkgName}`,
      ...(cvss === undefined ? {} : { CVSS: { nvd: { V3Score: cvss, V3Vector: 'CVSS:3.1/AV:N' } } }),
    }))
  return JSON.stringify({
    SchemaVersion: 2,
    CreatedAt: '2026-11-23T08:00:00Z',
    ArtifactName: name,
    ArtifactType: 'container_image',
    Metadata: { ImageID: id, RepoTags: [name], OS: { Family: 'debian', Name: '12.5' }, DiffIDs: [digest('f'), id] },
    Results: [
      { Target: name, Class: 'os-pkgs', Type: 'debian', Vulnerabilities: list(system, 'pkg:deb/debian') },
      { Target: 'app/package-lock.json', Class: 'lang-pkgs', Type: 'npm', Vulnerabilities: list(library, 'pkg:npm') },
    ],
  })
}
const deployment = (name: string, imageName: string, id: string, labels: Record<string, string> = {}): unknown[] => {
  const meta = (own: string, uid: string): Record<string, unknown> => ({
    name: own,
    namespace: 'shop',
    uid,
    labels: { app: name, ...labels },
    creationTimestamp: '2026-08-01T00:00:00Z',
  })
  const owner = [{ apiVersion: 'apps/v1', kind: 'Deployment', name, uid: `d-${name}`, controller: true }]
  const spec = { nodeName: 'node-9', containers: [{ name: 'app', image: imageName, securityContext: { privileged: name === 'pay' } }] }
  return [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: meta(name, `d-${name}`),
      spec: { template: { metadata: { labels: { app: name } }, spec } },
    },
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...meta(`${name}-1`, `p-${name}`), ownerReferences: owner },
      spec,
      status: { phase: 'Running', containerStatuses: [{ name: 'app', imageID: id, containerID: `containerd://${containerId(name)}` }] },
    },
  ]
}

describe('fix first', () => {
  let site: Site
  beforeAll(async () => {
    site = await openSite({ now: '2026-11-23T12:00:00Z', config: { FALCONER_PORT: '0' } })
  })
  afterAll(async () => site.close())
  const send = async (collector: string, body: string): Promise<void> => {
    const { secret } = await addSource(site.falconer, operator, { name: `${collector}-${Math.random()}`, collector, scope: 'lab' })
    const answer = await site.ask(`/ingest/${collector}/${secret}`, { method: 'POST', body })
    expect(await answer.json()).toMatchObject({ deadLetters: 0 })
  }
  const read = async <T>(path: string): Promise<T> => {
    const answer = await site.ask(`/api/v1${path}`, { as: { token: site.people.viewer.token } })
    expect(answer.status, path).toBe(200)
    return (await answer.json()) as T
  }
  type List = { fixes: z.infer<typeof FixView>[]; next: string | null; freshness: string }
  const list = (query = ''): Promise<List> => read<List>(`/fixes${query}`)

  it('knows nothing before anything was looked at, and says so', async () => {
    const { fixes, freshness } = await list()
    expect(fixes).toEqual([])
    expect(freshness).toBe('No scanner has reported yet: nothing is known of what there is to fix.')
    expect((await list('?scope=nowhere')).freshness).toMatch(/^Nothing here is called “nowhere”: (there are|no cluster)/)
    expect(await (await site.ask('/fix-first', { as: site.people.viewer })).text()).toContain(
      'That holds for what was looked at, and for nothing else.',
    )
  })

  it('puts first what is exploited where an incident is, grouped by the change that fixes it', async () => {
    const system = ['CVE-2026-1001', 'CVE-2026-1002'].map((id) => ({ id, name: 'libc6', fixed: '2.0', cvss: 9.8 }))
    await send(
      'trivy',
      image('shop/pay:1', digest('a'), system, [
        { id: 'CVE-2021-44228', name: 'logger', fixed: '2.17.1', cvss: 10 },
        { id: 'CVE-2026-1003', name: 'logger', fixed: '2.16.0', cvss: 5 },
        { id: 'CVE-2026-1004', name: 'other', cvss: 9.9 },
      ]),
    )
    await send(
      'trivy',
      image('shop/web:1', digest('b'), [system[0] as Flaw], [{ id: 'CVE-2021-44228', name: 'logger', fixed: '2.17.1', cvss: 10 }]),
    )
    await send(
      'kev',
      JSON.stringify({
        catalogVersion: '2026.11.20',
        dateReleased: '2026-11-20T00:00:00Z',
        count: 1,
        vulnerabilities: [{ cveID: 'CVE-2021-44228', dateAdded: '2021-12-10', knownRansomwareCampaignUse: 'Known' }],
      }),
    )
    const objects = [
      ...deployment('pay', 'shop/pay:1', digest('a'), { 'falconer.dev/criticality': 'critical' }),
      ...deployment('web', 'shop/web:1', digest('b')),
      ...deployment('batch', 'shop/batch:1', digest('c')),
    ]
    await send('kubernetes', JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }))
    const shell = alertOfShop() as unknown as { output_fields: Record<string, unknown> }
    await site.ingest(
      JSON.stringify({
        ...shell,
        output_fields: {
          ...shell.output_fields,
          'container.id': containerId('pay').slice(0, 12),
          'k8s.pod.name': 'pay-1',
          'k8s.ns.name': 'shop',
        },
      }),
    )
    await site.settle()
    const { fixes: whole, freshness } = await list()
    // The changes that attack steps ask for stand among them; these are what scanners ask for.
    const fixes = whole.filter(({ findings }) => findings > 0)
    const [first] = whole
    expect(first).toMatchObject({
      title: 'Update logger in shop/pay:1 to 2.17.1',
      findings: 2,
      fixable: 2,
      version: '2.17.1',
      workloads: { count: 1, live: 1 },
    })
    expect(first?.reasons.map(({ code }) => code)).toEqual(expect.arrayContaining(['kev_listed', 'live_incident', 'criticality_critical']))
    expect(first?.best[0]).toMatchObject({ check: 'CVE-2021-44228', on: 'shop/pay:1' })
    expect(first?.incidents).toHaveLength(1)
    const titles = fixes.map(({ title }) => title)
    expect(titles.toSorted()).toEqual([
      'Build 2 images on a newer base image (debian 12.5)',
      'Update logger in shop/pay:1 to 2.17.1',
      'Update logger in shop/web:1 to 2.17.1',
      'Update other in shop/pay:1: no fixed version is known',
    ])
    expect(fixes.find(({ kind }) => kind === 'base_image')).toMatchObject({
      findings: 3,
      workloads: { count: 2, live: 1 },
      resources: { count: 2 },
    })
    expect(fixes.find(({ title }) => title.includes('web'))?.reasons.map(({ code }) => code)).toContain('kev_listed')
    expect(fixes.find(({ title }) => title.includes('other'))).toMatchObject({ fixable: 0, version: null })
    expect(freshness).toContain('It stands on scans of 2026-11-23 08:00 UTC')
    expect(freshness).toContain('No scanner has looked at an image of Deployment shop/batch: flaws in what runs there are not known.')
    expect((await list(`?incident=${first?.incidents[0]}`)).fixes.map(({ title }) => title)).not.toContain(
      'Update logger in shop/web:1 to 2.17.1',
    )
    expect((await list('?namespace=shop')).fixes.map(({ id }) => id)).toEqual(expect.arrayContaining(fixes.map(({ id }) => id)))
    expect((await list('?namespace=elsewhere')).fixes).toEqual([])
    const paged = await list('?limit=1')
    expect((await list(`?limit=3&cursor=${paged.next}`)).fixes.map(({ id }) => id)).toEqual(whole.slice(1, 4).map(({ id }) => id))
  })

  it('names the change that takes attack steps away', async () => {
    const step = (await list()).fixes.find(({ kind, title }) => kind === 'step' && title.includes('privileged'))
    expect(step).toMatchObject({ findings: 0, workloads: { count: 1, live: 1 } })
    expect(step?.steps.first[0]).toMatchObject({ technique: 'T1611' })
    expect(step?.reasons.map(({ code }) => code)).toContain('takes_host')
  })

  it('takes what scanners say of one setting, and the steps it makes possible, for one change', async () => {
    const found = (check: string): string =>
      JSON.stringify({
        apiVersion: 'aquasecurity.github.io/v1alpha1',
        kind: 'ConfigAuditReport',
        metadata: {
          name: 'deployment-pay',
          namespace: 'shop',
          labels: {
            'trivy-operator.resource.kind': 'Deployment',
            'trivy-operator.resource.name': 'pay',
            'trivy-operator.resource.namespace': 'shop',
          },
        },
        report: {
          updateTimestamp: '2026-11-23T09:00:00Z',
          scanner: { version: '1' },
          checks: [{ checkID: check, title: 'Privileged', severity: 'HIGH', success: false }],
        },
      })
    await send('trivy', found('KSV017'))
    await site.settle()
    const setting = (await list()).fixes.find(({ kind }) => kind === 'setting')
    expect(setting).toMatchObject({
      title: 'Deployment shop/pay: run it without privileged',
      findings: 1,
      workloads: { count: 1, live: 1 },
    })
    expect(setting?.reasons.map(({ code }) => code)).toContain('attack_step')
  })

  it('does not count what a person suppressed, until it is over', async () => {
    const { fixes } = await list()
    const other = fixes.find(({ title }) => title.includes('other'))
    const finding = other?.best[0]?.id ?? ''
    await site.ask(`/findings/${finding}/suppress`, { as: site.people.responder, form: { days: '2', reason: 'not reachable' } })
    await site.settle()
    expect((await list()).fixes.map(({ id }) => id)).not.toContain(other?.id)
    expect(await read(`/fixes/${other?.id}`)).toMatchObject({ findings: 0, suppressed: 1 })
    site.clock.advance(2 * 86_400_000 + 1_000)
    await site.settle()
    expect((await list()).fixes.find(({ id }) => id === other?.id)).toMatchObject({ findings: 1, suppressed: 0 })
    expect(await read(`/findings/${finding}`)).toMatchObject({ fix: { id: other?.id } })
    expect(await (await site.ask(`/findings/${finding}`, { as: site.people.viewer })).text()).toContain(
      `Fixed by <a href="/fix-first/${other?.id}">`,
    )
  })

  it('is told on the command line', async () => {
    const answer = (await list()) as unknown as Parameters<typeof fixesText>[0]
    const text = fixesText(answer)
    expect(text).toMatch(
      /^1\. Update logger in shop\/pay:1 to 2\.17\.1\n {3}(critical|high) \(\d+\.\d\): 2 findings in image \w+ on 1 workload, 1 of them on a live incident’s path\n/,
    )
    expect(text).toContain('known to be exploited: KEV of 2026.11.20 lists it')
    expect(text).toContain('no fixed version known')
    expect(fixText(answer.fixes[0] as FixRow)).toMatch(
      /why\n(.*\n)*.*kev_listed(.*\n)*.*workloads\n {2}Deployment shop\/pay \(lab\), on a live incident’s path/,
    )
  })

  it('says first, on the terminal, the page and in chat, by what the internet reaches it, with the record that shows it', async () => {
    await send(
      'kubernetes',
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'pay', namespace: 'shop', uid: 's-pay', creationTimestamp: '2026-08-01T00:00:00Z' },
        spec: { type: 'LoadBalancer', selector: { app: 'pay' }, ports: [{ port: 443, targetPort: 8443 }] },
      }),
    )
    await site.settle()
    const said = 'reachable from the internet by Service shop/pay, and an alert is at this door'
    const answer = (await list()) as unknown as Parameters<typeof fixesText>[0]
    const [first] = answer.fixes as [FixRow]
    const door = first.reasons.find(({ code }) => code === 'alert_at_the_door')
    expect(door).toMatchObject({ text: said, shownBy: { path: 'properties.type', value: 'LoadBalancer' } })
    expect(fixesText(answer).split('\n')[2]).toMatch(new RegExp(`^   ${said} \\(×3\\.75\\); `))
    expect(fixText(first)).toContain(`${said} (properties.type: LoadBalancer, record ${door?.shownBy?.entity})`)
    const page = await (await site.ask('/fix-first', { as: site.people.viewer })).text()
    expect(page).toContain(said)
    const one = await (await site.ask(`/fix-first/${first.id}`, { as: site.people.viewer })).text()
    expect(one).toContain(`<a href="/cluster/${door?.shownBy?.entity}">`)
    const fields = (await readFielded(site.falconer.db, 'fix', first.id))?.fields
    expect(fields?.why, 'what chat cites').toMatch(new RegExp(`^${said}; `))
  })

  it.skipIf(chromiumPath === undefined)('is a page for every width and scheme, and for the keyboard', async () => {
    const server = await listen(site.falconer)
    const browser = await launchBrowser()
    try {
      for (const [width, colorScheme] of [
        [1440, 'light'],
        [390, 'dark'],
      ] as const) {
        const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme })
        await context.addCookies([{ name: 'falconer_session', value: site.people.viewer.session, url: server.url }])
        const page: Page = await context.newPage()
        await page.goto(`${server.url}/fix-first`)
        expect(await page.locator('tbody tr').count()).toBe((await list()).fixes.length)
        expect(await page.locator('tbody tr').first().textContent()).toContain('Update logger in shop/pay:1')
        const wide = (): Promise<boolean> => page.evaluate('document.documentElement.scrollWidth > document.documentElement.clientWidth')
        expect(await wide(), `list at ${width}`).toBe(false)
        const link = page.locator('tbody tr a').first()
        await link.focus()
        await page.keyboard.press('Enter')
        await page.waitForURL(/\/fix-first\/[0-9a-f-]{36}$/)
        expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('Update logger in shop/pay:1 to 2.17.1')
        expect(await page.locator('main').textContent()).toContain('known to be exploited')
        expect(await wide(), `fix at ${width}`).toBe(false)
        await context.close()
      }
    } finally {
      await browser.close()
      await server.close()
    }
  })
})
