import { expect, it, vi } from 'vitest'
import type { EntityKind, EntityRef } from '../domain/entity.ts'
import { InputError } from '../domain/errors.ts'
import { internet, type NewStep } from '../domain/graph.ts'
import { bareSteps, replaceSteps } from '../store/attack-steps.ts'
import type { Database } from '../store/database.ts'
import { markUnits, takeUnits, unitDerived } from '../store/graph-units.ts'
import { eachDatabase } from '../test/support/database.ts'
import { buildGraph } from './engine/build-engine.ts'
import { HeldGraph } from './held.ts'

const scope = 'held'
const thing = (kind: EntityKind, key: string): EntityRef => ({ scope, kind, key })
const step = (from: EntityRef, to: EntityRef, over: Partial<NewStep> = {}): NewStep => ({
  from,
  to,
  type: 'known-way',
  cost: 1,
  technique: { id: 'T1611', name: 'Escape to Host', tactic: 'TA0004', matrix: null },
  precondition: 'it stands',
  because: 'it stands',
  evidence: [{ entity: from, path: 'properties', value: '' }],
  fix: null,
  fromNs: 10n,
  untilNs: null,
  ...over,
})
const pod = thing('pod', 'p')
const node = thing('node', 'n')
const secret = thing('secret', 'shop/Secret/s')

async function derived(db: Database, namespace: string, steps: NewStep[], at: Date): Promise<void> {
  const unit = { scope, unit: `namespace/${namespace}` }
  await db.transaction(async (tx) => {
    await markUnits(tx, [unit], at)
    await takeUnits(tx, 10)
    const { written, removed } = await replaceSteps(tx, unit, steps)
    await unitDerived(tx, unit, { version: '1', at, differently: written + removed > 0 })
  })
}

eachDatabase('the engine that is kept', (database) => {
  it('is kept until a unit was derived, even by one whose clock is behind; the past is built anew', async () => {
    const db = database()
    const held = new HeldGraph(db)
    expect((await held.graph()).ids).toHaveLength(0)
    await derived(db, 'shop', [step(internet, pod), step(pod, node, { untilNs: 20n })], new Date(5_000))
    const first = await held.graph()
    expect(first.hopSrc).toHaveLength(1)
    expect(await held.graph()).toBe(first)
    await derived(db, 'pay', [step(pod, secret)], new Date(4_000))
    const [second, same] = await Promise.all([held.graph(), held.graph()])
    expect(second.hopSrc).toHaveLength(2)
    expect(same).toBe(second)
    const past = await held.graph(15n)
    expect(past.hopSrc).toHaveLength(3)
    await derived(db, 'pay', [step(pod, secret)], new Date(9_000))
    expect(await held.graph(), 'derived again, to the same steps').toBe(second)
    expect(await held.graph(9n)).toMatchObject({ ids: { length: 0 } })
    expect(await held.graph()).toBe(second)
    held.drop()
  })

  it('is let go when nobody asks, and when it was too much', async () => {
    const db = database()
    await derived(db, 'shop', [step(internet, pod), step(pod, node)], new Date(6_000))
    const held = new HeldGraph(db, { idleMs: 30 })
    const first = await held.graph()
    await vi.waitFor(async () => expect(await held.graph()).not.toBe(first), { interval: 100 })
    expect(await held.graph()).toEqual(first)
    held.drop()
    const small = new HeldGraph(db, { mostSteps: 1 })
    await expect(small.graph()).rejects.toThrow(InputError)
    await derived(db, 'shop', [], new Date(7_000))
    await derived(db, 'pay', [step(internet, node)], new Date(7_000))
    expect((await small.graph()).hopSrc).toHaveLength(1)
    small.drop()
  })

  it('reads the same whatever the size of a page', async () => {
    const db = database()
    const fix = { key: 'privileged/a\0b', text: 'Change a\0b', on: pod }
    const all = [
      step(internet, pod, { fix }),
      step(internet, pod, { type: 'other-way' }),
      step(pod, node),
      step(pod, secret),
      step(node, secret),
    ]
    await derived(db, 'shop', all, new Date(8_000))
    await derived(db, 'pay', [], new Date(8_000))
    for (const pageSize of [1, 2, 5, 100]) {
      const pages = await Array.fromAsync(bareSteps(db, { scope, atNs: null }, pageSize))
      expect(pages.flat()).toHaveLength(all.length)
      expect(Math.max(...pages.map((page) => page.length))).toBeLessThanOrEqual(pageSize)
      const graph = buildGraph(pages.flat())
      expect(graph.hopSrc).toHaveLength(4)
      expect(graph.fixKeys).toEqual([fix.key])
    }
  })
})
