import { expect, it } from 'vitest'
import type { EntityKind, EntityRef, NewEntity, NewRelation, RelationType } from '../domain/entity.ts'
import type { NewStep } from '../domain/graph.ts'
import { eachDatabase } from '../test/support/database.ts'
import { HeldGraph } from '../graph/held.ts'
import { attackPaths, namedChokePoints, type PathQuestion } from '../graph/paths.ts'
import { fixesByKey, replaceSteps } from './attack-steps.ts'
import type { Database } from './database.ts'
import { findEntities } from './entities.ts'
import { blastCounts, blastRadius, edgesAmong, neighbours } from './graph.ts'
import { upsertInventory } from './observe.ts'

const ref = (kind: EntityKind, key: string): EntityRef => ({ scope: 'lab', kind, key })
const entity = (kind: EntityKind, key: string, over: Partial<NewEntity> = {}): NewEntity => ({
  ...ref(kind, key),
  name: key,
  namespace: 'shop',
  properties: {},
  observedNs: 1_000n,
  validFromNs: 100n,
  deletedNs: null,
  ...over,
})
const relation = (from: EntityRef, type: RelationType, to: EntityRef, observedNs = 1_000n): NewRelation => ({ from, type, to, observedNs })
const technique = { id: 'T1611', name: 'Escape to Host', tactic: 'TA0004', matrix: null }
const step = (from: EntityRef, to: EntityRef, over: Partial<NewStep> = {}): NewStep => ({
  from,
  to,
  type: 'test',
  technique,
  cost: 1,
  precondition: 'p',
  because: 'b',
  evidence: [{ entity: from, path: 'name', value: from.key }],
  fix: null,
  fromNs: 100n,
  untilNs: null,
  ...over,
})
const image = ref('image', 'sha256:1')
const pods = ['a', 'b', 'c'].map((key) => ref('pod', key))
const [a, b, c] = pods as [EntityRef, EntityRef, EntityRef]
const node = ref('node', 'n1')
const secret = ref('secret', 'shop/Secret/db')

