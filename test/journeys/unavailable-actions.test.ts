/** What an incident was told cannot be planned is not proposed again and again: not before the reason is gone, or is another. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { noExecutor } from '../../apps/server/cluster.ts'
import type { Proposal } from '../../domain/proposal.ts'
import type { Executor } from '../../responses/executor.ts'
import { Unplannable } from '../../responses/unplannable.ts'
import { listIncidents } from '../../store/incidents.ts'
import { listProposals } from '../../store/proposals.ts'
import { alertOfShop } from '../support/shop-alert.ts'
import { openSite, type Site } from '../support/site.ts'

let site: Site
let connected: Executor
let incidentId: string
const refusing = (why: string): Executor => ({
  ...noExecutor,
  plan: async () => {
    throw new Unplannable(why)
  },
})
const use = (executor: Executor): void => {
  site.falconer.responses = { ...site.falconer.responses, executor }
}
beforeAll(async () => {
  site = await openSite({ shop: true })
  connected = site.falconer.responses.executor
  use(noExecutor)
  await site.ingest(JSON.stringify(alertOfShop()))
  await site.settle()
  incidentId = (await listIncidents(site.db, {}, { limit: 1 })).incidents[0]?.id ?? ''
}, 120_000)
afterAll(() => site.close())

/** Reported on once more, and planned; all there is by then, the oldest first. */
async function again(): Promise<Proposal[]> {
  site.clock.advance(60_000)
  const answer = await site.ask(`/api/v1/incidents/${incidentId}/investigate`, { as: { token: site.people.investigator.token }, json: {} })
  expect(answer.status).toBe(200)
  await site.settle()
  return (await listProposals(site.db, { incidentId }, 100)).toReversed()
}
const statesOf = (proposals: readonly Proposal[]): string[] => proposals.map(({ state }) => state)

it('without a cluster a report’s actions are proposed once, however many reports say the same', async () => {
  const first = (await listProposals(site.db, { incidentId }, 100)).toReversed()
  expect(first.length).toBeGreaterThan(0)
  expect(new Set(statesOf(first))).toEqual(new Set(['unplannable']))
  expect(first[0]?.stateReason).toContain('No cluster is connected')
  for (let report = 0; report < 3; report += 1) expect((await again()).map(({ id }) => id)).toEqual(first.map(({ id }) => id))
  const page = await (await site.ask(`/incidents/${incidentId}`, { as: site.people.viewer })).text()
  expect(page).toContain('No cluster is connected')
  expect(page).not.toContain('It recommends no action')
})

it('a person who proposes the same is told for themselves', async () => {
  const before = await listProposals(site.db, { incidentId }, 100)
  const { action, params, target } = before[0] as Proposal
  const json = { action, params, entityId: target.entityId, reason: 'I want it.', incident: incidentId }
  const answer = await site.ask('/api/v1/proposals', { as: { token: site.people.responder.token }, json })
  expect(await answer.json()).toMatchObject({ created: true, proposal: { state: 'requested' } })
  await site.settle()
  expect(statesOf(await listProposals(site.db, { incidentId }, 100))).toEqual(['unplannable', ...statesOf(before)])
})

it('for another reason they are proposed again, once; and when they can be planned', async () => {
  const before = await again()
  use(refusing('The pod is in quarantine already.'))
  const other = await again()
  const kinds = new Set(before.map(({ action, target }) => `${action} ${target.entityId}`)).size
  expect(other.length).toBe(before.length + kinds)
  expect(other.at(-1)).toMatchObject({ state: 'unplannable', stateReason: 'The pod is in quarantine already.' })
  expect(await again()).toHaveLength(other.length)
  use(connected)
  const planned = await again()
  expect(statesOf(planned.slice(other.length))).toEqual(Array.from({ length: kinds }, () => 'pending'))
  expect(await again()).toHaveLength(planned.length)
})
