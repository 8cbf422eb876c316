/** What `falconer follow` does when nobody answers, when too much is asked, when the server fails at a line, and when it is stopped. */
import { getEventListeners } from 'node:events'
import { createServer, type Server } from 'node:http'
import { appendFile, mkdtemp, rename, rm, utimes, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { follow } from '../../apps/cli/follow.ts'
import { embeddedDatabase } from '../support/database.ts'
import { run, runToEnd, type Running } from '../support/process.ts'
import { alerts, events, until } from '../support/follow.ts'

let folder: string
let path: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'falconer-follow-'))
  path = join(folder, 'events.log')
})
afterEach(async () => rm(folder, { recursive: true }))

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
