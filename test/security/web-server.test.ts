/**
 * The server over real sockets: senders that go away in the middle, bodies that grow too large, a full queue, events that end,
 * a database that is gone, and a stop that lets what is under way end first.
 */
import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { listen } from '../../apps/server/listen.ts'
import type { Database } from '../../store/database.ts'
import { listSources } from '../../store/sources.ts'
import { delivery, newAlert } from '../support/records.ts'
import { alertOfShop } from '../support/shop-alert.ts'
import { openSite, type Site } from '../support/site.ts'

type Server = Awaited<ReturnType<typeof listen>>
const line = (at: number): string =>
  `${JSON.stringify(alertOfShop({ time: new Date(Date.parse('2026-11-23T11:00:00Z') + at).toISOString() }))}\n`

describe('ingest over a socket', () => {
  let site: Site
  let server: Server
  beforeAll(async () => {
    site = await openSite({ config: { FALCONER_PORT: '0', FALCONER_INGEST_MAX_BYTES: '2000000' } })
    server = await listen(site.falconer)
  })
  afterAll(async () => {
    await server.close()
    await site.close()
  })
  afterEach(() => vi.restoreAllMocks())

  const post = (headers: Record<string, string> = {}): ClientRequest =>
    httpRequest(`${server.url}/ingest/falco/${site.secret}`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson', ...headers },
    })
  const answered = (request: ClientRequest): Promise<IncomingMessage & { text: string }> =>
    new Promise((resolve, reject) => {
      request.once('error', reject).once('response', (answer) => {
        let text = ''
        answer.on('data', (part: Buffer) => (text += part.toString())).once('end', () => resolve(Object.assign(answer, { text })))
      })
    })
  const accepted = async (): Promise<number> => (await listSources(site.db)).find((one) => one.name === 'falco')?.accepted ?? 0
  const held = (): number => site.falconer.intake.stats.waitingBytes

  it('a sender that goes away in the middle costs nothing: no error, no room kept, and the next one is served', async () => {
    const before = await accepted()
    for (const headers of [{}, { 'content-length': '1000000' }] as Record<string, string>[]) {
      const cut = post(headers)
      cut.on('error', () => {})
      cut.write(line(1) + line(2).slice(0, 100))
      await expect.poll(held).toBeGreaterThan(0)
      cut.destroy()
      await expect.poll(held, { timeout: 10_000 }).toBe(0)
    }
    const next = post()
    next.end(line(3))
    expect((await answered(next)).statusCode).toBe(200)
    // A whole line that came before the cut may have been committed: it was received.
    expect((await accepted()) - before).toBeLessThanOrEqual(2)
    await expect.poll(() => site.logged.filter((one) => one.includes('request cut off')).length).toBe(2)
    expect(site.logged.filter((one) => one.includes('"level":"error"'))).toEqual([])
  })

  it('a packed body that is cut off costs nothing either', async () => {
    const packed = gzipSync(Array.from({ length: 5_000 }, (_, at) => line(at * 7_919)).join(''))
    const before = site.logged.filter((one) => one.includes('request cut off')).length
    const cut = post()
    cut.on('error', () => {})
    cut.write(packed.subarray(0, 2_000))
    await expect.poll(held).toBeGreaterThan(4_000_000)
    cut.destroy()
    await expect.poll(held, { timeout: 10_000 }).toBe(0)
    await expect.poll(() => site.logged.filter((one) => one.includes('request cut off')).length).toBe(before + 1)
    const next = post()
    next.end(line(6))
    expect((await answered(next)).statusCode).toBe(200)
  })

  it('guarantee 28: a delivery that cannot be made into a statement fails alone: what shares its commit is stored', async () => {
    let document: unknown = 1
    for (let level = 0; level < 20_000; level += 1) document = [document]
    const scope = 'neighbours'
    const of = (n: number): ReturnType<typeof newAlert> => ({
      ...newAlert({ scope, hostname: `neighbour-${n}` }),
      ...(n === 3 ? { fields: { document } } : {}),
    })
    const settled = await Promise.allSettled(
      Array.from({ length: 7 }, (_, n) => site.falconer.intake.submit(delivery({ scope, alerts: [of(n)] }), 100)),
    )
    expect(settled.map(({ status }) => status)).toEqual(settled.map((_, n) => (n === 3 ? 'rejected' : 'fulfilled')))
    expect(settled[3]).toMatchObject({ reason: expect.any(RangeError) as unknown })
    expect(settled.flatMap((one) => (one.status === 'fulfilled' ? one.value.accepted : []))).toEqual([1, 1, 1, 1, 1, 1])
  })

  it('an error in the middle of a large body never says that nothing was stored; sent again, each alert is there once', async () => {
    const body = Array.from({ length: 1_200 }, (_, at) => line(100_000 + at)).join('')
    const before = await accepted()
    const real = site.falconer.db.transaction.bind(site.falconer.db)
    let calls = 0
    for (const error of [
      Object.assign(new Error('gone'), { code: '57P01' }),
      Object.assign(new Error('x'), { code: '53100' }),
      new Error('y'),
    ]) {
      calls = 0
      vi.spyOn(site.falconer.db as Database, 'transaction').mockImplementation((work) =>
        (calls += 1) === 2 ? Promise.reject(error) : real(work),
      )
      const failing = post()
      failing.end(body)
      const answer = await answered(failing)
      expect(answer.statusCode).toBeGreaterThanOrEqual(500)
      const { detail } = JSON.parse(answer.text) as { detail: string }
      expect(detail).not.toMatch(/nothing/)
      expect(detail).toMatch(/the first part may be stored already.* no alert is stored twice/)
      vi.restoreAllMocks()
    }
    expect((await accepted()) - before).toBe(500)
    const again = post()
    again.end(body)
    expect(JSON.parse((await answered(again)).text)).toMatchObject({ accepted: 700, duplicates: 500 })
  })

  it('a body that is too large is refused with 413: at once when announced, and as it grows when not', async () => {
    const announced = post({ 'content-length': '2000001' })
    announced.on('error', () => {})
    announced.flushHeaders()
    const refused = await answered(announced)
    expect([refused.statusCode, JSON.parse(refused.text)]).toMatchObject([413, { code: 'too_large' }])
    announced.destroy()
    const growing = post({ 'transfer-encoding': 'chunked' })
    growing.on('error', () => {})
    const answer = answered(growing)
    growing.write(' '.repeat(1_500_000))
    growing.end(' '.repeat(1_500_000))
    expect((await answer).statusCode).toBe(413)
    await expect.poll(held).toBe(0)
  })

  it('an import that does not end keeps no other of the same name waiting; one that is sent again waits for it', async () => {
    const send = async (again: string, body: NonNullable<RequestInit['body']>): Promise<number> =>
      (
        await site.ask(`/api/v1/import?path=input&format=falco${again}`, {
          method: 'POST',
          as: { token: site.people.administrator.token },
          body,
        })
      ).status
    let end = (): void => {}
    const endless = new ReadableStream({
      start: (controller) => {
        controller.enqueue(Buffer.from(line(11)))
        end = () => controller.close()
      },
    })
    const first = send('', endless)
    expect(await send('', line(12))).toBe(200)
    const order: string[] = []
    const later = send('&again=true', line(11)).then((status) => order.push(`again ${status}`))
    await new Promise((resume) => setTimeout(resume, 300))
    expect(order).toEqual([])
    end()
    expect(await first).toBe(200)
    await later
    expect(order).toEqual(['again 200'])
  })

  it('a full queue answers 503 and says when to come back; then it takes it', async () => {
    const refusedBefore = site.falconer.intake.stats.refused
    const room = site.falconer.intake.enter()
    room.grow(site.falconer.config.FALCONER_INGEST_WAITING_BYTES)
    const first = post()
    first.end(line(4))
    const answer = await answered(first)
    expect(answer.statusCode).toBe(503)
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
    expect(JSON.parse(answer.text)).toMatchObject({ code: 'overloaded' })
    expect(site.falconer.intake.stats.refused).toBe(refusedBefore + 1)
    room.leave()
    const second = post()
    second.end(line(4))
    expect((await answered(second)).statusCode).toBe(200)
  })

  it('a database that is gone answers 503, never that the alert was taken', async () => {
    vi.spyOn(site.falconer.db as Database, 'transaction').mockRejectedValue(Object.assign(new Error('gone'), { code: '57P01' }))
    const request = post()
    request.end(line(5))
    const answer = await answered(request)
    expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '5'])
  })

  it.each([
    ['no host', 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n'],
    ['two hosts', 'GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n'],
    ['an absolute address', 'GET http://evil.example/incidents HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n'],
    ['a broken request line', 'GET /in cidents HTTP/1.1\r\nHost: localhost\r\n\r\n'],
    ['two lengths', 'POST /sources HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a header that does not end', `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`],
  ])('%s is refused, and nothing falls over', async (_what, bytes) => {
    const { hostname, port } = new URL(server.url)
    const told = await new Promise<string>((resolve) => {
      let text = ''
      const socket = connect(Number(port), hostname === 'localhost' ? '127.0.0.1' : hostname, () => socket.write(bytes))
      socket
        .on('data', (part) => (text += part.toString()))
        .on('error', () => resolve(text))
        .on('close', () => resolve(text))
      setTimeout(() => socket.destroy(), 5_000).unref()
    })
    expect(told).toMatch(/^HTTP\/1\.1 4(00|03|31)/)
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200)
  })
})

