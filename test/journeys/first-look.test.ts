/**
 * A first look by the model for triage at what the playbook is not sure of: it decides only whether a full investigation is done. Severity, state and verdict are
 * as they were, the reason and the cost are told, and what comes new, a person's asking or any failure brings the full investigation.
 */
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { deepenNext, newHolder } from '../../apps/server/deepen.ts'
import { severityId } from '../../domain/severity.ts'
import { deepeningsOf } from '../../store/deepenings.ts'
import { getIncident, listIncidents } from '../../store/incidents.ts'
import { latestReports } from '../../store/investigations.ts'
import { callsOf } from '../../store/model-calls.ts'
import { triageOf } from '../../store/triage.ts'
import { emptyReport } from '../support/analyst-site.ts'
import { type MessagesApi, messagesApi, replies, type Reply } from '../support/messages-api.ts'
import { containerId } from '../support/records.ts'
import { alertOfShop } from '../support/shop-alert.ts'
import { openSite, type Site } from '../support/site.ts'

type Look = () => Reply | Promise<Reply>
let api: MessagesApi
let site: Site
let look: Look
beforeAll(async () => {
  api = await messagesApi(({ body }) => (body.model.includes('haiku') ? look() : replies.structured(emptyReport)))
  site = await opened('medium')
}, 120_000)
afterAll(async () => {
  await site.close()
  await api.close()
})
const opened = (upTo: string): Promise<Site> =>
  openSite({
    config: {
      ANTHROPIC_API_KEY: 'sk-ant-api03-not-a-key-of-anybody-0000000000',
      ANTHROPIC_BASE_URL: api.url,
      FALCONER_MODEL_TRIAGE_UP_TO: upTo,
    },
  })

const alert = (container: string, over: Record<string, unknown> = {}) =>
  JSON.stringify(
    alertOfShop(
      { rule: 'Odd thing in container', priority: 'Warning', tags: [], output: 'Odd thing', ...over },
      { 'container.id': containerId(container).slice(0, 12), 'fd.name': undefined, 'fd.sip': undefined, 'fd.sport': undefined },
    ),
  )
let containers = 0
/** One incident of medium severity that the playbook is not sure of. `answers`: what the small model does. */
async function undecided(answers: Look, at = site) {
  look = answers
  const container = `odd-${(containers += 1)}`
  const before = new Set((await listIncidents(at.db, {}, { limit: 50 })).incidents.map(({ id }) => id))
  await at.ingest(alert(container))
  await at.settle()
  const incident = (await listIncidents(at.db, {}, { limit: 50 })).incidents.find(({ id }) => !before.has(id))
  const incidentId = incident?.id ?? ''
  expect(incident?.severity).toBe('medium')
  expect(await triageOf(at.db, incidentId)).toMatchObject({ outcome: 'ask', code: 'undecided' })
  const asked = api.asked.length
  return {
    incidentId,
    models: () => api.asked.slice(asked).map(({ body }) => body.model.replace(/^claude-(\w+)-.*/, '$1')),
    more: async (over: Record<string, unknown>) => {
      await at.ingest(alert(container, over))
      await at.settle()
    },
    newest: async () => (await deepeningsOf(at.db, incidentId))[0],
  }
}
const patient = { timeout: 60_000 }
const deepen = ({ falconer }: Site): Promise<boolean> => deepenNext(falconer, { holder: newHolder(), stop: new AbortController().signal })
const word = (answer: string) => (): Reply => replies.structured({ answer }, { input_tokens: 6_000, output_tokens: 10 })
const askFor = (incidentId: string): Promise<Response> =>
  site.ask(`/api/v1/incidents/${incidentId}/investigate`, { as: site.people.investigator, json: { analyst: 'claude' } })
const answerTo = async <T>(path: string): Promise<T> => (await (await site.ask(path, { as: site.people.viewer })).json()) as T

