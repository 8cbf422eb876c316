/** What sensors say of themselves, from the message Falco posts to the page, the API and the command line: a gap is told, silence is told. */
import { mkdirSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openApi } from '../../apps/server/api/api.ts'
import { listen } from '../../apps/server/listen.ts'
import { chromiumPath, launchBrowser, looks, openPage } from '../support/browser.ts'
import { runHere } from '../support/process.ts'
import { openSite, type Site } from '../support/site.ts'

const at = (time: string): string => `2026-11-23T${time}Z`
/** As Falco 0.38 writes it (userspace/falco/event_drops.cpp): counts are strings. */
const drop = (hostname: string, time: string, dropped: number, events: number): string =>
  JSON.stringify({
    hostname,
    output: `Falco internal: syscall event drop. ${dropped} system calls dropped in last second.`,
    output_fields: {
      ebpf_enabled: '1',
      n_drops: String(dropped),
      n_drops_buffer_total: String(dropped),
      n_drops_bug: '0',
      n_evts: String(events),
    },
    priority: 'Debug',
    rule: 'Falco internal: syscall event drop',
    source: 'internal',
    time: at(time),
  })
/** As Falco’s documentation shows it. */
const snapshot = (hostname: string, time: string, fields: Record<string, unknown> = {}): string =>
  JSON.stringify({
    hostname,
    output: 'Falco metrics snapshot',
    output_fields: {
      'evt.hostname': hostname,
      'evt.source': 'syscall',
      'falco.kernel_release': '6.8.11-200.fc39.x86_64',
      'falco.num_evts': 537_963,
      'falco.outputs_queue_num_drops': 0,
      'falco.version': '0.42.1',
      'scap.engine_name': 'modern_bpf',
      'scap.n_drops': 0,
      'scap.n_drops_perc': 0,
      'scap.n_evts': 1_200_345,
      ...fields,
    },
    priority: 'Informational',
    rule: 'Falco internal: metrics snapshot',
    source: 'internal',
    time: at(time),
  })
