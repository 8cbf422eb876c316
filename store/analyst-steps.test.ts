import { expect, it } from 'vitest'
import { newId } from '../domain/ids.ts'
import { eachDatabase } from '../test/support/database.ts'
import { addStep, stepsOf } from './analyst-steps.ts'

eachDatabase('steps of an analyst', (database) => {
  it('are numbered without a gap, however many are told at once', async () => {
    const about = newId()
    const at = new Date('2026-11-23T12:00:00Z')
    await Promise.all(Array.from({ length: 30 }, (_, at_) => addStep(database(), about, { kind: 'asked', text: String(at_) }, at)))
    const steps = await stepsOf(database(), about)
    expect(steps.map(({ number }) => number)).toEqual(Array.from({ length: 30 }, (_, index) => index + 1))
    expect(new Set(steps.map(({ text }) => text)).size).toBe(30)
  })
})
