/**
 * `falconer follow` as a child process, killed with kill -9 again and again while its file grows and is rotated: every alert is
 * stored once and was seen once. And what it does when nobody answers, when too much is asked, and when it is stopped.
 */
import { getEventListeners } from 'node:events'
import { createServer, type Server } from 'node:http'
import { appendFile, copyFile, mkdtemp, rename, rm, truncate, utimes, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { follow } from '../../apps/cli/follow.ts'
import { composeFalconer, type Falconer } from '../../apps/server/falconer.ts'
import { listen } from '../../apps/server/listen.ts'
import { createToken, invite, userPrincipal } from '../../auth/people.ts'
import { loadConfig } from '../../config/config.ts'
import { listDeadLetters } from '../../store/dead-letters.ts'
import type { Database } from '../../store/database.ts'
import { eachDatabase, embeddedDatabase } from '../support/database.ts'
import { run, runToEnd, type Running } from '../support/process.ts'
import { operator } from '../support/site.ts'
import { cases, seed } from '../support/sizes.ts'

let folder: string
let path: string
let written = 0
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'falconer-follow-'))
  path = join(folder, 'events.log')
})
afterEach(async () => rm(folder, { recursive: true }))

/** Alerts as Falco writes them, each with a number of its own. */
const alerts = (count: number): string =>
  Array.from({ length: count }, () => {
    written += 1
    const ns = 1_789_378_200_000_000_001n + BigInt(written) * 1_000_000n
    return `{"hostname":"node-1","output":"x","output_fields":{"evt.time":${ns},"proc.pid":${written}},"priority":"Notice","rule":"Terminal shell in container","source":"syscall","tags":[],"time":"2026-09-14T10:00:00.000000001Z"}\n`
  }).join('')
type Event = { event: string; accepted: number; duplicates: number; deadLetters: number; to: number; seconds: number; reason: string }
const events = (follower: Running): Event[] =>
  follower
    .output()
    .split('\n')
    .filter((line) => line.endsWith('}'))
    .map((line) => JSON.parse(line) as Event)

async function until(what: () => boolean | Promise<boolean>, limitMs = 30_000): Promise<void> {
  for (const end = performance.now() + limitMs; !(await what());) {
    if (performance.now() > end) throw new Error('It did not come to that.')
    await setTimeout(20)
  }
}