describe('stopping', () => {
  it('ends open events, waits for a request that is under way, takes no new one, and leaves nothing listening', async () => {
    const site = await openSite({ config: { FALCONER_PORT: '0' } })
    const server = await listen(site.falconer)
    const events = await fetch(`${server.url}/events`, { headers: { cookie: site.people.viewer.cookie } })
    const reader = events.body?.getReader()
    await reader?.read()
    const slow = httpRequest(`${server.url}/ingest/falco/${site.secret}`, { method: 'POST' })
    const answer = new Promise<number | undefined>((resolve, reject) => {
      slow.once('response', (response) => resolve(response.resume().statusCode)).once('error', reject)
    })
    slow.write(line(1))
    await expect.poll(() => site.falconer.intake.stats.waitingBytes).toBeGreaterThan(0)
    const closed = server.close()
    expect(await reader?.read()).toEqual({ done: true, value: undefined })
    await expect(fetch(`${server.url}/healthz`)).rejects.toThrow()
    slow.end(line(2))
    expect(await answer).toBe(200)
    await closed
    expect(site.falconer.changes.listenerCount('change')).toBe(0)
    expect(site.falconer.changes.listenerCount('closing')).toBe(0)
    expect((await listSources(site.db)).find((one) => one.name === 'falco')?.accepted).toBe(2)
    await site.close()
  })

  it('does not wait for ever for who says nothing', async () => {
    const site = await openSite({ config: { FALCONER_PORT: '0' } })
    const server = await listen(site.falconer)
    const mute = httpRequest(`${server.url}/ingest/falco/${site.secret}`, { method: 'POST' })
    const cut = new Promise((resolve) => {
      mute.once('error', resolve).once('close', resolve)
    })
    mute.write(line(1))
    await expect.poll(() => site.falconer.intake.stats.waitingBytes).toBeGreaterThan(0)
    await server.close()
    await cut
    await site.close()
  })
})

