/** Two at one investigation: whoever has lost it writes nothing any more, whatever comes of what it does; and what is over leaves nothing behind but its costs. */
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { deepenNext, newHolder } from '../apps/server/deepen.ts'
import { askingThis } from '../apps/server/asking.ts'
import { addStep, stepsOf } from '../store/analyst-steps.ts'
import { tidyAnalysts } from '../store/analyst-upkeep.ts'
import { deepeningsOf } from '../store/deepenings.ts'
import {
  finishInvestigation,
  getInvestigation,
  holdInvestigation,
  letGoOfInvestigation,
  startInvestigation,
} from '../store/investigations.ts'
import { scriptedAnalyst } from '../test/support/scripted-analyst.ts'
import { openSite, type Site } from '../test/support/site.ts'
import { recordStory } from '../test/support/story.ts'
import { handsOf } from '../test/support/analyst-hands.ts'
import { investigate } from './investigate.ts'
import { keepLease } from './lease.ts'

let site: Site
let incidentId: string
const analyst = scriptedAnalyst()
beforeAll(async () => {
  site = await openSite({ asking: askingThis(analyst) })
  incidentId = (await recordStory(site.db, site.clock, 'lab')).id
}, 120_000)
afterAll(() => site.close())
beforeEach(() => site.db.query(sql`delete from investigations`))

/** The other server, once the lease of the first is over. */
async function takenUp(id: string) {
  site.clock.advance(61_000)
  return startInvestigation(site.db, { id, incidentId, incidentRevision: 1, analyst: 'claude', at: site.clock.now() })
}
const begin = () => startInvestigation(site.db, { incidentId, incidentRevision: 1, analyst: 'claude', at: site.clock.now() })

it.each(['reports', 'fails'])('who has lost it and %s later changes nothing of what the other found', async (how) => {
  const ready = Promise.withResolvers<string>()
  const goOn = Promise.withResolvers<void>()
  const slow = scriptedAnalyst({
    report: { verdict: 'benign' },
    until: async ({ investigationId }) => (ready.resolve(investigationId), goOn.promise),
    ...(how === 'fails' ? { fails: new Error('the database was away') } : {}),
  })
  const options = { cluster: () => null, hands: () => handsOf(site.falconer) }
  const first = investigate(site.db, site.clock, slow, incidentId, options)
  const id = await ready.promise
  const other = await takenUp(id)
  expect(other).toMatchObject({ id, resumed: true })
  expect(await finishInvestigation(site.db, other, { error: 'what the other found' }, site.clock.now())).toBeDefined()
  goOn.resolve()
  await expect(first).rejects.toThrow(/was cut off/)
  expect(await getInvestigation(site.db, id)).toMatchObject({ status: 'failed', error: 'what the other found', report: null })
})

it('who has lost it neither holds it nor lets go of it for the other, and is told', async () => {
  const mine = await begin()
  const keeping = keepLease(site.db, site.clock, mine.id, mine.lease, 20)
  await new Promise((resume) => setTimeout(resume, 60))
  expect(keeping.lost.aborted).toBe(false)
  const theirs = await takenUp(mine.id)
  await expect.poll(() => keeping.lost.aborted).toBe(true)
  await letGoOfInvestigation(site.db, mine.id, await keeping.end(), site.clock.now())
  expect(await holdInvestigation(site.db, mine.id, theirs.lease, site.clock.now())).not.toBeNull()
})

it('a sign of life whose answer never came is no loss', async () => {
  const { id, lease } = await begin()
  let away = true
  const cut = {
    ...site.db,
    query: async (...one: Parameters<typeof site.db.query>) => {
      const answer = await site.db.query(...one)
      if (away) throw new Error('cut')
      return answer
    },
  } as typeof site.db
  const keeping = keepLease(cut, site.clock, id, lease, 20)
  site.clock.advance(1_000)
  await new Promise((resume) => setTimeout(resume, 100))
  away = false
  site.clock.advance(1_000)
  await new Promise((resume) => setTimeout(resume, 100))
  expect(keeping.lost.aborted).toBe(false)
  expect(await finishInvestigation(site.db, { id, lease: await keeping.end() }, { error: 'x' }, site.clock.now())).toBeDefined()
})

it('killed between its end and the word that it has ended, it is ended, with what follows from it, and asks nothing again', async () => {
  await site.settle()
  const deepen = () => deepenNext(site.falconer, { holder: newHolder(), stop: new AbortController().signal })
  await deepen()
  const asked = analyst.asked.length
  expect((await deepeningsOf(site.db, incidentId))[0]).toMatchObject({ state: 'done' })
  await site.db.query(
    sql`update deepenings set state = 'running', finished_at = null, held_by = gen_random_uuid(), held_until = ${site.clock.now()}`,
  )
  expect(await deepen()).toBe(true)
  expect((await deepeningsOf(site.db, incidentId))[0]).toMatchObject({ state: 'done', error: null })
  expect(analyst.asked.length).toBe(asked)
})

it('what is over leaves its costs: answers and checkpoints go after a day, steps with the alerts; what runs keeps all', async () => {
  const running = await begin()
  const over = '0198c0de-0000-7000-8000-000000000001'
  const old = new Date(site.clock.now().getTime() - 3 * 86_400_000)
  for (const about of [running.id, over]) {
    await site.db.query(
      sql`insert into model_calls (id, about, use, provider, model, request_hash, started_at, answer, usd) values (gen_random_uuid(), ${about}, 'investigation', 'p', 'm', 'x', ${old}, 'words', 1)`,
    )
    for (const thread of [about, `${about}/mend`])
      await site.db.query(sql`insert into checkpoints (thread_id, checkpoint_id, checkpoint) values (${thread}, '1', '{}')`)
    await addStep(site.db, about, { kind: 'began', text: '' }, old)
  }
  const left = async () => ({
    answers: await site.db.query(sql`select about::text, answer is not null as kept, usd from model_calls where model = 'm' order by 2`),
    threads: (await site.db.query(sql<{ thread_id: string }>`select thread_id from checkpoints order by 1`)).map((one) => one.thread_id),
    steps: (await stepsOf(site.db, over)).length + (await stepsOf(site.db, running.id)).length,
  })
  const day = new Date(site.clock.now().getTime() - 86_400_000)
  await tidyAnalysts(site.db, { over: day, old: new Date(old.getTime() - 1) })
  expect(await left()).toEqual({
    answers: [
      { about: over, kept: false, usd: 1 },
      { about: running.id, kept: true, usd: 1 },
    ],
    threads: [running.id, `${running.id}/mend`],
    steps: 2,
  })
  await tidyAnalysts(site.db, { over: day, old: new Date(old.getTime() + 1) })
  expect((await left()).steps).toBe(1)
})