eachDatabase('a follower killed and a file rotated meanwhile', (database) => {
  let falconer: Falconer
  let server: Awaited<ReturnType<typeof listen>>
  let env: Record<string, string>
  let data: string
  beforeAll(async () => {
    data = await mkdtemp(join(tmpdir(), 'falconer-data-'))
    const config = loadConfig({ FALCONER_DATA: data, FALCONER_PORT: '0', FALCONER_SCOPE: 'lab', FALCONER_LOG: 'silent' }, {})
    falconer = await composeFalconer(config, { database: database(), as: 'command', quietMs: 0 })
    server = await listen(falconer)
    const { user } = await invite(falconer.auth, operator, 'Follower', 'responder')
    const actor = { principal: userPrincipal(user), channel: 'web' as const }
    const { token } = await createToken(falconer.auth, actor, { userId: user.id, name: 'follow', role: 'responder', days: 1 })
    env = { FALCONER_URL: server.url, FALCONER_TOKEN: token, FALCONER_DATA: data }
  })
  afterAll(async () => {
    await server.close()
    await falconer.intake.idle()
    await rm(data, { recursive: true })
  })

  it('guarantee 25: kill -9 while it follows loses nothing and doubles nothing', { timeout: 1_200_000 }, async ({ task }) => {
    const rounds = cases(400)
    let random = seed
    const next = (below: number): number => {
      random = (random * 1_103_515_245 + 12_345) % 2_147_483_648
      return Math.floor((random / 2_147_483_648) * below)
    }
    const first = written
    // What was rotated away before anybody followed is not asked for.
    const writing = { on: true, turns: false }
    let age = 0
    const writer = (async (): Promise<void> => {
      while (writing.on) {
        const text = alerts(1 + next(8))
        const cut = next(3) === 0 ? next(text.length) : text.length
        await appendFile(path, text.slice(0, cut))
        await setTimeout(10 + next(30))
        await appendFile(path, text.slice(cut))
        const turn = next(60)
        age += 1
        if (turn === 0 && writing.turns) await rename(path, `${path}.${age}`)
        if (turn === 1 && writing.turns) {
          await copyFile(path, `${path}.${age}`)
          await truncate(path, 0)
        }
      }
    })()
    for (let round = 0; round < rounds; round += 1) {
      const follower = run(['follow', path, '--json', '--cluster', 'lab'], env)
      const enough = 1 + next(4)
      await until(() => events(follower).filter(({ event }) => event === 'read').length >= enough)
      writing.turns = true
      await setTimeout(next(25))
      follower.child.kill('SIGKILL')
      await follower.ended
      expect(follower.errors()).toBe('')
    }
    writing.on = false
    await writer
    const last = run(['follow', path, '--json', '--cluster', 'lab'], env)
    const total = written - first
    await until(async () => (await seen(database())).stored >= total, 60_000).catch(() => {})
    await setTimeout(2_500)
    last.child.kill('SIGTERM')
    expect(await last.ended).toBe(0)
    expect(await seen(database())).toEqual({ stored: total, distinct: total, most: 1 })
    expect(await listDeadLetters(database(), { limit: 1 })).toEqual([])
    Object.assign(task.meta, { cases: rounds })
  })

  it('sends a line within a second of its newline, and a half one never', { retry: 2 }, async () => {
    await writeFile(path, alerts(1))
    const follower = run(['follow', path, '--json', '--cluster', 'lab'], env)
    await until(() => events(follower).length === 1)
    const took: number[] = []
    for (let time = 0; time < 5; time += 1) {
      const line = alerts(1)
      await appendFile(path, line.slice(0, 50))
      await setTimeout(700)
      expect(events(follower)).toHaveLength(1 + time)
      const began = performance.now()
      await appendFile(path, line.slice(50))
      await until(() => events(follower).length === 2 + time)
      took.push(performance.now() - began)
    }
    expect(took.toSorted((a, b) => a - b)[2]).toBeLessThan(1_000)
    expect(events(follower).every(({ accepted, deadLetters }) => accepted === 1 && deadLetters === 0)).toBe(true)
    follower.child.kill('SIGINT')
    expect(await follower.ended).toBe(0)
  })

  it('reads it all again when asked, and nothing counts as seen twice; another follower of the same file is refused', async () => {
    await writeFile(path, alerts(1_200))
    const before = await seen(database())
    const follower = run(['follow', path, '--json', '--cluster', 'lab'], env)
    await until(() => events(follower).length > 0)
    expect(await runToEnd(['follow', path, '--cluster', 'lab'], env)).toMatchObject({ code: 2, errors: /is followed already/ })
    follower.child.kill('SIGINT')
    await follower.ended
    const again = run(['follow', path, '--json', '--cluster', 'lab', '--again'], env)
    await until(() => events(again).length > 0)
    expect(events(again)[0]).toMatchObject({ accepted: 0, duplicates: 1_200 })
    again.child.kill('SIGINT')
    await again.ended
    expect(await seen(database())).toEqual({ stored: before.stored + 1_200, distinct: before.distinct + 1_200, most: 1 })
  })
})

async function seen(db: Database): Promise<{ stored: number; distinct: number; most: number }> {
  const [row] = await db.query(sql<{ stored: bigint; ids: bigint; most: bigint }>`select count(*) as stored,
    count(distinct fields->>'proc.pid') as ids, (select coalesce(max(seen), 0) from alert_keys) as most from alerts`)
  return { stored: Number(row?.stored), distinct: Number(row?.ids), most: Number(row?.most) }
}

