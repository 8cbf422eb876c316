import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { NewAlert } from '../domain/alert.ts'
import { FixedClock } from '../domain/clock.ts'
import { ConfigError, InvariantError } from '../domain/errors.ts'
import { eachDatabase, embeddedDatabase } from '../test/support/database.ts'
import { searchAlerts } from './alert-search.ts'
import { getAlert, getAlertRaw } from './alerts.ts'
import { appendAudit, verifyAudit } from './audit.ts'
import { openDatabase } from './database.ts'
import { listDeadLetters } from './dead-letters.ts'
import { containersByPrefix, findEntity, ownersOf, podsByName, type Stretch } from './entities.ts'
import { type Delivery, emptyDelivery } from './delivery.ts'
import { accept } from './intake.ts'
import { dropBefore, ensurePartitions } from './partitions.ts'
import { escapeText, unescapeText } from './values.ts'

const clock = new FixedClock('2026-11-24T10:00:00Z')
const alertNumber = (n: number, over: Partial<NewAlert> = {}): NewAlert => ({
  scope: 'lab',
  contentKey: n.toString(16).padStart(64, '0'),
  sensor: 'falco',
  sensorSource: 'syscall',
  eventNs: 1_588_262_426_778_731_436n + BigInt(n),
  eventTimeFrom: 'event',
  rule: 'Terminal shell in container',
  priority: 'Notice',
  severity: 'low',
  hostname: 'vm',
  activityKey: null,
  relayedAs: null,
  truncated: [],
  tags: ['T1059'],
  tactics: ['TA0002'],
  techniques: ['T1059'],
  output: 'prose',
  container: { id: 'c010f5a08549', name: null, image: null },
  pod: null,
  process: null,
  file: null,
  connection: null,
  fields: { 'evt.time': 1_588_262_426_778_731_436n },
  document: {},
  raw: Buffer.from(`{"n":${n}}`),
  ...over,
})
const delivery = (alerts: NewAlert[], over: Partial<Delivery> = {}): Delivery => ({
  ...emptyDelivery({ sourceId: null, scope: 'lab', inventory: true }),
  alerts,
  ...over,
})