eachDatabase('the graph asked', (database) => {
  const idOf = async (...refs: EntityRef[]): Promise<bigint[]> => (await findEntities(database(), refs)).map((one) => one?.id ?? -1n)
  const write = (db: Database, sourceId: string | null, entities: NewEntity[], relations: NewRelation[]) =>
    db.transaction((tx) => upsertInventory(tx, { sourceId, inventory: true, entities, relations }))

  it('neighbours are what is there now, or was then, by both directions', async () => {
    const db = database()
    await write(
      db,
      null,
      [
        ...pods.map(({ kind, key }) => entity(kind, key)),
        entity('pod', 'gone', { deletedNs: 500n }),
        entity('image', image.key, { scope: 'lab' }),
        entity('node', 'n1'),
        entity('secret', secret.key),
      ],
      [
        ...pods.map((pod) => relation(pod, 'USES_IMAGE', image)),
        relation(ref('pod', 'gone'), 'USES_IMAGE', image),
        relation(a, 'RUNS_ON', node),
        relation(a, 'SELECTS', b, 700n),
      ],
    )
    const [ia, ib, ic, inode, igone, iimage] = (await idOf(a, b, c, node, ref('pod', 'gone'), image)) as [
      bigint,
      bigint,
      bigint,
      bigint,
      bigint,
      bigint,
    ]
    const now = await neighbours(db, [ia], { depth: 1, limit: 10, atNs: null })
    expect(now).toEqual([{ id: ia, depth: 0 }, ...[iimage, inode, ib].sort((x, y) => (x < y ? -1 : 1)).map((id) => ({ id, depth: 1 }))])
    expect((await neighbours(db, [ia], { depth: 2, limit: 10, atNs: null })).map(({ id }) => id)).not.toContain(igone)
    const then = (await neighbours(db, [ia], { depth: 2, limit: 10, atNs: 400n })).map(({ id }) => id)
    expect(then).toEqual(expect.arrayContaining([igone, iimage, inode, ic]))
    // "selects" was first seen later, and is not for life.
    expect((await neighbours(db, [ia], { depth: 1, limit: 10, atNs: 400n })).map(({ id }) => id)).not.toContain(ib)
    expect(await neighbours(db, [ia], { depth: 2, limit: 2, atNs: null })).toHaveLength(3)
    expect((await neighbours(db, [ia], { depth: 3, limit: 10, types: ['RUNS_ON'], atNs: null })).map(({ id }) => id)).toEqual([ia, inode])
  })

  it('what two witnesses say of one relation is one edge with both', async () => {
    const db = database()
    await write(db, '019a0000-0000-7000-8000-000000000001', [], [relation(a, 'RUNS_ON', node, 2_000n)])
    const nodes = await idOf(a, node)
    const edges = await edgesAmong(db, nodes, { atNs: null })
    expect(edges).toMatchObject([{ type: 'RUNS_ON', firstNs: 1_000n, lastNs: 2_000n }])
  })

  it('blast radius and paths follow attack steps, one way, and only those that hold', async () => {
    const db = database()
    await db.transaction((tx) =>
      replaceSteps(tx, { scope: 'lab', unit: 'namespace/shop' }, [
        step(a, node),
        step(a, b, { cost: 3 }),
        step(b, secret, { cost: 0 }),
        step(node, c, { cost: 0 }),
        step(c, secret, { cost: 2 }),
        step(secret, a),
        step(node, b, { untilNs: 50n, fromNs: 10n }),
      ]),
    )
    const [ia, ib, ic, inode, isecret] = (await idOf(a, b, c, node, secret)) as [bigint, bigint, bigint, bigint, bigint]
    expect(await blastRadius(db, [ia], { depth: 1, limit: 10, atNs: null })).toEqual(
      [inode, ib].sort((x, y) => (x < y ? -1 : 1)).map((id) => ({ id, depth: 1 })),
    )
    expect(new Set((await blastRadius(db, [ia], { depth: 6, limit: 10, atNs: null })).map(({ id }) => id))).toEqual(
      new Set([ib, ic, inode, isecret]),
    )
    expect(await blastCounts(db, [ia], { depth: 6, atNs: null })).toEqual([
      { kind: 'node', count: 1, depth: 1 },
      { kind: 'pod', count: 2, depth: 1 },
      { kind: 'secret', count: 1, depth: 2 },
    ])
    const question = { from: [ia], k: 5, maxSteps: 8, atNs: null }
    const held = new HeldGraph(db)
    const found = async (over: Partial<PathQuestion>) =>
      (await attackPaths(db, held, { ...question, to: { ids: [isecret] }, ...over })).paths.map(({ cost, nodes }) => [
        cost,
        ...nodes.map(({ id }) => id),
      ])
    expect(await found({})).toEqual([
      [3, ia, ib, isecret],
      [3, ia, inode, ic, isecret],
    ])
    expect(await found({ to: { goals: ['secret'] } })).toHaveLength(2)
    expect(await found({ to: { goals: ['secret'], scope: 'elsewhere' } })).toEqual([])
    expect(await found({ atNs: 20n, from: [inode], to: { ids: [ib] } })).toEqual([[1, inode, ib]])
    held.drop()
  })

  it('a change is told with what it is on, and the steps it takes away', async () => {
    const db = database()
    const fix = { key: 'k', text: 'Do not', on: a }
    await db.transaction((tx) =>
      replaceSteps(tx, { scope: 'lab', unit: 'namespace/fixes' }, [step(a, c, { type: 'x', fix }), step(b, c, { type: 'x', fix })]),
    )
    const [ia, ic] = (await idOf(a, c)) as [bigint, bigint]
    expect(await fixesByKey(db, ['k', 'none'])).toEqual(new Map([['k', { fix, entityId: ia, steps: 2 }]]))
    const question = { from: [ia], to: { ids: [ic] }, k: 10, maxSteps: 3, atNs: null }
    const held = new HeldGraph(db)
    const answer = await namedChokePoints(db, held, question, 5)
    expect(answer).toMatchObject({
      targetsReached: 1,
      complete: true,
      points: [{ fix, on: { id: ia }, steps: 2, pathsRemoved: 2, targetsCutOff: 0 }],
    })
    expect((await attackPaths(db, held, question)).paths.map(({ cost, nodes }) => [cost, nodes.map(({ id }) => id)])).toContainEqual([
      1,
      [ia, ic],
    ])
    held.drop()
  })

  it('steps are replaced unit by unit, and what stays is not written again', async () => {
    const db = database()
    const unit = { scope: 'lab', unit: 'namespace/other' }
    const replace = (steps: NewStep[]) => db.transaction((tx) => replaceSteps(tx, unit, steps))
    const fix = { key: 'its-fix', text: 'Change it', on: { scope: 'lab', kind: 'workload' as const, key: 'uid-b' } }
    expect(await replace([step(b, c), step(c, b)])).toEqual({ written: 2, removed: 0, fixesBefore: [] })
    expect(await replace([step(b, c), step(c, b)])).toEqual({ written: 0, removed: 0, fixesBefore: [] })
    expect(await replace([step(b, c, { cost: 2, fix })])).toEqual({ written: 1, removed: 1, fixesBefore: [] })
    expect(await replace([])).toEqual({ written: 0, removed: 1, fixesBefore: ['its-fix'] })
  })
})
