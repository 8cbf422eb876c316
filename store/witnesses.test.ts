import { array, assert, asyncProperty, boolean, constantFrom, integer, record as shaped } from 'fast-check'
import { expect, it } from 'vitest'
import { sql } from 'kysely'
import type { EntityRef, NewEntity, NewRelation } from '../domain/entity.ts'
import { eachDatabase } from '../test/support/database.ts'
import { upsertInventory } from './observe.ts'
import { forgetWitness } from './witnesses.ts'

const witnesses = [1, 2, 3].map((digit) => `019a0000-0000-7000-8000-00000000000${digit}`)
const ref = (number: number): EntityRef => ({ scope: 'lab', kind: number % 2 === 0 ? 'pod' : 'node', key: `k${number}` })
const entity = (number: number): NewEntity => ({
  ...ref(number),
  name: `n${number}`,
  namespace: 'shop',
  properties: { number },
  observedNs: 5n,
  validFromNs: 1n,
  deletedNs: null,
})
const relation = (from: number, to: number): NewRelation => ({ from: ref(from), type: 'RUNS_ON', to: ref(to), observedNs: 5n })
type Word = { by: string; entity: number | null; from: number; to: number }

eachDatabase('a witness taken back', (database) => {
  const graph = async (): Promise<unknown> => {
    const entities = await database().query(sql`select key, origin, properties from entities order by key`)
    const relations = await database().query(sql`select s.key as src, d.key as dst, r.witness::text from relations r
      join entities s on s.id = r.src join entities d on d.id = r.dst order by 1, 2, 3`)
    return { entities, relations }
  }
  const say = async (words: readonly Word[]): Promise<void> => {
    await database().query(sql`truncate entities, relations, entity_sightings, attack_steps, proposals, approvals, artifacts cascade`)
    for (const { by, entity: number, from, to } of words)
      await database().transaction((tx) =>
        upsertInventory(tx, {
          sourceId: by,
          inventory: true,
          entities: number === null ? [] : [entity(number)],
          relations: from === to ? [] : [relation(from, to)],
        }),
      )
  }

  it('leaves exactly what the others said, in whatever order they all spoke', async () => {
    const number = integer({ min: 0, max: 5 })
    const word = shaped({ by: constantFrom(...witnesses), named: boolean(), number, from: number, to: number }).map(
      ({ by, named, number: one, from, to }): Word => ({ by, entity: named ? one : null, from, to }),
    )
    await assert(
      asyncProperty(array(word, { maxLength: 12 }), constantFrom(...witnesses), async (words, gone) => {
        await say(words.filter(({ by }) => by !== gone))
        const others = await graph()
        await say(words)
        await database().transaction((tx) => forgetWitness(tx, gone, new Date(0)))
        expect(await graph()).toEqual(others)
      }),
      { numRuns: process.env.FALCONER_FULL === '1' ? 1_000 : 25 },
    )
  })

  it('says how much went, and marks what is to be derived again', async () => {
    await say([{ by: witnesses[0] as string, entity: 0, from: 0, to: 1 }])
    await database().query(sql`delete from graph_units`)
    expect(await database().transaction((tx) => forgetWitness(tx, witnesses[0] as string, new Date(0)))).toEqual({
      relations: 1,
      entities: 1,
      aliases: 0,
    })
    expect(await database().query(sql`select scope, unit from graph_units order by 2`)).toEqual([
      { scope: 'lab', unit: 'cloud' },
      { scope: 'lab', unit: 'namespace/shop' },
      { scope: 'lab', unit: 'nodes' },
    ])
    expect(await database().transaction((tx) => forgetWitness(tx, null, new Date(0)))).toEqual({ relations: 0, entities: 0, aliases: 0 })
  })
})
