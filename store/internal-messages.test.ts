/** Sensors that tell of themselves: summed per source and host whatever the order and however often sent; drops are gaps with times. */
import fc from 'fast-check'
import { sql } from 'kysely'
import { beforeEach, expect, it } from 'vitest'
import { FixedClock } from '../domain/clock.ts'
import { eachDatabase } from '../test/support/database.ts'
import { delivery, minute, noon } from '../test/support/records.ts'
import { property } from '../test/support/sizes.ts'
import type { InternalMessage } from './delivery.ts'
import { coverage } from './coverage-ledger.ts'
import { accept } from './intake.ts'
import { blindBetween, forgetSensors } from './internal-messages.ts'
import { listSensors } from './sensors.ts'

const clock = new FixedClock('2026-11-23T12:00:00Z')
const second = 1_000_000_000n
let made = 0
const message = (over: Partial<InternalMessage> = {}): InternalMessage => ({
  contentKey: (made += 1).toString(16).padStart(64, '0'),
  name: 'Falco internal: syscall event drop',
  eventNs: noon,
  hostname: 'node-1',
  fields: { n_drops: '7', n_evts: '100' },
  raw: Buffer.from('{}'),
  ...over,
})
const snapshot = (eventNs: bigint, fields: Record<string, unknown>, over: Partial<InternalMessage> = {}): InternalMessage =>
  message({
    name: 'Falco internal: metrics snapshot',
    eventNs,
    fields: { 'falco.version': '0.42.1', 'evt.source': 'syscall', ...fields },
    ...over,
  })

