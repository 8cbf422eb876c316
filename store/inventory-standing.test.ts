import { array, assert, asyncProperty, boolean, constantFrom, integer, record as shaped } from 'fast-check'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { FixedClock } from '../domain/clock.ts'
import type { NewEntity } from '../domain/entity.ts'
import { eachDatabase } from '../test/support/database.ts'
import { delivery } from '../test/support/records.ts'
import { property } from '../test/support/sizes.ts'
import type { Database } from './database.ts'
import { accept } from './intake.ts'
import { foldStanding, inventoryFreshness } from './inventory-standing.ts'
import { markDeleted } from './observe.ts'
import { forgetWitness } from './witnesses.ts'

const clock = new FixedClock('2026-11-24T12:00:00Z')
const witnesses = [1, 2].map((digit) => `019a0000-0000-7000-8000-00000000000${digit}`)
const scopes = ['lab', 'prod\0', 'global'] as const
type Word = {
  by: string
  scope: (typeof scopes)[number]
  kind: 'pod' | 'node'
  number: number
  at: number
  gone: boolean
  inventory: boolean
}
const word = shaped<Word>({
  by: constantFrom(...witnesses),
  scope: constantFrom(...scopes),
  kind: constantFrom('pod', 'node'),
  number: integer({ min: 0, max: 3 }),
  at: integer({ min: 1, max: 9 }),
  gone: boolean(),
  inventory: integer({ min: 0, max: 3 }).map((of) => of > 0),
})
const entity = ({ scope, kind, number, at, gone }: Word): NewEntity => ({
  scope,
  kind,
  key: `k${number}`,
  name: `n${number}`,
  namespace: null,
  properties: { number },
  observedNs: BigInt(at),
  validFromNs: BigInt(at),
  deletedNs: gone ? BigInt(at) : null,
})
const say = (db: Database, told: Word): Promise<unknown> =>
  accept(db, clock, [delivery({ sourceId: told.by, scope: told.scope, inventory: told.inventory, entities: [entity(told)] })])

/** As it was counted with every question. */
const counted = (db: Database): Promise<object[]> =>
  db.query(sql<object>`select scope, count(*) filter (where deleted_ns is null) as entities, count(*) filter (where kind = 'pod' and deleted_ns is null) as pods,
      min(first_ns) as first_ns, max(last_ns) filter (where deleted_ns is null) as last_ns, max(last_ns) as newest
    from entities where origin = 'inventory' and scope <> 'global' group by scope having count(*) filter (where deleted_ns is null) > 0 order by scope`)

async function expectTrue(db: Database, context = ''): Promise<void> {
  const rows = (await counted(db)) as { entities: bigint; pods: bigint; first_ns: bigint; last_ns: bigint; newest: bigint }[]
  const standing = await inventoryFreshness(db)
  expect(
    standing.map(({ entities, pods, firstNs }) => ({ entities, pods, firstNs })),
    context,
  ).toEqual(rows.map(({ entities, pods, first_ns }) => ({ entities: Number(entities), pods: Number(pods), firstNs: first_ns })))
  for (const [at, { lastNs }] of standing.entries()) {
    expect(lastNs, context).toBeGreaterThanOrEqual(rows[at]?.last_ns as bigint)
    expect(lastNs, context).toBeLessThanOrEqual(rows[at]?.newest as bigint)
  }
}

eachDatabase('what stands of inventory', (database, kind) => {
  const afresh = (): Promise<unknown> =>
    database().query(sql`truncate entities, relations, entity_sightings, attack_steps, proposals, approvals, artifacts cascade`)

  it('is what counting all of it comes to, whatever is told, gone, taken back and folded', async () => {
    await assert(
      asyncProperty(array(word, { maxLength: 14 }), constantFrom(...witnesses), async (words, forgotten) => {
        const db = database()
        await afresh()
        for (const told of words) await say(db, told)
        await expectTrue(db, 'told')
        await db.transaction((tx) => markDeleted(tx, 'lab', 'pod', ['k0', 'k1'], 20n))
        await expectTrue(db, 'gone')
        await db.transaction((tx) => forgetWitness(tx, forgotten, new Date(0)))
        await expectTrue(db, 'taken back')
        for (const told of words) await say(db, told)
        await expectTrue(db, 'told again')
      }),
      property(500),
    )
  })

  it('grows by nothing where nothing is new, and is put together where it has many rows', async () => {
    const db = database()
    await afresh()
    const told: Word = { by: witnesses[0] as string, scope: 'lab', kind: 'pod', number: 0, at: 1, gone: false, inventory: true }
    const rows = async (): Promise<number> => (await db.query(sql`select 1 from inventory_standing`)).length
    await say(db, told)
    expect(await rows()).toBe(1)
    await say(db, told)
    await say(db, { ...told, inventory: false })
    expect(await rows()).toBe(1)
    for (let at = 2; at <= 60; at += 1) await say(db, { ...told, at })
    expect(await rows()).toBe(60)
    await foldStanding(db)
    expect(await rows()).toBe(1)
    expect(await inventoryFreshness(db)).toEqual([{ scope: 'lab', entities: 1, pods: 1, firstNs: 1n, lastNs: 60n }])
    // What was rolled back leaves nothing.
    await expect(
      db.transaction(async (tx) => {
        await markDeleted(tx, 'lab', 'pod', ['k0'], 70n)
        throw new Error('killed')
      }),
    ).rejects.toThrow('killed')
    await expectTrue(db)
  })

  // The embedded database has one connection: nothing is at once there.
  if (kind === 'embedded') return
  it('holds while several write, fold and take back at once', async () => {
    const db = database()
    await afresh()
    for (let round = 0; round < 12; round += 1) {
      const told = Array.from({ length: 40 }, (_, at): Word => ({
        by: witnesses[at % 2] as string,
        scope: at % 3 === 0 ? 'lab' : 'prod\0',
        kind: at % 5 === 0 ? 'node' : 'pod',
        number: (at * 7 + round) % 6,
        at: at + round * 40,
        gone: at % 11 === 0,
        inventory: at % 13 !== 0,
      }))
      const again = async (work: () => Promise<unknown>): Promise<void> => {
        await work().catch((error: { code?: string }) => {
          if (error.code !== '40P01') throw error
        })
      }
      await Promise.all([
        ...told.map((one) => say(db, one)),
        ...[0, 1, 2].map(() => foldStanding(db)),
        again(() => db.transaction((tx) => forgetWitness(tx, witnesses[round % 2] as string, new Date(0)))),
      ])
      await expectTrue(db, `round ${round}`)
    }
  })
})
