import { expect, it } from 'vitest'
import { newId } from '../domain/ids.ts'
import { eachDatabase } from '../test/support/database.ts'
import { noteTriage, triageDue, triageOf } from './triage.ts'

eachDatabase('what was decided of asking a model', (database) => {
  it('is read as it was written', async () => {
    const [db, incident, at] = [database(), newId(), new Date('2026-11-24T12:00:00Z')]
    await triageDue(db, incident, newId(), at)
    expect(await triageOf(db, incident)).toBeNull()
    const triaged = { outcome: 'spare', code: 'judged', reason: 'ada\0 called it benign \u241b', dueAt: null } as const
    await db.transaction((tx) => noteTriage(tx, incident, triaged, at))
    expect(await triageOf(db, incident)).toEqual({ ...triaged, decidedAt: at })
  })
})