eachDatabase('sensors', (database) => {
  const take = (...internals: InternalMessage[]) => accept(database(), clock, [delivery({ internals })])
  const list = (limit = 50) => listSensors(database(), { limit, silentBeforeNs: noon - 120n * minute })
  beforeEach(async () => {
    for (const table of ['sensors', 'sensor_gaps', 'internal_messages']) await database().query(sql`delete from ${sql.table(table)}`)
  })

  it('sums drops per host, with the times they were between; a message sent again adds nothing', async () => {
    const messages = [
      message({ eventNs: noon, fields: { n_drops: '1000', n_evts: '50000' } }),
      message({ eventNs: noon + 5n * minute, fields: { n_drops: '234', n_evts: '6789' } }),
      message({ eventNs: noon + 300n * minute, fields: { n_drops: 1, n_evts: 2n } }),
      message({ hostname: null, fields: { 'evt.hostname': 'node-2', n_drops: 'many' } }),
    ]
    await take(...messages)
    await take(...messages)
    const { sensors, total, dropping } = await list()
    expect([total, dropping]).toEqual([2, 2])
    expect(sensors.map((one) => [one.hostname, one.messages, one.drops?.dropped, one.drops?.events])).toEqual([
      ['node-1', 3, 1_235n, 56_791n],
      ['node-2', 1, 0n, 0n],
    ])
    expect(sensors[0]?.gaps).toEqual([
      { fromNs: noon + 300n * minute - second, toNs: noon + 300n * minute, messages: 1, dropped: 1n, events: 2n },
      { fromNs: noon - second, toNs: noon + 5n * minute, messages: 2, dropped: 1_234n, events: 56_789n },
    ])
  })

  it('counts and lists those of one cluster, however many another has', async () => {
    await take(...Array.from({ length: 12 }, (_, at) => message({ hostname: `a-${at}` })))
    await accept(database(), clock, [
      delivery({ scope: 'other', internals: [message({ hostname: 'z-quiet', name: 'Falco internal: metrics snapshot' })] }),
    ])
    const of = (scope?: string) => listSensors(database(), { limit: 3, scope, silentBeforeNs: noon - 120n * minute })
    expect(await of('other')).toMatchObject({ total: 1, sensors: [{ hostname: 'z-quiet', scope: 'other' }] })
    expect((await of()).total).toBe(13)
    const { covered, complete } = await coverage({ db: database(), clock }, { limit: 3, scope: 'other' })
    expect(covered.filter(({ kind }) => kind === 'sensor').map(({ name }) => name)).toEqual(['z-quiet'])
    expect(complete).toBe(true)
  })

  it('shows the newest snapshot, by its own time, and keeps drops beside it', async () => {
    const counters = {
      'falco.start_ts': noon - 60n * minute,
      'scap.n_evts': 9_007_199_254_740_993n,
      'scap.n_drops': 12,
      'falco.outputs_queue_num_drops': 0,
    }
    await take(snapshot(noon + minute, counters), message())
    await take(snapshot(noon, { 'falco.version': '0.41.0', 'scap.n_evts': 1 }))
    await take(snapshot(noon, { 'evt.source': 'aws_cloudtrail', 'falco.num_evts': 3 }))
    const { sensors } = await list()
    expect(
      sensors.map((one) => [one.eventSource, one.snapshot?.version, one.snapshot?.events, one.snapshot?.dropped, one.drops?.dropped]),
    ).toEqual([
      ['syscall', '0.42.1', 9_007_199_254_740_993n, 12n, 7n],
      ['aws_cloudtrail', '0.42.1', 3n, null, undefined],
    ])
    expect(sensors[0]?.snapshot).toMatchObject({ atNs: noon + minute, startedNs: noon - 60n * minute, queueDropped: 0n })
  })

  it('a clock that is ahead, hostile numbers and names break nothing and hide nothing', async () => {
    const late = 9_223_372_036_854_775_807n
    await take(
      message({ eventNs: late, fields: { n_drops: '999999999999999999', n_evts: '999999999999999999' } }),
      message({ eventNs: -late, hostname: `x\0${'y'.repeat(100_000)}` }),
      snapshot(late, { 'falco.version': '\ud800', 'scap.n_evts': '9'.repeat(40) }, { hostname: 'node-3' }),
    )
    for (let time = 0; time < 12; time += 1) await take(message({ fields: { n_drops: '999999999999999999', n_evts: '1' } }))
    await take(snapshot(noon, { 'falco.version': '0.42.1' }, { hostname: 'node-3' }))
    const { sensors, total } = await list()
    expect(total).toBe(3)
    expect(sensors.find((one) => one.hostname === 'node-1')).toMatchObject({ drops: { dropped: late, messages: 13 }, messages: 13 })
    expect(sensors.every((one) => one.lastNs <= BigInt(clock.now().getTime()) * 1_000_000n)).toBe(true)
  })

  it('puts first who is silent or drops, and tells how many there are of each', async () => {
    await take(
      ...Array.from({ length: 30 }, (_, index) => snapshot(noon, {}, { hostname: `node-${String(index).padStart(2, '0')}` })),
      snapshot(noon - 300n * minute, {}, { hostname: 'silent' }),
      message({ hostname: 'zz-drops' }),
    )
    const { sensors, ...counts } = await list(4)
    expect(counts).toEqual({ total: 32, dropping: 1, silent: 1 })
    expect(sensors.map((one) => one.hostname)).toEqual(['silent', 'zz-drops', 'node-00', 'node-01'])
  })

  it('tells what a stretch of time may lack, for one host or all, and forgets what retention removes', async () => {
    await take(message({ eventNs: noon }), message({ eventNs: noon + 60n * minute, hostname: 'node-2' }))
    const blind = async (host: string | null, from: bigint, to: bigint) =>
      (await blindBetween(database(), 'lab', host, from, to)).map((gap) => gap.hostname)
    expect(await blind(null, noon - minute, noon + 90n * minute)).toEqual(['node-1', 'node-2'])
    expect(await blind('node-2', noon - minute, noon + 90n * minute)).toEqual(['node-2'])
    expect(await blind(null, noon + minute, noon + 59n * minute)).toEqual([])
    expect(await blind(null, noon - 2n * minute, noon - 2n * second)).toEqual([])
    expect(await blindBetween(database(), 'other', null, 0n, 2n * noon)).toEqual([])
    await forgetSensors(database(), new Date(clock.now().getTime() + 1))
    expect([(await list()).total, await blind(null, 0n, 2n * noon)]).toEqual([0, []])
  })

  it('gives the same in any order and in any grouping', async ({ task }) => {
    const cases = property(200, 20)
    const report = fc.record({
      at: fc.integer({ min: 0, max: 40 }),
      host: fc.constantFrom('a', 'b'),
      kind: fc.constantFrom('drop', 'snapshot', 'other'),
      n: fc.integer({ min: 0, max: 9 }),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(report, { minLength: 1, maxLength: 12 }), fc.infiniteStream(fc.nat()), async (reports, order) => {
        const messages = reports.map(({ at, host, kind, n }) =>
          message({
            name:
              kind === 'drop'
                ? 'Falco internal: syscall event drop'
                : kind === 'snapshot'
                  ? 'Falco internal: metrics snapshot'
                  : 'Falco internal: other',
            eventNs: noon + BigInt(at) * minute,
            hostname: host,
            fields: { n_drops: n, n_evts: 10, 'falco.version': `0.${n}`, 'scap.n_evts': n },
          }),
        )
        const results: unknown[] = []
        const shuffled = messages
          .map((one) => [order.next().value, one] as const)
          .sort(([a], [b]) => Number(a) - Number(b))
          .map(([, one]) => one)
        for (const all of [messages, shuffled]) {
          for (const table of ['sensors', 'sensor_gaps', 'internal_messages']) await database().query(sql`delete from ${sql.table(table)}`)
          if (all === messages) await take(...all)
          else for (const one of all) await take(one)
          results.push(await list())
        }
        expect(results[1]).toEqual(results[0])
      }),
      cases as never,
    )
    Object.assign(task.meta, { cases: cases.numRuns })
  })
})
