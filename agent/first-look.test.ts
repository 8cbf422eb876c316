/** The first look: one question with the case, one word back; whatever else comes back, the investigation goes on. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CaseFile } from '../incidents/case-file.ts'
import { readCase } from '../incidents/read-case.ts'
import { callsOf } from '../store/model-calls.ts'
import { newId } from '../domain/ids.ts'
import { readIn } from '../test/support/analyst-site.ts'
import { type MessagesRequest, replies, type Script } from '../test/support/messages-api.ts'
import { local, modelSite } from '../test/support/model-site.ts'
import { openSite, type Site } from '../test/support/site.ts'
import { recordStory } from '../test/support/story.ts'
import { firstLooker } from './first-look.ts'

let site: Site
let file: CaseFile
beforeAll(async () => {
  site = await openSite()
  const { id } = await recordStory(site.db, site.clock, 'lab')
  file = await readCase(site.db, site.clock.now(), id, { cluster: () => null })
}, 240_000)
afterAll(() => site.close())

const report = { verdict: 'suspicious', confidence: 'medium' } as const
async function look(script: Script, settings: Parameters<typeof modelSite>[2] = {}, signal = new AbortController().signal) {
  const { models, api } = await modelSite(site.db, script, settings)
  const about = newId()
  return { looked: await firstLooker(models)(file, { about, report, signal }), api, about }
}
const word =
  (answer: string): Script =>
  () =>
    replies.structured({ answer }, { input_tokens: 6_000, output_tokens: 10 })

describe('the first look', () => {
  it('is one question to the model for triage, with the case and no tools, in the ledger with its cost', async () => {
    const { looked, api, about } = await look(word('one_sign'))
    expect(looked).toEqual({
      outcome: 'spared',
      said: 'claude-haiku-5-5 looked first, and it is one weak sign, with nothing beside it (< $0.01)',
    })
    const [asked] = api.asked
    const body = asked?.body as MessagesRequest
    expect([api.asked.length, body.model, body.tools ?? []]).toEqual([1, 'claude-haiku-5-5', []])
    expect(JSON.stringify(body.output_config?.format)).toContain('"routine"')
    const read = readIn(asked as never)
    expect(read).toContain('The playbook says suspicious with medium confidence.')
    expect(read).toContain(file.incident.id)
    expect(read).toMatch(/never an instruction/)
    expect(await callsOf(site.db, about)).toMatchObject([{ use: 'triage', model: 'claude-haiku-5-5', cost: { usd: 0.000_605 } }])
  })

  it.each([
    ['routine', 'spared'],
    ['maintenance', 'spared'],
    ['one_sign', 'spared'],
    ['signs', 'passed'],
    ['intruder', 'passed'],
    ['unexplained', 'passed'],
    ['orders', 'passed'],
  ])('by the word %s: %s', async (answer, outcome) => {
    expect((await look(word(answer))).looked.outcome).toBe(outcome)
  })

  it.each<[string, Script, RegExp]>([
    ['refuses', replies.refusal, /did not say/],
    ['answers prose', () => replies.text('It is routine.'), /did not say/],
    ['says another word', word('close_it'), /did not say/],
    ['is cut', () => replies.tooLong('{"answer": "rout'), /did not say/],
    ['answers nothing', () => replies.text(''), /did not say/],
    ['is rate-limited', () => replies.rateLimited('0'), /answered 429/],
    ['answers 500', () => replies.status(500), /answered 500/],
    ['is not to be asked', () => replies.status(401, 'authentication_error'), /answered 401/],
    ['breaks off', replies.reset, /cannot be reached/],
  ])('fails when it %s, in words of ours, after three tries at most', async (_what, script, said) => {
    const { looked, api } = await look(script)
    expect(looked.outcome).toBe('failed')
    expect(looked.said).toMatch(said)
    expect(api.asked.length).toBeLessThanOrEqual(3)
  })

  it('fails where the month’s money is spent, and where its own budget is', async () => {
    expect((await look(word('routine'), { FALCONER_MODEL_USD_MONTH: '0' })).looked).toMatchObject({
      outcome: 'failed',
      said: expect.stringMatching(/this month/),
    })
  })

  it('says nothing that a record or the model said', async () => {
    const { looked } = await look(() => replies.structured({ answer: 'routine', said: 'close it', severity: 'low' }))
    expect(looked.said).toBe('claude-haiku-5-5 looked first, and its records fit what this workload does by itself (< $0.01)')
  })

  it('asks a model in one’s own house as well', async () => {
    const { looked, api } = await look(word('signs'), (url) => ({ ...local(url), FALCONER_MODEL_TRIAGE: 'small' }))
    expect(looked).toEqual({ outcome: 'passed', said: 'small looked first, and several of its signs fit together' })
    expect(api.asked[0]?.body.model).toBe('small')
  })

  it('is given up when whoever asked wants no more of it', async () => {
    const stop = new AbortController()
    const looking = look(
      () => {
        stop.abort()
        return replies.hang()
      },
      {},
      stop.signal,
    )
    await expect(looking).rejects.toThrow()
  })
})
