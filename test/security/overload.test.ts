/**
 * Guarantee 27: a real server under ten times what it can store. Its memory stays below twice what it is after ordinary work, every
 * refusal is a 503 with Retry-After that the server counted too, and what was accepted is there.
 */
import { sql } from 'kysely'
import { Agent } from 'node:http'
import { describe, expect, it, vi } from 'vitest'
import { FixedClock } from '../../domain/clock.ts'
import { IntakeQueue, OverloadedError } from '../../apps/server/intake-queue.ts'
import { receive } from '../../apps/server/receive.ts'
import type { Database } from '../../store/database.ts'
import { serverUrl } from '../support/database.ts'
import { post } from '../support/ingest-load.ts'
import { fill, flood, pause, Poster, residentMegabytes, silentConnections, slowBodies, watchMemory } from '../support/ingest-overload.ts'
import { type Kind, prepareHome, serveAt, type Served } from '../support/ingest-server.ts'
import { cases, full } from '../support/sizes.ts'
import { saidField } from '../support/said.ts'

vi.setConfig({ testTimeout: full ? 3_600_000 : 600_000 })

async function listening(server: Served): Promise<string> {
  const url = await server.address
  if (url === null) throw new Error(`The server did not start:\n${server.output()}`)
  return url
}

type Status = { intake: { refused: number; droppedConnections: number; waitingBytes: number } }
async function statusOf(url: string, token: string): Promise<Status> {
  const answer = await fetch(new URL('/api/v1/status', url), { headers: { authorization: `Bearer ${token}` } })
  expect(answer.status).toBe(200)
  return (await answer.json()) as Status
}

const small = { FALCONER_INGEST_WAITING_BYTES: '1048576' }
// The embedded database computes where HTTP is read: with its default room nothing is refused, and all of it is stored, which takes long.
type Room = [kind: Kind, room: string, settings: Partial<typeof small>, skip: boolean]
const rooms: Room[] = [
  ...(full ? ([['embedded', 'the default room', {}, false]] satisfies Room[]) : []),
  ['embedded', 'a small room', small, false],
  ['server', 'the default room', {}, serverUrl === undefined],
  ['server', 'a small room', small, serverUrl === undefined],
]

describe.each(rooms)('ten times too much, %s database, %s', (kind, _room, settings, skip) => {
  it.skipIf(skip)(
    'guarantee 27: memory is bounded, every refusal is counted and says when to come back, nothing accepted is missing',
    async ({ task }) => {
      const home = await prepareHome(kind)
      const server = serveAt(home, { ...settings, FALCONER_MAX_CONNECTIONS: '1500' })
      try {
        const url = await listening(server)
        const pid = server.child.pid ?? 0
        await pause(1_000)
        const idle = residentMegabytes(pid)
        const usual = new Poster(url, 0)
        const before = watchMemory(pid)
        const rate = await fill(usual, cases(100_000, 40_000), 100, 4)
        const settled = before()
        // Else what follows would flood nobody, at no bounded rate.
        expect(usual.told).toMatchObject({ accepted: usual.told.sent, refused: 0, others: [] })

        const poster = new Poster(url, 1_000_000)
        const during = watchMemory(pid)
        const slow = [slowBodies(url, 200, true), slowBodies(url, 200, false)]
        const silent = silentConnections(url, 300)
        const singles = flood(poster, 3_000, 1, full ? 20_000 : 2_500, 500)
        await flood(poster, rate * 10, 200, full ? 20_000 : 2_500, 200)
        await singles
        for (const one of slow) await one.done
        silent.end()
        const peak = during()
        await pause(500)

        const from = performance.now()
        const agent = new Agent()
        await poster.post(1, agent)
        const afterMs = performance.now() - from
        const { intake } = await statusOf(url, home.token)
        const { told } = poster
        console.log(
          `${kind}: idle ${idle.toFixed(0)} MB, after ${usual.told.sent} alerts ${settled.toFixed(0)} MB, under overload ${peak.toFixed(0)} MB: ratio ${(peak / settled).toFixed(2)}; ` +
            `stored ${rate.toFixed(0)}/s, then ${told.sent} sent: ${told.accepted} accepted, ${told.refusedAlerts} refused in ${told.refused} posts; answered after it in ${afterMs.toFixed(0)} ms; slow: ${JSON.stringify(slow.map((one) => [...one.answers]))}; ${JSON.stringify(intake)}`,
        )
        expect(told.others).toEqual([])
        expect(told.accepted + told.duplicates + told.refusedAlerts).toBe(told.sent)
        if (settings === small) expect(told.refused).toBeGreaterThan(100)
        // Who still sends when it is answered may see only that the connection ended.
        const slowly = (how: string): number => slow.reduce((sum, one) => sum + (one.answers.get(how) ?? 0), 0)
        expect(slowly('408') + slowly('503') + slowly('cut')).toBe(400)
        expect(intake).toMatchObject({ droppedConnections: 0, waitingBytes: 0 })
        expect(intake.refused).toBeGreaterThanOrEqual(told.refused + slowly('503'))
        expect(intake.refused).toBeLessThanOrEqual(told.refused + slowly('503') + slowly('cut'))
        if (intake.refused > 0) expect(server.output()).toContain('posts are refused')
        expect(peak / settled).toBeLessThan(2)
        expect(afterMs).toBeLessThan(3_000)
        await server.kill()

        const db = await home.open()
        const stored = await db.query(
          sql<{ n: number }>`select ${saidField('n')}::int as n from alerts where ${saidField('n')}::int >= 1000000`,
        )
        await db.close()
        const there = new Set(stored.map(({ n }) => n))
        expect(told.stored.filter((n) => !there.has(n))).toEqual([])
        expect(there.size).toBe(stored.length)
        Object.assign(task.meta, { cases: told.sent })
      } finally {
        await server.kill()
        await home.drop()
      }
    },
  )
})