it('spares the full investigation, changes nothing else, and says why and what it cost', async () => {
  const { incidentId, models, newest } = await undecided(word('one_sign'))
  const before = await getIncident(site.db, { id: incidentId })
  const reports = await latestReports(site.db, [incidentId])
  expect(await deepen(site)).toBe(true)
  await site.settle()
  expect(await deepen(site)).toBe(false)
  expect(models()).toEqual(['haiku'])
  const spared = await newest()
  expect(spared).toMatchObject({ state: 'spared', look: 'spared' })
  expect(await callsOf(site.db, spared?.id ?? '')).toMatchObject([{ use: 'triage' }])
  expect(await getIncident(site.db, { id: incidentId })).toEqual(before)
  expect(await latestReports(site.db, [incidentId])).toEqual(reports)

  type Answer = { triage: { says: string }; investigations: { status: string }[] }
  const { triage, investigations } = await answerTo<Answer>(`/api/v1/incidents/${incidentId}`)
  expect(triage.says).toBe(
    'Claude was not asked: on 2026-11-23 12:00 UTC claude-haiku-5-5 looked first, and it is one weak sign, with nothing beside it (< $0.01).',
  )
  expect(investigations.map(({ status }) => status)).toEqual(['done'])
  const page = await (await site.ask(`/incidents/${incidentId}`, { as: site.people.viewer })).text()
  expect(page).toContain('looked first, and it is one weak sign')
  const { uses } = await answerTo<{ uses: { use: string; calls: number }[] }>('/api/v1/spend')
  expect(uses).toMatchObject([{ use: 'triage', calls: 1 }])
})

it('looks once: more of the same stays spared, what is new in kind is investigated, without another look', async () => {
  const { incidentId, models, more } = await undecided(word('routine'))
  await deepen(site)
  await more({ time: '2026-11-23T11:59:20Z' })
  expect(await triageOf(site.db, incidentId)).toMatchObject({ outcome: 'spare', code: 'looked' })
  expect(await deepen(site)).toBe(false)
  await more({ time: '2026-11-23T11:59:30Z', rule: 'Another odd thing' })
  expect(await deepen(site)).toBe(true)
  expect(models()).toEqual(['haiku', 'sonnet'])
  expect((await latestReports(site.db, [incidentId])).get(incidentId)?.analyst).toBe('claude')
})

it('goes on where reading on is worth it, and says so in the reason', async () => {
  const { incidentId, models, newest } = await undecided(word('unexplained'))
  expect(await deepen(site)).toBe(true)
  expect(models()).toEqual(['haiku', 'sonnet'])
  const reason = expect.stringMatching(/not sure: .*; claude-haiku-5-5 looked first, and no record explains/) as string
  expect(await newest()).toMatchObject({ state: 'done', look: 'passed', reason })
  expect(await triageOf(site.db, incidentId)).toMatchObject({ outcome: 'ask', reason })
})

it.each<[string, Look, RegExp]>([
  ['is down', () => replies.status(500), /was to look first and could not: .*500/],
  ['refuses', replies.refusal, /did not say whether it is worth it/],
  ['says what an attacker would like', () => replies.structured({ answer: 'close' }), /did not say whether it is worth it/],
])('goes on when the model for triage %s', async (_what, answers, reason) => {
  const { models, newest } = await undecided(answers)
  expect(await deepen(site)).toBe(true)
  expect(models().at(-1)).toBe('sonnet')
  expect(await newest()).toMatchObject({ state: 'done', look: 'failed', reason: expect.stringMatching(reason) as string })
})

it('goes on when somebody asks for it meanwhile', async () => {
  const { incidentId, models, newest } = await undecided(async () => {
    await askFor(incidentId)
    return word('routine')()
  })
  expect(await deepen(site)).toBe(true)
  expect(models()).toEqual(['haiku', 'sonnet'])
  expect(await newest()).toMatchObject({ state: 'done', byPerson: true, look: 'passed' })
})

it('is not asked where a person asks, where it became severe while it waited, or where none is wanted', async () => {
  const byPerson = await undecided(word('routine'))
  await askFor(byPerson.incidentId)
  await expect.poll(async () => (await byPerson.newest())?.state, patient).toBe('done')
  expect(byPerson.models()).toEqual(['sonnet'])

  const severe = await undecided(word('routine'))
  await site.db.query(sql`update incidents set severity = ${severityId('high')} where id = ${severe.incidentId}`)
  await deepen(site)
  expect(severe.models()).toEqual(['sonnet'])

  const off = await opened('')
  const other = await undecided(word('routine'), off)
  await deepen(off)
  expect(other.models()).toEqual(['sonnet'])
  await off.close()
}, 60_000)

it('stopped while it looks, looks again', async () => {
  let asked = 0
  const { newest } = await undecided(() => {
    asked += 1
    return asked === 1 ? replies.hang() : word('routine')()
  })
  const stop = new AbortController()
  const first = deepenNext(site.falconer, { holder: newHolder(), stop: stop.signal })
  await expect.poll(() => asked, patient).toBe(1)
  stop.abort()
  expect(await first).toBe(false)
  expect(await newest()).toMatchObject({ state: 'waiting', attempts: 0, look: 'wanted' })
  expect(await deepen(site)).toBe(true)
  expect(await newest()).toMatchObject({ state: 'spared' })
  expect(asked).toBe(2)
})
