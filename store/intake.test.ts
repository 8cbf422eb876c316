import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { FixedClock } from '../domain/clock.ts'
import { canonicalHash } from '../domain/canonical-json.ts'
import { eachDatabase, serverDatabase, serverUrl } from '../test/support/database.ts'
import { delivery, newAlert, noon, podRecords } from '../test/support/records.ts'
import { searchAlerts } from './alert-search.ts'
import { type Database, openDatabase } from './database.ts'
import { listDeadLetters } from './dead-letters.ts'
import { findEntity } from './entities.ts'
import type { Delivery, InternalMessage } from './delivery.ts'
import { accept } from './intake.ts'
import { createSource, listSources } from './sources.ts'

const clock = new FixedClock('2026-11-24T12:00:00Z')
const alert = (scope: string, n: number, over: Parameters<typeof newAlert>[0] = {}) =>
  newAlert({ scope, eventNs: noon + BigInt(n), raw: Buffer.from(`{"n":${n}}`), ...over })
const internal = (n: number, over: Partial<InternalMessage> = {}): InternalMessage => ({
  contentKey: canonicalHash(n).slice(3),
  name: 'Falco internal: syscall event drop',
  eventNs: noon,
  hostname: 'node-1',
  fields: { n },
  raw: Buffer.from(`{"drop":${n}}`),
  ...over,
})
/** Larger than any bigint column: the database refuses it. */
const beyond = 2n ** 63n

eachDatabase('intake', (database) => {
  it('guarantee 28: finds the poisoned record among alerts, messages and inventory, and stores all others', async () => {
    const scope = 'halved'
    const pods = ['a', 'b', 'c'].map((name) => podRecords({ name, workload: null }, scope))
    const [tally] = await accept(database(), clock, [
      delivery({
        scope,
        alerts: [alert(scope, 1), alert(scope, 2, { eventNs: beyond }), alert(scope, 3)],
        internals: [internal(1), internal(2, { eventNs: beyond })],
        entities: pods.flatMap((pod, index) => pod.entities.map((entity) => (index === 1 ? { ...entity, validFromNs: beyond } : entity))),
        relations: pods.flatMap((pod) => pod.relations),
        deadLetters: [{ at: 'line 9', reason: 'not JSON', bytes: Buffer.from('{') }],
      }),
    ])
    expect(tally).toMatchObject({ internal: 1, deadLetters: 1 + 2 + 3 })
    expect((await searchAlerts(database(), { scope }, { limit: 10 })).alerts.map((one) => one.eventNs - noon)).toEqual([3n, 1n])
    expect(await findEntity(database(), { scope, kind: 'pod', key: 'uid-shop-a' })).toBeDefined()
    expect(await findEntity(database(), { scope, kind: 'pod', key: 'uid-shop-b' })).toBeUndefined()
    const letters = (await listDeadLetters(database(), { limit: 50 })).filter((letter) => letter.scope === scope)
    expect(letters.map((letter) => letter.preview)).toEqual(
      expect.arrayContaining(['{', '{"n":2}', '{"drop":2}', expect.stringContaining('"key":"uid-shop-b"')]),
    )
    expect(letters.filter((letter) => letter.reason.startsWith('The database refused this record'))).toHaveLength(5)
  })

  it('ends when one alert and one message are both refused, and nothing else is there', async () => {
    const [tally] = await accept(database(), clock, [
      delivery({ scope: 'both', alerts: [alert('both', 1, { eventNs: beyond })], internals: [internal(3, { eventNs: beyond })] }),
    ])
    expect(tally).toEqual({ accepted: 0, duplicates: 0, internal: 0, deadLetters: 2 })
  })

  it('keeps a dead letter whatever the length of its place, once', async () => {
    const place = `${'folder/'.repeat(900)}file.log: line`
    const deadLetters = [1, 2, 1].map((n) => ({ at: `${place} ${n}`, reason: 'not JSON', bytes: randomBytes(1).fill(7) }))
    await accept(database(), clock, [delivery({ scope: 'far', deadLetters })])
    const letters = (await listDeadLetters(database(), { limit: 50 })).filter((letter) => letter.scope === 'far')
    expect(letters.map((letter) => letter.place.slice(-6)).sort()).toEqual(['line 1', 'line 2'])
  })

  it('counts for each delivery what was new in it, also when two hold the same record', async () => {
    const scope = 'counted'
    const same = alert(scope, 1)
    const source = await createSource(database(), { name: 'counted', collector: 'falco', scope, secret: null, at: clock.now() })
    const given = (alerts: Delivery['alerts']): Delivery =>
      delivery({ scope, sourceId: source?.id ?? null, alerts, internals: [internal(9)] })
    const tallies = await accept(database(), clock, [given([same, same]), given([same, alert(scope, 2)])])
    expect(tallies.map(({ accepted, duplicates, internal: messages }) => [accepted, duplicates, messages])).toEqual([
      [1, 1, 1],
      [1, 2, 0],
    ])
    const [counted] = (await listSources(database())).filter((one) => one.name === 'counted')
    expect(counted).toMatchObject({ accepted: 2, duplicates: 3, internal: 1 })
  })
})