describe('events', () => {
  it('cost a server nothing that a slow reader does not read, and end with their reader', async () => {
    const site = await openSite({ config: { FALCONER_PORT: '0' } })
    const server = await listen(site.falconer)
    /** Of the apps themselves: resources that MCP clients watch. */
    const standing = site.falconer.changes.listenerCount('change')
    const streams = await Promise.all(
      Array.from({ length: 20 }, () => fetch(`${server.url}/events`, { headers: { cookie: site.people.viewer.cookie } })),
    )
    expect(site.falconer.changes.listenerCount('change')).toBe(standing + 20)
    for (let at = 0; at < 5_000; at += 1) site.falconer.changed(at % 2 === 0 ? 'incidents' : 'sources')
    const text = new TextDecoder()
    const reader = streams[0]?.body?.getReader()
    let heard = ''
    await expect.poll(async () => (heard += text.decode((await reader?.read())?.value)), { timeout: 10_000 }).toContain('data: sources')
    expect(heard).toContain('data: incidents')
    expect(heard.length).toBeLessThan(2_000)
    await reader?.cancel()
    for (const stream of streams.slice(1)) await stream.body?.cancel()
    await expect.poll(() => site.falconer.changes.listenerCount('change'), { timeout: 10_000 }).toBe(standing)
    await server.close()
    await site.close()
  })
})
