import { sql } from 'kysely'
import { expect, it } from 'vitest'
import type { NewActivity } from '../domain/activity.ts'
import { FixedClock } from '../domain/clock.ts'
import { eachDatabase } from '../test/support/database.ts'
import { delivery } from '../test/support/records.ts'
import { listActivities } from './activities.ts'
import { advisoriesFor } from './advisories.ts'
import { keysOf } from './aliases.ts'
import { accept } from './intake.ts'
import { dropBefore } from './partitions.ts'

const at = (day: string): FixedClock => new FixedClock(`2026-11-${day}T10:00:00Z`)
const activity = (n: number): NewActivity => ({
  scope: 'lab',
  contentKey: n.toString(16).padStart(64, '0'),
  producer: 'cloudtrail',
  eventNs: 1_790_000_000_000_000_000n + BigInt(n),
  service: 's3.amazonaws.com',
  operation: n % 2 === 0 ? 'GetObject' : 'PutObject',
  outcome: 'success',
  error: null,
  actor: { id: 'arn:aws:iam::1:user/a', name: 'a', kind: 'user', session: null },
  source: { ip: '192.0.2.1', service: null, userAgent: 'x\0y' },
  resources: ['arn:aws:s3:::b'],
  properties: { size: 12_345_678_901_234_567_890n },
  raw: Buffer.from([0xff, 0x00, n]),
})
const advisory = (snapshot: string, day: number, score: number) => ({
  list: 'epss' as const,
  cve: 'CVE-2026-0001',
  snapshot,
  snapshotNs: BigInt(Date.UTC(2026, 10, day)) * 1_000_000n,
  facts: { score },
})

eachDatabase('activities, advisories and aliases', (database) => {
  it('are stored once, told exactly, and page by page', async () => {
    const activities = [1, 2, 3].map(activity)
    expect((await accept(database(), at('01'), [delivery({ activities })]))[0]).toMatchObject({ accepted: 3, duplicates: 0 })
    expect((await accept(database(), at('02'), [delivery({ activities: [...activities, activity(4)] })]))[0]).toMatchObject({
      accepted: 1,
      duplicates: 3,
    })
    const first = await listActivities(database(), { actor: 'arn:aws:iam::1:user/a' }, { limit: 3 })
    const rest = await listActivities(database(), { actor: 'arn:aws:iam::1:user/a' }, { limit: 3, cursor: first.next ?? '' })
    expect([...first.activities, ...rest.activities].map((one) => one.eventNs - 1_790_000_000_000_000_000n)).toEqual([4n, 3n, 2n, 1n])
    expect(rest.next).toBeNull()
    expect(first.activities[0]).toMatchObject({ source: { userAgent: 'x\0y' }, properties: { size: 12_345_678_901_234_567_890n } })
    expect((await listActivities(database(), { operation: 'GetObject' }, { limit: 9 })).activities).toHaveLength(2)
  })

  it('of a list the newest snapshot is told, and older ones go when retention has passed', async () => {
    const advisories = [advisory('2026-10-01', -30, 0.1), advisory('2026-11-02', 2, 0.3), advisory('2026-11-01', 1, 0.2)]
    for (const accepted of [3, 0]) expect((await accept(database(), at('03'), [delivery({ advisories })]))[0]).toMatchObject({ accepted })
    expect((await advisoriesFor(database(), ['CVE-2026-0001'])).map((one) => [one.snapshot, one.facts])).toEqual([
      ['2026-11-02', { score: 0.3 }],
    ])
    await dropBefore(database(), new Date('2026-11-02T00:00:00Z'))
    expect(await database().query(sql`select snapshot from advisories order by 1`)).toEqual([{ snapshot: '2026-11-02' }])
    expect((await listActivities(database(), {}, { limit: 9 })).activities).toHaveLength(1)
  })

  it('an image goes by its digests; two that share an index are not one', async () => {
    const alias = (key: string, alsoKey: string) => ({
      scope: 'global',
      kind: 'image' as const,
      key,
      alsoKey,
      because: 'trivy',
      observedNs: 1n,
    })
    await accept(database(), at('04'), [delivery({ aliases: [alias('amd', 'index'), alias('arm', 'index'), alias('amd', 'manifest')] })])
    expect(await keysOf(database(), { scope: 'global', kind: 'image', key: 'amd' })).toEqual(['amd', 'index', 'manifest'])
    expect(await keysOf(database(), { scope: 'global', kind: 'image', key: 'index' })).toEqual(['index', 'amd', 'arm'])
  })
})