const textOf = (page: string): string =>
  page
    .replaceAll(/<[^>]+>/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/&#39;|&rsquo;/g, '’')

describe('what sensors say of themselves', () => {
  let site: Site
  beforeAll(async () => {
    site = await openSite({ now: at('12:00:00') })
  })
  afterAll(async () => site.close())
  const page = async (): Promise<string> => textOf(await (await site.ask('/sources', { as: site.people.viewer })).text())

  it('says how to have them tell while none did, and claims nothing of a source that was never heard', async () => {
    const text = await page()
    expect(text).toContain('No sensor has told of itself, so events that sensors did not see show nowhere.')
    expect(text).toContain('syscall_event_drops: actions: [log, alert]')
    expect(text).toContain('never: nothing of it is observed')
  })

  it('guarantee 29: drops are a gap with its times, silence is “not observed since”; neither is ever clean', async () => {
    const messages = [
      drop('node-a', '11:40:00', 1_000, 50_000),
      drop('node-a', '11:40:01', 234, 6_789),
      snapshot('node-a', '11:59:00', { 'scap.n_drops': 1_234, 'falco.outputs_queue_num_drops': 17 }),
      snapshot('node-b', '11:58:00'),
      snapshot('node-c', '08:15:00'),
      drop('<NA>', '11:30:00', 5, 10),
    ]
    expect(await (await site.ingest(messages.join('\n'))).json()).toMatchObject({ accepted: 0, internal: 6, deadLetters: 0 })
    const text = await page()
    expect(text).toContain('4 sensors: 2 dropped events, so attacks may have gone unseen; 1 not observed for two hours or more')
    expect(text).toContain('Dropped 1,234 of 56,789 events between 2026-11-23 11:39:59 and 11:40:01')
    expect(text).toContain('17 alerts it could not hand on')
    expect(text).toMatch(/node-c cluster lab, source falco not observed since 2026-11-23 08:15:00/)
    expect(text).toMatch(/host not told cluster lab, source falco 2026-11-23 11:30:00 not told Dropped 5 of 10 events/)
    expect(text).toMatch(/node-b cluster lab, source falco 2026-11-23 11:58:00 0\.42\.1 0 of 1,200,345 events until 2026-11-23 11:58:00/)
    expect(text).not.toMatch(/clean|all is well/i)
    // Ordinary work, hours later: nothing new was heard, so nothing is claimed for the time since.
    site.clock.advance(5 * 3_600_000)
    const later = await page()
    expect(later).toContain('4 not observed for two hours or more')
    expect(later).toMatch(/falco falco, cluster lab not observed since 2026-11-23 12:00:00/)
    site.clock.advance(-5 * 3_600_000)
  })

  it('answers the same over the API, documented, and what a stretch of time may lack', async () => {
    const as = { token: site.people.viewer.token }
    const { sensors, ...counts } = (await (await site.ask('/api/v1/sensors', { as })).json()) as { sensors: Record<string, unknown>[] }
    expect(counts).toEqual({ total: 4, dropping: 2, silent: 1 })
    expect(sensors.find((one) => one.hostname === 'node-a')).toMatchObject({
      source: 'falco',
      notObservedSince: null,
      snapshot: { falcoVersion: '0.42.1', dropped: '1234', alertsDropped: '17' },
      drops: { messages: 2, dropped: '1234', events: '56789' },
      gaps: [{ from: '2026-11-23T11:39:59Z', to: '2026-11-23T11:40:01Z', dropped: '1234', events: '56789', messages: 2 }],
    })
    expect(sensors.find((one) => one.hostname === 'node-c')).toMatchObject({ notObservedSince: '2026-11-23T08:15:00Z', drops: null })
    const gaps = async (query: string): Promise<unknown> => (await site.ask(`/api/v1/sensors/gaps?scope=lab&${query}`, { as })).json()
    expect(await gaps(`host=node-a&from=${at('11:00:00')}&to=${at('12:00:00')}`)).toMatchObject({
      gaps: [{ hostname: 'node-a', dropped: '1234' }],
    })
    expect(await gaps(`from=${at('11:50:00')}&to=${at('12:00:00')}`)).toEqual({ gaps: [] })
    expect(await gaps('from=2026-11-01&to=9999-12-31')).toMatchObject({ status: 400 })
    expect(await gaps('from=yesterday&to=today')).toMatchObject({
      status: 400,
      detail: expect.stringContaining('from: must be a day or a moment'),
    })
    expect(Object.keys((openApi() as { paths: object }).paths)).toEqual(expect.arrayContaining(['/api/v1/sensors', '/api/v1/sensors/gaps']))
    expect((await site.ask('/api/v1/sensors', { as: null })).status).toBe(401)
  })

  it('shows the same on the command line', async () => {
    const server = await listen(Object.assign(site.falconer, { config: { ...site.falconer.config, FALCONER_PORT: 0 } }))
    const env = { FALCONER_URL: server.url, FALCONER_TOKEN: site.people.viewer.token }
    const { output } = await runHere(['sources'], env)
    expect(output).toContain('What the sensors say of themselves')
    expect(output).toContain('1,234 of 56,789 events between 2026-11-23 11:39:59 and 2026-11-23 11:40:01')
    expect(output).toContain('4 sensors: 2 dropped events, 1 not observed for two hours.')
    const parsed = JSON.parse((await runHere(['sources', '--json'], env)).output) as { sources: unknown[]; sensors: { total: number } }
    expect([parsed.sources.length, parsed.sensors.total]).toEqual([1, 4])
    expect((await runHere(['sources', 'sensors', '--host', 'node-c'], env)).output).toMatch(
      /node-c +lab +system calls +0\.42\.1 +not observed since 2026-11-23 08:15:00/,
    )
    await server.close()
  })

  it('escapes and bounds what a sensor calls itself', async () => {
    await site.ingest(drop(`<img src=x onerror=alert(1)>\u202e${'z'.repeat(5_000)}`, '11:59:59', 1, 2))
    const raw = await (await site.ask('/sources', { as: site.people.viewer })).text()
    expect(raw).not.toContain('<img')
    expect(raw).not.toContain('\u202e')
    expect(raw).not.toContain('z'.repeat(200))
  })

  it.skipIf(chromiumPath === undefined)('fits every screen, with many hosts too', async () => {
    await site.ingest(Array.from({ length: 400 }, (_, index) => snapshot(`worker-${index}.eu-central.example.org`, '11:00:00')).join('\n'))
    const server = await listen(site.falconer)
    const browser = await launchBrowser()
    try {
      for (const { width, scheme } of looks) {
        const context = await browser.newContext({ viewport: { width, height: 1_000 }, colorScheme: scheme })
        await context.addCookies([
          { name: site.people.administrator.cookie.split('=')[0] as string, value: site.people.administrator.session, url: server.url },
        ])
        const { page: shown, complaints } = await openPage(context)
        await shown.goto(`${server.url}/sources`)
        expect(await shown.locator('#sensors ~ .table tbody tr').count()).toBe(12)
        expect(await shown.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')).toBeLessThanOrEqual(0)
        const pictures = process.env.FALCONER_SCREENSHOTS
        if (pictures !== undefined) {
          mkdirSync(pictures, { recursive: true })
          await shown.screenshot({ path: `${pictures}/sensors-${width}-${scheme}.png`, fullPage: true })
        }
        expect(complaints).toEqual([])
        await context.close()
      }
    } finally {
      await browser.close()
      await server.close()
    }
  })
})
