import { beforeAll, expect, it } from 'vitest'
import { FixedClock } from '../domain/clock.ts'
import { eachDatabase } from '../test/support/database.ts'
import { delivery, minute, newAlert, noon, process_ } from '../test/support/records.ts'
import { countAlerts, fieldNames } from './alert-counts.ts'
import { searchAlerts } from './alert-search.ts'
import { accept } from './intake.ts'
import { ensurePartitions } from './partitions.ts'

const clock = new FixedClock('2026-11-24T12:00:00Z')
const hour = 60n * minute
const document = { rule: 'written', output_fields: { 'fd.sport': 4444, 'evt.res': 'SUCCESS' } }

eachDatabase('counting alerts', (database) => {
  beforeAll(async () => {
    await ensurePartitions(database(), clock.now())
    const alerts = Array.from({ length: 60 }, (_, n) =>
      newAlert({
        eventNs: noon + BigInt(n) * 6n * minute,
        rule: n % 3 === 0 ? 'Shell' : 'Read',
        priority: n % 10 === 0 ? 'Critical' : 'Notice',
        hostname: n % 2 === 0 ? 'node-1' : null,
        tags: n % 3 === 0 ? ['container', 'shell'] : [],
        pod: { namespace: n < 50 ? 'shop' : 'bank', name: `app-${n % 4}`, uid: null },
        process: process_({ name: n % 3 === 0 ? 'ba\0sh' : 'cat' }),
        fields: { 'fd.sport': n % 5, 'odd\u241bname': n },
      }),
    )
    const written = newAlert({
      rule: 'written',
      eventNs: noon - hour,
      fields: document.output_fields,
      document,
      raw: Buffer.from(JSON.stringify(document)),
      rawIsDocument: true,
    })
    await accept(database(), clock, [delivery({ alerts: [...alerts, written] })])
  })
  const counted = async (by: Parameters<typeof countAlerts>[2]['by'], search = {}, limit = 10) => {
    const { counted: groups, ...rest } = await countAlerts(database(), search, { by, limit })
    return { ...rest, groups: groups.map(({ values, alerts }) => [...values, alerts]) }
  }

  it('counts by one field or two, most first, and says how many groups there are', async () => {
    expect((await counted(['rule'])).groups).toEqual([
      ['Read', 40],
      ['Shell', 20],
      ['written', 1],
    ])
    const { groups, alerts } = await counted(['namespace', 'process'], {}, 2)
    expect(groups).toEqual([
      ['shop', 'cat', 33],
      ['shop', 'ba\0sh', 17],
    ])
    expect(alerts).toBe(61)
    expect((await countAlerts(database(), {}, { by: ['pod'], limit: 1 })).groups).toBe(9)
  })

  it('counts an alert for each of its tags, and once altogether; one without any is told', async () => {
    expect(await counted(['tag'])).toEqual({
      alerts: 61,
      lookedBackTo: null,
      groups: [
        [null, 41],
        ['container', 20],
        ['shell', 20],
      ],
    })
  })

  it('counts by any field that the sensor wrote, wherever that is kept', async () => {
    expect((await counted(['fields.fd.sport'])).groups).toEqual([...['0', '1', '2', '3', '4'].map((value) => [value, 12]), ['4444', 1]])
    expect((await counted(['fields.odd\u241bname'], { rule: 'Shell', toNs: noon }, 5)).groups).toEqual([['0', 1]])
    expect((await counted(['fields.nothing'])).groups).toEqual([[null, 61]])
    expect((await fieldNames(database(), {}, 10)).names).toEqual([
      { name: 'fd.sport', alerts: 61 },
      { name: 'odd\u241bname', alerts: 60 },
      { name: 'evt.res', alerts: 1 },
    ])
  })

  it('counts over time', async () => {
    const { counted: groups } = await countAlerts(database(), { rule: 'Shell' }, { by: [], interval: 'hour', limit: 3 })
    expect(groups.map(({ startNs, alerts }) => [Number(((startNs ?? 0n) - noon) / hour), alerts])).toEqual([
      [3, 4],
      [4, 3],
      [5, 3],
    ])
  })

  it('keeps to what it is asked of; a search finds the same', async () => {
    const search = { namespace: 'bank', hostname: 'node-1', minPriority: 'Critical', fromNs: noon } as const
    expect((await counted(['rule'], search)).groups).toEqual([['Read', 1]])
    expect((await searchAlerts(database(), search, { limit: 10 })).alerts).toMatchObject([{ rule: 'Read', priority: 'Critical' }])
  })
})