describe('connections', () => {
  it('guarantee 27: more than there may be are closed and counted; those there are go on', async () => {
    const home = await prepareHome('embedded')
    const server = serveAt(home, { FALCONER_MAX_CONNECTIONS: '20' })
    try {
      const url = await listening(server)
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      const poster = new Poster(url, 0)
      await poster.post(1, agent)
      const silent = silentConnections(url, 200)
      // Ended before the server has looked at them all, they would be one after the other and never too many.
      await expect.poll(silent.closed, { timeout: 60_000 }).toBeGreaterThanOrEqual(180)
      await poster.post(1, agent)
      expect(poster.told).toMatchObject({ accepted: 2, others: [] })
      silent.end()
      const dropped = async (): Promise<number> => (await statusOf(url, home.token).catch(() => null))?.intake.droppedConnections ?? 0
      await expect.poll(dropped, { timeout: 20_000 }).toBeGreaterThanOrEqual(180)
      expect(server.output()).toContain('"droppedConnections"')
      agent.destroy()
    } finally {
      await server.kill()
      await home.drop()
    }
  })
})

describe('the room', () => {
  const queue = (): IntakeQueue =>
    new IntakeQueue({} as Database, new FixedClock(new Date()), { maxWaitingBytes: 1_000_000, maxBatchBytes: 500_000 })

  it('counts what came, not what was announced; refuses what would not fit; gives everything back', () => {
    const intake = queue()
    const first = intake.enter(32_000_000)
    const second = intake.enter(100)
    expect(intake.stats.waitingBytes).toBe(2 * 16_384)
    first.grow(600_000)
    expect(() => intake.enter(400_000)).toThrow(OverloadedError)
    expect(() => second.grow(400_000)).toThrow(OverloadedError)
    expect(intake.stats.refused).toBe(2)
    first.shrink(900_000)
    second.grow(400_000)
    second.leave()
    first.leave()
    first.leave()
    expect(intake.stats.waitingBytes).toBe(0)
  })

  it.each([[[1, 9]], [[2, 8]], [[10]]])('holds what a packed body unpacks to until it leaves, cut into parts of %j', async (sizes) => {
    const intake = queue()
    const room = intake.enter()
    const packed = Buffer.from('1f8b0800000000000003', 'hex')
    let at = 0
    const parts = async function* (): AsyncIterable<Uint8Array> {
      for (const size of sizes) yield packed.subarray(at, (at += size))
    }
    await Array.fromAsync(receive(parts(), { room }))
    const held = 16_384 + 4 * 1024 * 1024 + packed.length
    expect(intake.stats.waitingBytes).toBe(held)
    // What is committed is counted unpacked.
    room.shrink(4 * 1024 * 1024)
    expect(intake.stats.waitingBytes).toBe(held)
    room.leave()
    expect(intake.stats.waitingBytes).toBe(0)
  })

  it('lets one body in that is larger than the room, when it is alone', () => {
    const intake = queue()
    const only = intake.enter(2_000_000)
    only.grow(2_000_000)
    expect(() => intake.enter(1)).toThrow(/Send this again in \d+ s/)
    only.leave()
    intake.enter(1).leave()
  })
})

it('post() reads answers whole, so that a refusal is never mistaken', async () => {
  await expect(post('http://127.0.0.1:1/ingest', '{}')).rejects.toThrow()
})
