/** What a reader is told of noise and of use: everyday alerts, then one that is not; a package that ran, and one that nobody saw. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { accept } from '../../store/intake.ts'
import { imageDigest, running, vulnerable } from '../support/image-package.ts'
import { delivery, newAlert, process_ } from '../support/records.ts'
import { openSite, type Site } from '../support/site.ts'
import { fromDate } from '../../domain/event-time.ts'

const textOf = (page: string): string => page.replaceAll(/<[^>]+>/g, ' ').replaceAll(/\s+/g, ' ')
const day = 24n * 3_600_000_000_000n

describe('noise and use', () => {
  let site: Site
  beforeAll(async () => {
    site = await openSite({ now: '2026-11-20T12:00:00Z' })
    const now = fromDate(site.clock.now()) - 3_600_000_000_000n
    const { containerId, ...pod } = running('lab', 'web-1', 'shop/app:1', now - 40n * day)
    await accept(site.db, site.clock, [pod, vulnerable(imageDigest('shop/app:1'), { used: ['usr/bin/<b>used'], other: ['usr/bin/other'] })])
    const alerts = Array.from({ length: 12 }, (_, n) =>
      newAlert({
        scope: 'lab',
        eventNs: now - BigInt(n) * day,
        rule: '<b>Noisy',
        priority: 'Warning',
        container: { id: containerId, name: null, image: null },
        process: process_({ exepath: '/usr/bin/<b>used' }),
      }),
    )
    await accept(site.db, site.clock, [delivery({ alerts })])
    await site.settle()
  })
  afterAll(async () => site.close())
  const read = async <T>(path: string): Promise<T> =>
    (await (await site.ask(`/api/v1${path}`, { as: { token: site.people.viewer.token } })).json()) as T
  const page = async (path: string): Promise<string> => (await site.ask(path, { as: site.people.viewer })).text()

  it('an incident says how usual it is and what follows from it; nothing is hidden', async () => {
    const { incidents } = await read<{ incidents: { id: string; severity: string; firstAt: string }[] }>('/incidents')
    expect(incidents).toHaveLength(12)
    const newest = incidents.toSorted((a, b) => (a.firstAt < b.firstAt ? 1 : -1))[0]
    expect(newest?.severity).toBe('low')
    const { normal } = await read<{ normal: { rule: string; usual: { text: string; level: string } }[] }>(`/incidents/${newest?.id}`)
    expect(normal).toMatchObject([{ rule: '<b>Noisy', usual: { text: 'seen 11 times on 11 of 11 days here', level: 'usual' } }])
    const shown = await page(`/incidents/${newest?.id}`)
    expect(textOf(shown)).toMatch(/Why it is low .*seen 11 times on 11 of 11 days here.*What is normal here/)
    expect(shown).not.toContain('<b>Noisy')
    const { alerts } = await read<{ alerts: { id: string; usual: { text: string } }[] }>(`/incidents/${newest?.id}/alerts`)
    expect(alerts[0]?.usual.text).toBe('seen 11 times on 11 of 11 days here')
    expect(textOf(await page(`/alerts/${alerts[0]?.id}`))).toMatch(/Before that day seen 11 times on 11 of 11 days here/)
  })

  it('what is normal in a place is listed, and what is usual of it', async () => {
    const listed = await read<{ normal: { place: string; process: string; usual: { text: string } }[]; whole: boolean }>(
      '/baseline?level=usual&place=shop',
    )
    expect(listed).toMatchObject({
      normal: [{ place: 'Deployment shop/web', process: '/usr/bin/<b>used', usual: { text: 'seen 11 times on 11 of 11 days here' } }],
      whole: true,
    })
    expect((await read<{ normal: unknown[] }>('/baseline?level=new')).normal).toEqual([])
  })

  it('a finding says whether its package is in use, or since when nobody saw it; the list can be asked for what is', async () => {
    type Found = {
      id: string
      package: { name: string }
      use: { inUse: boolean | null; text: string; notObservedSince: string | null; alertId: string }
    }
    const all = (await read<{ findings: Found[] }>('/findings')).findings.toSorted((a, b) => (a.package.name < b.package.name ? -1 : 1))
    expect(all.map(({ use }) => use)).toMatchObject([
      { inUse: null, text: 'not observed since 2026-11-09 11:00 UTC' },
      { inUse: true, text: 'in use: /usr/bin/<b>used was run 2026-11-20 11:00 UTC' },
    ])
    expect((await read<{ findings: Found[] }>('/findings?inUse=true')).findings.map((one) => one.package.name)).toEqual(['used'])
    const listed = await page('/findings')
    expect(textOf(listed)).toMatch(/in use .*not observed since/)
    const shown = await page(`/findings/${all[1]?.id}`)
    expect(shown).toContain(`/alerts/${all[1]?.use.alertId}`)
    expect(shown).not.toContain('<b>used')
    expect(textOf(await page('/findings?inUse=true'))).not.toMatch(/Flaw of other/)
  })
})