describe.skipIf(serverUrl === undefined)('two servers on one Postgres', () => {
  it('take the same deliveries in any order at once: each alert is accepted once, and none waits for ever', async () => {
    const own = await serverDatabase(serverUrl as string)
    const servers = await Promise.all([openDatabase({ url: own.url }), openDatabase({ url: own.url })])
    const [first] = servers as [Database, Database]
    const scopes = ['one', 'two', 'three']
    const sources = new Map<string, string>()
    for (const scope of scopes)
      sources.set(scope, (await createSource(first, { name: scope, collector: 'falco', scope, secret: null, at: clock.now() }))?.id ?? '')
    const deliveries = scopes.map((scope) => {
      const pods = [0, 1, 2, 3].map((n) => podRecords({ name: `pod-${n}` }, scope))
      return delivery({
        scope,
        sourceId: sources.get(scope) ?? null,
        alerts: Array.from({ length: 40 }, (_, n) => alert(scope, n)),
        internals: Array.from({ length: 10 }, (_, n) => internal(n)),
        entities: pods.flatMap((pod) => pod.entities),
        relations: pods.flatMap((pod) => pod.relations),
        deadLetters: [{ at: 'line 1', reason: 'not JSON', bytes: Buffer.from('{') }],
      })
    })
    const turned = (by: number): Delivery[] =>
      [...deliveries.slice(by), ...deliveries.slice(0, by)].map((one) => ({
        ...one,
        alerts: one.alerts.toReversed(),
        entities: one.entities.toReversed(),
      }))
    let accepted = 0
    for (let round = 0; round < 5; round += 1) {
      const tallies = await Promise.all(
        servers.flatMap((server) => [0, 1, 2].map((by) => accept(server, clock, by === round % 3 ? deliveries : turned(by)))),
      )
      accepted += tallies.flat().reduce((sum, tally) => sum + tally.accepted, 0)
    }
    const stored = await Promise.all(scopes.map(async (scope) => (await searchAlerts(first, { scope }, { limit: 100 })).alerts))
    expect(stored.map((alerts) => alerts.length)).toEqual([40, 40, 40])
    // Of each scope, 4 pods and their workloads, and one node, beside the alerts.
    expect(accepted).toBeGreaterThanOrEqual(3 * 40)
    for (const alerts of stored) for (const { seen } of alerts) expect(seen).toBe(30)
    expect((await listDeadLetters(first, { limit: 50 })).map((letter) => letter.scope).sort()).toEqual([...scopes].sort())
    await Promise.all(servers.map((server) => server.close()))
    await own.drop()
  })
})
