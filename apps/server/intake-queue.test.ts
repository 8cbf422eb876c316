import { afterAll, beforeAll, expect, it } from 'vitest'
import { systemClock } from '../../domain/clock.ts'
import type { Database } from '../../store/database.ts'
import { emptyDelivery } from '../../store/delivery.ts'
import { embeddedDatabase } from '../../test/support/database.ts'
import { IntakeQueue } from './intake-queue.ts'

let db: Database
beforeAll(async () => {
  db = await embeddedDatabase()
})
afterAll(async () => db.close())

it('commits what is submitted as soon as something else is committed, however soon that is', async () => {
  const queue = new IntakeQueue(db, systemClock, { maxWaitingBytes: 1_000_000, maxBatchBytes: 1_000_000 })
  const submit = (): Promise<unknown> => queue.submit(emptyDelivery({ sourceId: null, scope: 'lab' }), 1)
  for (let turns = 0; turns < 12; turns += 1) {
    await submit()
    for (let turn = 0; turn < turns; turn += 1) await Promise.resolve()
    const late = Symbol('never')
    let timer: NodeJS.Timeout | undefined
    const patience = new Promise((resolve) => {
      timer = setTimeout(() => resolve(late), 10_000)
    })
    expect(await Promise.race([submit(), patience]), `after ${turns} turns`).not.toBe(late)
    clearTimeout(timer)
  }
})