describe('a follower whose server fails', () => {
  let server: Server | undefined
  const asked: string[] = []
  afterEach(() => {
    asked.length = 0
    server?.closeAllConnections()
    server?.close()
    server = undefined
  })
  const counts = JSON.stringify({ read: 1, accepted: 1, duplicates: 0, internal: 0, skipped: 0, deadLetters: 0 })
  /** Each post gets the next of these answers; the last one for ever. Null: the connection is cut. */
  const fake = async (
    answers: ({ status: number; headers?: Record<string, string>; body?: string } | null)[],
    port = 0,
  ): Promise<number> => {
    const made = createServer((request, response) => {
      asked.push(request.url ?? '')
      request.resume().on('end', () => {
        const answer = answers.length > 1 ? answers.shift() : answers[0]
        if (answer === null || answer === undefined) return void request.socket.destroy()
        response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers }).end(answer.body ?? counts)
      })
    })
    server = made
    await new Promise<void>((resolve) => {
      made.listen(port, '127.0.0.1', resolve)
    })
    return (made.address() as AddressInfo).port
  }
  const start = (port: number, ...more: string[]): Running =>
    run(['follow', path, ...more], {
      FALCONER_URL: `http://127.0.0.1:${port}`,
      FALCONER_TOKEN: 'flt_x',
      FALCONER_DATA: join(folder, 'data'),
    })

  it('waits as long as it is told, sends the same again as such, and goes on', async () => {
    await writeFile(path, alerts(1))
    const port = await fake([
      { status: 503, headers: { 'retry-after': '1' }, body: '{"code":"overloaded","detail":"Too much."}' },
      { status: 429, headers: { 'retry-after': '1' }, body: '{"code":"busy","detail":"Slower."}' },
      null,
      { status: 200 },
    ])
    const follower = start(port, '--json')
    await until(() => events(follower).some(({ event }) => event === 'read'))
    await appendFile(path, alerts(1))
    await until(() => events(follower).filter(({ event }) => event === 'read').length === 2)
    follower.child.kill('SIGTERM')
    expect(await follower.ended).toBe(0)
    expect(events(follower).map(({ event, seconds }) => [event, seconds])).toEqual([
      ['waiting', 1],
      ['waiting', 1],
      ['waiting', 4],
      ['read', undefined],
      ['read', undefined],
      ['stopped', undefined],
    ])
    const queries = asked.map((url) => new URL(url, 'http://x').searchParams)
    expect(new Set(queries.slice(0, 4).map(String)).size).toBe(1)
    expect(queries.map((query) => query.get('again'))).toEqual(['true', 'true', 'true', 'true', null])
  })

  it('says that nobody answers, and that nothing is lost; stopped meanwhile it ends well and sends it all the next time', async () => {
    await writeFile(path, alerts(1))
    const port = await fake([{ status: 200 }])
    server?.close()
    const away = start(port)
    await until(() => away.errors().includes('nothing is lost'))
    expect(away.errors()).toMatch(/does not answer[^]*Trying again, after 1 s at first/)
    away.child.kill('SIGINT')
    expect(await away.ended).toBe(0)
    expect(away.errors()).toContain('0 new. Stopped at byte 0.')
    await fake([{ status: 200 }], port)
    const back = start(port)
    await back.says(/events\.log {2}1 new/)
    back.child.kill('SIGINT')
    expect(await back.ended).toBe(0)
  })

  it('keeps what is rotated away before the first answer ever came', async () => {
    await writeFile(path, alerts(2))
    await utimes(path, 2_000, 2_000)
    const port = await fake([{ status: 200 }])
    server?.close()
    const away = start(port)
    await until(() => away.errors().includes('nothing is lost'))
    away.child.kill('SIGKILL')
    await away.ended
    await rename(path, `${path}.1`)
    await writeFile(path, alerts(1))
    await fake([{ status: 200 }], port)
    const back = start(port, '--json')
    await until(() => events(back).filter(({ event }) => event === 'read').length === 2)
    back.child.kill('SIGINT')
    await back.ended
    expect(asked.map((url) => new URL(url, 'http://x').searchParams.get('again'))).toEqual(['true', 'true'])
  })

  it('finds the one line that the server fails at, sends all before it, and names its place', async () => {
    const [before, bad, after] = [alerts(300), alerts(1), alerts(100)]
    await writeFile(path, before + bad + after)
    const stored: string[] = []
    let posts = 0
    server = createServer((request, response) => {
      const parts: Buffer[] = []
      request.on('data', (part: Buffer) => parts.push(part))
      request.on('end', () => {
        const body = Buffer.concat(parts).toString()
        posts += 1
        if (!body.includes(bad)) stored.push(body)
        expect(new URL(request.url ?? '', 'http://x').searchParams.get('again')).toBe('true')
        response.writeHead(body.includes(bad) ? 500 : 200, { 'retry-after': '0', 'content-type': 'application/json' })
        response.end(body.includes(bad) ? '{"code":"invariant","detail":"Falconer failed at this."}' : counts)
      })
    })
    await new Promise<void>((resolve) => {
      server?.listen(0, '127.0.0.1', resolve)
    })
    const { port } = server.address() as AddressInfo
    const follower = start(port)
    expect(await follower.ended).toBe(1)
    expect(stored.join('')).toBe(before)
    expect(follower.errors()).toContain(`one line of ${path}, bytes ${before.length} to ${before.length + bad.length}, after 5 tries`)
    expect(posts).toBeLessThan(80)
    // Taken out of the file, as it says: the rest goes, and nothing twice.
    await writeFile(path, before + after)
    const rest = start(port)
    await rest.says(/events\.log {2}1 new/)
    rest.child.kill('SIGINT')
    expect(await rest.ended).toBe(0)
    expect(stored.join('')).toBe(before + after)
  })

  it('goes on after failures that pass, however many, and stops listening to what it waited for', async () => {
    await writeFile(path, alerts(40))
    const port = await fake([
      ...Array.from({ length: 7 }, () => ({ status: 500, headers: { 'retry-after': '0' }, body: '{}' })),
      { status: 200 },
    ])
    const stop = new AbortController()
    const printed = [process.stdout, process.stderr].map((stream) => vi.spyOn(stream, 'write').mockReturnValue(true))
    const ended = follow(
      { FALCONER_URL: `http://127.0.0.1:${port}`, FALCONER_TOKEN: 'flt_x', FALCONER_DATA: join(folder, 'data') },
      [path],
      { json: true, signal: stop.signal },
    )
    const most: number[] = []
    for (let time = 0; time < 8; time += 1) {
      await appendFile(path, alerts(1))
      await setTimeout(400)
      most.push(getEventListeners(stop.signal, 'abort').length)
    }
    stop.abort()
    await ended
    for (const spy of printed) spy.mockRestore()
    expect(asked.length).toBeGreaterThan(8)
    expect(Math.max(...most)).toBeLessThanOrEqual(1)
  })

  it.each([
    [401, '{}', /does not accept FALCONER_TOKEN/],
    [403, '{"code":"role","detail":"Only responders may import."}', /Only responders may import/],
    [400, '{"code":"input","detail":"That is no scope."}', /That is no scope/],
  ])('ends at once on %i, which waiting does not mend; its place stays', async (status, body, says) => {
    await writeFile(path, alerts(1))
    const port = await fake([{ status, body }])
    const follower = start(port)
    expect([1, 2]).toContain(await follower.ended)
    expect(follower.errors()).toMatch(says)
    expect(asked).toHaveLength(1)
  })

  it('follows into a folder that no server runs on, and says that none can meanwhile', async () => {
    const data = join(folder, 'data')
    await (await embeddedDatabase(data)).close()
    await writeFile(path, alerts(3))
    const follower = run(['follow', path, '--data', data, '--cluster', 'lab'])
    await follower.says(/events\.log {2}3 new/)
    expect(follower.errors()).toMatch(/no server runs on that folder, and none can while this does/)
    follower.child.kill('SIGINT')
    expect(await follower.ended).toBe(0)
    const { incidents } = JSON.parse((await runToEnd(['--data', data, 'incidents', '--json'])).output) as {
      incidents: { alerts: number }[]
    }
    expect(incidents.map((one) => one.alerts)).toEqual([1, 1, 1])
  })
})
