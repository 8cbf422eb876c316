/**
 * `falconer follow` as a child process, killed with kill -9 again and again while its file grows and is rotated: every alert is
 * stored once and was seen once.
 */
import { appendFile, copyFile, mkdtemp, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { composeFalconer, type Falconer } from '../../apps/server/falconer.ts'
import { listen } from '../../apps/server/listen.ts'
import { createToken, invite, userPrincipal } from '../../auth/people.ts'
import { loadConfig } from '../../config/config.ts'
import { listDeadLetters } from '../../store/dead-letters.ts'
import type { Database } from '../../store/database.ts'
import { eachDatabase } from '../support/database.ts'
import { run, runToEnd } from '../support/process.ts'
import { operator } from '../support/site.ts'
import { cases, full, seed } from '../support/sizes.ts'
import { alerts, events, until, written } from '../support/follow.ts'
import { saidField } from '../support/said.ts'

let folder: string
let path: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'falconer-follow-'))
  path = join(folder, 'events.log')
})
afterEach(async () => rm(folder, { recursive: true }))

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

  it(
    'guarantee 25: kill -9 while it follows loses nothing and doubles nothing',
    { timeout: full ? 7_200_000 : 1_200_000 },
    async ({ task }) => {
      const rounds = cases(100)
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
        await until(() => events(follower).filter(({ event }) => event === 'read').length >= enough, 120_000)
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
    },
  )

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
    count(distinct ${saidField('proc.pid')}) as ids, (select coalesce(max(seen), 0) from alert_keys) as most from alerts`)
  return { stored: Number(row?.stored), distinct: Number(row?.ids), most: Number(row?.most) }
}
