/**
 * What others build on, as they meet it: a real server tells a real webhook, which fails, is slow, asks to be left alone, dies and comes back;
 * the server is killed between commit and delivery; and the same incidents and findings are fetched as OCSF, page by page.
 */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { signatureOf } from '../../notify/channels/webhook.ts'
import { Secret } from '../../domain/redact.ts'
import { collect } from '../support/collect.ts'
import { type Home, prepareHome, serveAt, type Served } from '../support/ingest-server.ts'
import { Event } from '../support/ocsf-schema.ts'
import { runHere } from '../support/process.ts'
import { answers, type CloudEvent, Receiver } from '../support/receiver.ts'
import { alertOfShop } from '../support/shop-alert.ts'

const secret = 'whsec_c29tZXRoaW5nIHRoYXQgbm9ib2R5IGVsc2Uga25vd3M='
const password = 'hunter2hunter2hunter2'
const pause = (ms: number): Promise<void> => new Promise((resume) => void setTimeout(resume, ms))

describe('what is told outside', { timeout: 240_000 }, () => {
  const receiver = new Receiver()
  let home: Home
  let server: Served
  let address: string
  let outputs = ''

  const start = async (): Promise<void> => {
    server = serveAt(home, { FALCONER_WEBHOOK_URL: receiver.url, FALCONER_WEBHOOK_SECRET: secret, FALCONER_LOG: 'info' })
    address = (await server.address) ?? ''
    expect(address, server.output()).not.toBe('')
  }
  const end = async (): Promise<void> => {
    await server.kill()
    outputs += server.output()
  }
  beforeAll(async () => {
    home = await prepareHome('embedded')
    await receiver.listen()
    await start()
  }, 240_000)
  afterAll(async () => {
    await server?.kill()
    await receiver.close()
    await home?.drop()
  })

  /** An alert each in a container and host of its own: so many incidents. */
  const post = async (...names: string[]): Promise<void> => {
    const lines = names.map((name) =>
      JSON.stringify(
        alertOfShop(
          { hostname: `host-${name}`, time: '2026-11-23T11:59:00Z' },
          { 'container.id': Buffer.from(name).toString('hex').padEnd(12, '0'), 'proc.cmdline': `bash -c ${name} --password ${password}` },
        ),
      ),
    )
    const answer = await fetch(address, { method: 'POST', body: lines.join('\n') })
    expect(await answer.json()).toMatchObject({ accepted: names.length })
  }
  const hosts = (events: readonly CloudEvent[]): string[] =>
    events.map(({ data }) => (data.message as string).replace(/^.* in container /, '')).sort()
  const created = (): CloudEvent[] => receiver.events.filter(({ type }) => type === 'io.falconer.incident.created')
  const until = (what: () => boolean, timeout = 60_000): Promise<void> => vi.waitUntil(what, { timeout, interval: 50 }).then(() => {})
  const falconer = (...args: string[]): ReturnType<typeof runHere> =>
    runHere(args, { FALCONER_URL: new URL(address).origin, FALCONER_TOKEN: home.token })
  const status = async (): Promise<Record<string, unknown>> => {
    const answer = await fetch(`${new URL(address).origin}/api/v1/status`, { headers: { authorization: `Bearer ${home.token}` } })
    return ((await answer.json()) as { destinations: Record<string, unknown>[] }).destinations[0] ?? {}
  }

  it('a new incident is told at once, its verdict after, each as a signed CloudEvent that holds OCSF', async () => {
    await post('one')
    await until(() => receiver.events.some(({ type }) => type.endsWith('updated')))
    const [first, second] = receiver.events
    expect([first?.type, second?.type]).toEqual(['io.falconer.incident.created', 'io.falconer.incident.updated'])
    expect(second?.data).toMatchObject({ class_uid: 2005, status: 'In Progress', verdict: expect.any(String) })
    expect([first?.subject, (first?.sequence ?? '') < (second?.sequence ?? '')]).toEqual([second?.subject, true])
    for (const { event, headers, body } of receiver.received) {
      Event.parse(event.data)
      const at = Number(headers['webhook-timestamp'])
      expect(headers['webhook-signature']).toBe(signatureOf(new Secret(secret), event.id, at, body))
      expect(Math.abs(Date.now() / 1_000 - at)).toBeLessThan(60)
      expect(body).not.toContain(password)
    }
  })

  it('a receiver that fails, hangs up or says nothing is told again, not in a storm, until it has everything', async () => {
    const from = receiver.received.length
    const fail = [answers.status(500), answers.cut, answers.never, answers.status(302, { location: 'http://127.0.0.1:9/' })]
    receiver.answer = (response, received, place) => (fail[place - from] ?? answers.ok)(response, received, place)
    await post('two')
    await until(() => created().length === 2 && receiver.received.length > from + fail.length)
    const tries = receiver.received.slice(from, from + fail.length + 1)
    expect(new Set(tries.map(({ event }) => event.id)).size).toBe(1)
    const gaps = tries.slice(1).map(({ at }, index) => at - (tries[index]?.at ?? 0))
    expect(gaps[0]).toBeGreaterThan(700)
    expect(gaps[1]).toBeGreaterThan(1_400)
  })

  it('asked with 429 to come back later, it comes back later', async () => {
    const from = receiver.received.length
    receiver.answer = (response, received, place) =>
      (place === from ? answers.status(429, { 'retry-after': '4' }) : answers.ok)(response, received, place)
    await post('three')
    await until(() => receiver.received.length > from + 1)
    const [asked, again] = receiver.received.slice(from)
    expect((again?.at ?? 0) - (asked?.at ?? 0)).toBeGreaterThan(3_900)
    expect(again?.event.id).toBe(asked?.event.id)
    receiver.answer = answers.ok
  })

  it('a dead receiver is seen in the status, in the ledger and by the doctor, and is told all when it is back', async () => {
    await receiver.close()
    await post('four', 'five', 'six')
    await vi.waitUntil(async () => Number((await status()).failures) >= 2, { timeout: 60_000, interval: 200 })
    expect(await status()).toMatchObject({
      name: expect.stringMatching(/^webhook 127\.0\.0\.1:\d+$/),
      error: 'it cannot be reached (ECONNREFUSED)',
    })
    expect((await falconer('coverage', '--gaps')).output).toMatch(
      /destination +webhook 127.*incidents wait to be told to it.*it cannot be reached/,
    )
    const waits = /note +destinations +webhook 127[^\n]*incidents wait[^\n]*cannot be reached/
    expect((await runHere(['doctor'], { ...home.env, FALCONER_TOKEN: home.token })).output).toMatch(waits)
    await end()
    const env = { ...home.env, FALCONER_WEBHOOK_URL: receiver.url, FALCONER_WEBHOOK_SECRET: secret }
    expect((await runHere(['doctor'], env)).output).toMatch(waits)
    await receiver.comeBack()
    await start()
    await until(() => created().length === 6)
  })

  it('killed with -9 between commit and delivery, again and again, it loses nothing, and repeats only under the same id', async () => {
    const wanted = created().length
    for (let kill = 0; kill < 3; kill += 1) {
      receiver.answer = answers.never
      const from = receiver.received.length
      const names = Array.from({ length: 12 }, (_, index) => `k${kill}x${index}`)
      await post(...names)
      // Committed and correlated, on its way, and not taken.
      await until(() => receiver.received.length > from)
      await end()
      receiver.answer = answers.ok
      await start()
    }
    await until(() => created().length === wanted + 36, 120_000)
    const incidents = new Set(receiver.events.map(({ subject }) => subject))
    expect(incidents.size).toBe(wanted + 36)
    // What a receiver that knows repetitions sees: of each incident its beginning first, and what comes later with a greater sequence.
    for (const events of Map.groupBy(receiver.events, ({ subject }) => subject).values()) {
      expect(events[0]?.type).toBe('io.falconer.incident.created')
      expect(events.filter(({ type }) => type.endsWith('created'))).toHaveLength(1)
      expect(events.map(({ sequence }) => sequence)).toEqual(events.map(({ sequence }) => sequence).sort())
    }
    expect(hosts(created()).length).toBe(wanted + 36)
  })

  it('the same is fetched as OCSF, page by page, since a moment, and read again', async () => {
    // Until each has its verdict, and nothing changes any more.
    await vi.waitUntil(async () => !(await falconer('export', 'incidents')).output.includes('"status":"New"'), {
      timeout: 60_000,
      interval: 1_000,
    })
    const { output, errors, code } = await falconer('export', 'incidents')
    expect([code, errors]).toEqual([0, '42 events written.\n'])
    const events = output
      .trim()
      .split('\n')
      .map((line) => Event.parse(JSON.parse(line)))
    expect(new Set(events.map(({ unmapped }) => unmapped?.incident_uid)).size).toBe(42)
    const times = events.map(({ time }) => time)
    expect(times).toEqual(times.toSorted((a, b) => a - b))
    const since = new Date(times.at(-3) as number).toISOString()
    const { output: recent } = await falconer('export', 'incidents', '--since', since)
    expect(
      recent
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { time: number }).time),
    ).toEqual(times.filter((at) => at >= (times.at(-3) as number)))
    const pages: unknown[] = []
    for (let cursor = ''; ;) {
      const path = `/api/v1/ocsf/incidents?limit=5${cursor === '' ? '' : `&cursor=${cursor}`}`
      const answer = await fetch(new URL(path, address), { headers: { authorization: `Bearer ${home.token}` } })
      const page = (await answer.json()) as { events: unknown[]; next: string | null }
      pages.push(...page.events)
      if (page.next === null) break
      cursor = page.next
    }
    expect(pages).toEqual(
      output
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    )
    const alerts = await falconer('export', 'alerts')
    const detections = alerts.output
      .trim()
      .split('\n')
      .map((line) => Event.parse(JSON.parse(line)))
    expect(detections).toHaveLength(42)
    expect((await collect(alerts.output)).alerts).toHaveLength(42)
    // Each finding of an incident is one of these alerts.
    const known = new Set(detections.flatMap((one) => ('finding_info' in one ? [one.finding_info.uid] : [])))
    for (const one of events) if ('finding_info_list' in one) expect(known.has(one.finding_info_list[0]?.uid ?? '')).toBe(true)
    expect(`${output}${alerts.output}`).not.toContain(password)
    expect((await falconer('export', 'findings')).errors).toBe('0 events written.\n')
    expect((await falconer('export', 'incidents', '--since', 'yesterday')).code).toBe(2)
  })

  it('neither the address nor the secret is in any log line', async () => {
    await pause(100)
    await end()
    expect(outputs).toContain('a destination does not take incidents; they wait')
    expect(outputs).not.toMatch(/hook-of-nobody-else|only-ours-4711/)
    expect(outputs).not.toContain(secret.slice(6))
  })
})