eachDatabase('store', (database) => {
  beforeAll(async () => ensurePartitions(database(), clock.now()))

  it('guarantee 26: stores an alert once however often it is sent, and keeps every digit and byte', async () => {
    const first = await accept(database(), clock, [delivery([alertNumber(1), alertNumber(2)]), delivery([alertNumber(2), alertNumber(3)])])
    expect(first.map((tally) => [tally.accepted, tally.duplicates])).toEqual([
      [2, 0],
      [1, 1],
    ])
    expect((await accept(database(), clock, [delivery([alertNumber(1)])]))[0]).toMatchObject({ accepted: 0, duplicates: 1 })
    const page = await searchAlerts(database(), { scope: 'lab' }, { limit: 2 })
    const rest = await searchAlerts(database(), { scope: 'lab' }, { limit: 2, cursor: page.next as string })
    expect([...page.alerts, ...rest.alerts].map((alert) => alert.eventNs - 1_588_262_426_778_731_436n)).toEqual([3n, 2n, 1n])
    expect(rest.next).toBeNull()
    const [newest] = page.alerts
    expect((await getAlert(database(), newest?.id as string))?.fields['evt.time']).toBe(1_588_262_426_778_731_436n)
    expect(Buffer.from((await getAlertRaw(database(), newest?.id as string)) as Uint8Array).toString()).toBe('{"n":3}')
    expect(
      (await searchAlerts(database(), { scope: 'lab' }, { limit: 5 })).alerts.find((alert) => alert.contentKey.endsWith('01'))?.seen,
    ).toBe(2)
  })

  it('guarantee 28: keeps NUL and broken UTF-16, and a poisoned record costs its neighbours nothing', async () => {
    const odd = alertNumber(10, {
      scope: 'odd',
      rule: 'a\0b\ud800c\u241b',
      fields: { 'k\0': 'v\udc00' },
      raw: Buffer.from([0xff, 0x00, 0x41]),
    })
    await accept(database(), clock, [delivery([odd], { scope: 'odd' })])
    const [stored] = (await searchAlerts(database(), { scope: 'odd' }, { limit: 1 })).alerts
    expect(stored).toMatchObject({ rule: odd.rule, fields: odd.fields })
    expect([...((await getAlertRaw(database(), stored?.id as string)) ?? [])]).toEqual([0xff, 0x00, 0x41])
    const poisoned = alertNumber(12, { scope: 'bad', eventNs: 2n ** 63n })
    const tallies = await accept(database(), clock, [
      delivery([11, 13, 14].map((n) => alertNumber(n, { scope: 'bad' })).concat(poisoned), { scope: 'bad' }),
    ])
    expect(tallies).toEqual([{ accepted: 3, duplicates: 0, internal: 0, deadLetters: 1 }])
    expect((await listDeadLetters(database(), { limit: 1 }))[0]).toMatchObject({ scope: 'bad', preview: '{"n":12}' })
  })

  it('answers inventory as of a time, and never lets an older observation overwrite a newer one', async () => {
    const at = 1_700_000_000_000_000_000n
    const pod = (observedNs: bigint, phase: string, deletedNs: bigint | null = null) => ({
      scope: 'inv',
      kind: 'pod' as const,
      key: 'uid-1',
      name: 'checkout-1',
      namespace: 'shop',
      properties: { phase },
      observedNs,
      validFromNs: at,
      deletedNs,
    })
    const container = {
      scope: 'inv',
      kind: 'container' as const,
      key: 'c010f5a08549'.padEnd(64, 'a'),
      name: 'app',
      namespace: 'shop',
      properties: {},
      observedNs: at,
      validFromNs: at,
      deletedNs: at + 40_000_000_000n,
    }
    const workload = {
      scope: 'inv',
      kind: 'workload' as const,
      key: 'uid-w',
      name: 'checkout',
      namespace: 'shop',
      properties: {},
      observedNs: at,
      validFromNs: at,
      deletedNs: null,
    }
    const owns = {
      from: { scope: 'inv', kind: 'workload' as const, key: 'uid-w' },
      type: 'OWNS' as const,
      to: { scope: 'inv', kind: 'pod' as const, key: 'uid-1' },
      observedNs: at,
    }
    await accept(database(), clock, [
      delivery([], { scope: 'inv', entities: [pod(at + 10n, 'Running'), pod(at + 5n, 'Pending'), container, workload], relations: [owns] }),
    ])
    await accept(database(), clock, [delivery([], { scope: 'inv', entities: [pod(at, 'Pending')] })])
    const stored = await findEntity(database(), { scope: 'inv', kind: 'pod', key: 'uid-1' })
    expect(stored?.properties).toEqual({ phase: 'Running' })
    expect((await ownersOf(database(), [stored?.id as bigint]))[0]?.map((entity) => entity.key)).toEqual(['uid-1', 'uid-w'])
    const then = (atNs: bigint): Stretch => ({ fromNs: atNs, untilNs: atNs })
    const pods = async (namespace: string, atNs: bigint) =>
      (await podsByName(database(), [{ scope: 'inv', namespace, name: 'checkout-1' }], then(atNs)))[0]
    const containers = async (atNs: bigint) =>
      (await containersByPrefix(database(), [{ scope: 'inv', prefix: 'c010f5a08549' }], then(atNs)))[0]
    expect(await pods('shop', at + 20n)).toHaveLength(1)
    expect(await pods('shop\0', at)).toHaveLength(0)
    expect(await containers(at + 30_000_000_000n)).toHaveLength(1)
    expect(await containers(at + 3_600_000_000_000n)).toHaveLength(0)
    const several = [
      { scope: 'other', prefix: 'c010f5a08549' },
      { scope: 'inv', prefix: 'C010%' },
      { scope: 'inv', prefix: 'c010f5' },
    ]
    expect((await containersByPrefix(database(), several, then(at))).map((found) => found.length)).toEqual([0, 0, 1])
  })

  it('guarantee 24: finds an edited, removed, reordered or truncated audit entry', async () => {
    const entry = (n: number) => ({
      principal: { id: 'u', kind: 'user' as const, name: 'Ada' },
      channel: 'web' as const,
      action: `step ${n}`,
      subject: 's',
      details: { n, big: 2n ** 60n, odd: 'a\0' },
    })
    for (let n = 1; n <= 4; n += 1) await database().transaction((tx) => appendAudit(tx, clock, entry(n)))
    const { head, broken } = await verifyAudit(database())
    expect(broken).toBeNull()
    for (const tamper of [
      "update audit set action = 'x' where seq = 2",
      'delete from audit where seq = 3',
      'update audit set seq = case seq when 2 then 1003 else 1002 end where seq in (2, 3)',
      'delete from audit where seq = 4',
    ]) {
      await expect(
        database().transaction(async (tx) => {
          await tx.query(sql.raw(tamper))
          const result = await verifyAudit(tx, head as { seq: bigint; hash: string })
          throw new Error(`broken at ${result.broken}`)
        }),
      ).rejects.toThrow(/broken at \d/)
    }
    expect((await verifyAudit(database(), head as { seq: bigint; hash: string })).broken).toBeNull()
  })

  it('drops partitions whole when retention has passed, and only those', async () => {
    const old = new FixedClock('2024-03-06T00:00:00Z')
    await ensurePartitions(database(), old.now(), 0)
    await accept(database(), old, [delivery([alertNumber(50, { scope: 'old' })], { scope: 'old' })])
    expect(await dropBefore(database(), new Date('2024-03-08T00:00:00Z'))).toBe(0)
    expect(await dropBefore(database(), new Date('2025-01-01T00:00:00Z'))).toBe(1)
    expect((await searchAlerts(database(), { scope: 'old' }, { limit: 1 })).alerts).toHaveLength(0)
  })

  it('has pgvector, and refuses a query that would wait for its own transaction', async () => {
    expect(await database().query(sql<{ d: number }>`select '[1,0]'::vector <-> '[0,1]'::vector as d`)).toEqual([
      { d: expect.closeTo(Math.SQRT2, 6) as number },
    ])
    await expect(database().transaction(async () => database().query(sql`select 1`))).rejects.toThrow(InvariantError)
  })
})

describe('the embedded folder', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'falconer-store-'))
  })
  afterAll(async () => rm(folder, { recursive: true, force: true }))

  it('is held by one process at a time, and says by whom', async () => {
    const database = await embeddedDatabase(folder)
    await expect(openDatabase({ dataDir: folder })).rejects.toThrow(new RegExp(`in use by another Falconer \\(pid ${process.pid}`))
    await database.query(sql`insert into kysely_migration (name, timestamp) values ('9999-future', now()::text)`)
    await database.close()
    await expect(openDatabase({ dataDir: folder })).rejects.toThrow(ConfigError)
    await expect(openDatabase({ dataDir: folder })).rejects.toThrow(/newer Falconer/)
  })
})

it('escapes what Postgres refuses, reversibly', () => {
  for (const text of ['', 'plain', '\0', '\u241b0', '\u241b\u241b', 'a\ud800', '\udc00\ud800', '😀', '\u241bd800'])
    expect(unescapeText(escapeText(text))).toBe(text)
})
