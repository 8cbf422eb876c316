/** Falco's alerts out of NATS JetStream, with a real nats-server: nothing is lost or doubled whichever side is killed. */
import { setTimeout } from 'node:timers/promises'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { composeFalconer } from '../../apps/server/falconer.ts'
import { type NatsState, takeFromNats } from '../../apps/server/nats.ts'
import { loadConfig } from '../../config/config.ts'
import type { Database } from '../../store/database.ts'
import { getSource, setSourceDisabled, type Source } from '../../store/sources.ts'
import { serverUrl } from '../support/database.ts'
import { until } from '../support/follow.ts'
import { lineOf } from '../support/ingest-load.ts'
import { type Home, type Kind, prepareHome, type Served, serveAt } from '../support/ingest-server.ts'
import { natsProgram, NatsServer } from '../support/nats.ts'

const lines = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, n) => lineOf(from + n))
const kinds: Kind[] = ['embedded', ...(serverUrl === undefined ? [] : ['server' as const])]

describe.skipIf(natsProgram === undefined)(natsProgram === undefined ? 'NATS (skipped: there is no nats-server)' : 'NATS', () => {
  let nats: NatsServer
  let home: Home
  let running: Served[] = []
  beforeEach(async () => {
    nats = await NatsServer.start('authorization { token: letmein }', { token: 'letmein' })
  })
  afterEach(async () => {
    await Promise.all(running.map((one) => one.kill()))
    running = []
    await home.drop()
    await nats.drop()
  })

  const serve = (more: Record<string, string> = {}): Served => {
    const made = serveAt(home, { FALCONER_NATS_URL: `nats://127.0.0.1:${nats.port}`, FALCONER_NATS_TOKEN: 'letmein', ...more })
    running.push(made)
    return made
  }
  const stateAt = async (served: Served): Promise<NatsState> => {
    const url = new URL('/api/v1/status', (await served.address) ?? '')
    const answer = await fetch(url, { headers: { authorization: `Bearer ${home.token}` } })
    return ((await answer.json()) as { nats: NatsState }).nats
  }
  const isDone = async (): Promise<boolean> => {
    const { pending, unacknowledged } = await nats.left().catch(() => ({ pending: 1, unacknowledged: 1 }))
    return pending + unacknowledged === 0
  }
  async function stored(): Promise<{ alerts: string[]; accepted: number; dead: { place: string; reason: string }[] }> {
    const db: Database = await home.open()
    try {
      const alerts = await db.query(sql<{ raw: Uint8Array }>`select raw from alerts`)
      const [source] = await db.query(sql<{ accepted: bigint }>`select accepted from sources where name = 'falco-nats'`)
      const dead = await db.query(sql<{ place: string; reason: string }>`select place, reason from dead_letters order by place`)
      return { alerts: alerts.map(({ raw }) => Buffer.from(raw).toString()).sort(), accepted: Number(source?.accepted), dead }
    } finally {
      await db.close()
    }
  }

  it.each(kinds)('%s: every message is there once, though both sides are killed in the middle', { timeout: 300_000 }, async (kind) => {
    home = await prepareHome(kind)
    await nats.makeStream()
    await nats.publish(lines(0, 700))
    const first = serve()
    await until(async () => (await first.address) !== null && (await stateAt(first)).taken >= 50)
    await first.kill()
    const second = serve()
    await second.address
    await nats.end('SIGKILL')
    await nats.begin()
    const publishing = nats.publish(lines(700, 2_000))
    await until(async () => (await stateAt(second)).taken >= 100, 60_000)
    await second.kill()
    await publishing
    const third = serve()
    await until(isDone, 100_000)
    await nats.end()
    await until(async () => (await stateAt(third)).state === 'reconnecting')
    expect((await stateAt(third)).lastError?.text).toContain('lost')
    await nats.begin()
    await nats.publish(lines(2_000, 2_001))
    await until(isDone, 60_000)
    third.child.kill('SIGTERM')
    expect(await third.ended).toBe(0)
    const got = await stored()
    expect(got.alerts).toEqual(lines(0, 2_001).sort())
    expect(got).toMatchObject({ accepted: 2_001, dead: [] })
  })

  it('with just the rights it needs: what cannot be read is a dead letter, and does not come again; large messages come', async () => {
    home = await prepareHome('embedded')
    await nats.drop()
    const rights = `publish: [ "$JS.API.INFO", "$JS.API.CONSUMER.*.FALCO.>", "$JS.API.CONSUMER.MSG.NEXT.FALCO.falconer", "$JS.ACK.FALCO.falconer.>" ], subscribe: "_INBOX.>"`
    nats = await NatsServer.start(
      `authorization { users: [ { user: admin, password: letmein }, { user: falconer, password: "p@ss", permissions: { ${rights} } } ] }`,
      { user: 'admin', pass: 'letmein' },
    )
    await nats.makeStream()
    const large = lineOf(1).replace('"n":1,', `"n":1,"long":"${'x'.repeat(900_000)}",`)
    await nats.publish(['no alert', '', '{"rule":', Buffer.from([0x1f, 0x8b, 1, 2, 3, 4, 5, 6]), lineOf(0), large])
    const served = serve({ FALCONER_NATS_URL: `nats://falconer:p%40ss@127.0.0.1:${nats.port}`, FALCONER_NATS_TOKEN: '' })
    await until(async () => (await served.address) !== null && (await stateAt(served)).taken === 6)
    await until(isDone)
    served.child.kill('SIGTERM')
    expect(await served.ended).toBe(0)
    const got = await stored()
    expect(got.alerts).toEqual([lineOf(0), large].sort())
    expect(got.dead.map(({ place }) => place)).toEqual([1, 2, 3, 4].map((n) => `nats FALCO#${n} falco.notice.terminal_shell_in_container`))
    expect(got.dead[1]?.reason).toBe('the message is empty')
    expect(got.dead[3]?.reason).toContain('gzip')
  })

  it('says what is wrong, waits, and goes on when it is mended', async () => {
    home = await prepareHome('embedded')
    const refused = serve({ FALCONER_NATS_TOKEN: 'wrong-secret' })
    await until(async () => (await refused.address) !== null && (await stateAt(refused)).state === 'failing')
    expect((await stateAt(refused)).lastError?.text).toMatch(/authoriz/i)
    await refused.kill()
    const served = serve()
    await until(async () => (await served.address) !== null && (await stateAt(served)).state === 'failing')
    expect((await stateAt(served)).lastError?.text).toContain('nats stream add FALCO')
    await nats.makeStream()
    await nats.publish([lineOf(0)])
    await until(async () => (await stateAt(served)).taken === 1)
    expect(await stateAt(served)).toMatchObject({ state: 'connected', failed: 0 })
    for (const one of [refused, served]) expect(one.output()).not.toMatch(/wrong-secret|letmein/)
  })

  it('what cannot be stored comes again; a disabled source takes nothing until it is enabled', async () => {
    home = await prepareHome('embedded')
    await nats.makeStream()
    const db = await home.open()
    const settings = { FALCONER_NATS_URL: `nats://127.0.0.1:${nats.port}`, FALCONER_NATS_TOKEN: 'letmein', FALCONER_LOG: 'silent' }
    const config = loadConfig({ ...settings, FALCONER_DATA: home.folder }, {})
    const falconer = await composeFalconer(config, { database: db, as: 'command' })
    const submit = falconer.intake.submit.bind(falconer.intake)
    let failures = 2
    falconer.intake.submit = async (...given) => {
      failures -= 1
      if (failures >= 0) throw new Error('the disk is full')
      return submit(...given)
    }
    const intake = takeFromNats(falconer)
    try {
      await nats.publish(lines(0, 3))
      await until(() => intake.state().taken === 3)
      expect(intake.state()).toMatchObject({ state: 'connected', failed: 2, lastError: { text: 'the disk is full' } })
      const { id } = (await getSource(db, 'falco-nats')) as Source
      await setSourceDisabled(db, id, new Date())
      await setTimeout(1_100)
      await nats.publish(lines(3, 4))
      await until(() => intake.state().state === 'disabled')
      expect(intake.state().taken).toBe(3)
      await setSourceDisabled(db, id, null)
      await until(() => intake.state().taken === 4, 90_000)
      expect(await getSource(db, 'falco-nats')).toMatchObject({ accepted: 4, duplicates: 0, deadLetters: 0 })
      await until(isDone)
    } finally {
      await intake.stop()
      await falconer.close()
    }
    expect(intake.state().state).toBe('stopped')
  })

  it.skipIf(serverUrl === undefined)('two servers share one consumer', async () => {
    home = await prepareHome('server')
    await nats.makeStream()
    const both = [serve(), serve({ FALCONER_DATA: `${home.folder}/other` })]
    await until(async () =>
      (await Promise.all(both.map(async (one) => (await one.address) !== null && (await stateAt(one)).state === 'connected'))).every(
        Boolean,
      ),
    )
    await nats.publish(lines(0, 1_000))
    await until(isDone, 60_000)
    const taken = await Promise.all(both.map(async (one) => (await stateAt(one)).taken))
    expect(taken.reduce((sum, one) => sum + one, 0)).toBe(1_000)
    expect(Math.min(...taken)).toBeGreaterThan(0)
    await Promise.all(both.map((one) => one.kill()))
    expect(await stored()).toMatchObject({ alerts: lines(0, 1_000).sort(), accepted: 1_000, dead: [] })
  })
})
