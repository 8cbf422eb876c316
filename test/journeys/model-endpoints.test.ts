/**
 * One chat and one investigation by a model behind each kind of endpoint, on each kind of database, through the API as people use it: the Messages API, and one
 * that speaks chat completions (FALCONER_MODEL_URL), which refuses what OpenAI, vLLM and Ollama would not do.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { SaidAnswer } from '../../agent/chat/said-answer.ts'
import type { ThreadAnswer, TurnRow } from '../../apps/cli/chat-text.ts'
import { type Database, openDatabase } from '../../store/database.ts'
import { getInvestigation, type Investigation } from '../../store/investigations.ts'
import { listIncidents } from '../../store/incidents.ts'
import { callsOf } from '../../store/model-calls.ts'
import { stepsOf } from '../../store/analyst-steps.ts'
import { openShopSite } from '../support/chat.ts'
import { embeddedDatabase, serverDatabase, serverUrl } from '../support/database.ts'
import { honestModel, trueReport } from '../support/honest-model.ts'
import { type Asked, inTurn, type MessagesApi, messagesApi, replies, type Script } from '../support/messages-api.ts'
import type { Site, Visitor } from '../support/site.ts'

type Provider = 'anthropic' | 'openai'
const settingsOf = (provider: Provider, url: string): Record<string, string> =>
  provider === 'anthropic'
    ? { ANTHROPIC_API_KEY: 'sk-ant-api03-not-a-key-of-anybody-0000000000', ANTHROPIC_BASE_URL: url }
    : { FALCONER_MODEL_URL: `${url}/v1`, FALCONER_MODEL: 'qwen3:32b', FALCONER_MODEL_PRICES: '{"qwen3": {"input": 0, "output": 0}}' }

const kinds = serverUrl === undefined ? (['embedded'] as const) : (['embedded', 'server'] as const)
const all = kinds.flatMap((kind) => (['anthropic', 'openai'] as const).map((provider) => ({ kind, provider })))

describe.each(all)('a model behind $provider, on the $kind database', ({ kind, provider }) => {
  let api: MessagesApi
  let site: Site
  let drop = async (): Promise<void> => {}
  let incident: { id: string; title: string }
  let thread: string
  let asker: Visitor
  let askers = 0
  let begun = 0
  const requests = (): Asked[] => api.asked.slice(begun)
  const as = () => ({ token: asker.token })

  async function database(): Promise<Database> {
    if (kind === 'embedded') return embeddedDatabase()
    const own = await serverDatabase(serverUrl as string)
    drop = own.drop
    return openDatabase({ url: own.url })
  }
  beforeAll(async () => {
    api = await messagesApi()
    ;({ site } = await openShopSite({ ...settingsOf(provider, api.url), FALCONER_MODEL_SECONDS: '30' }, await database()))
    expect(site.db.kind).toBe(kind)
    const [found] = (await listIncidents(site.db, {}, { limit: 1 })).incidents
    incident = { id: found?.id ?? '', title: found?.title ?? '' }
  }, 120_000)
  afterAll(async () => {
    await site.close()
    await api.close()
    await drop()
  })
  beforeEach(async () => {
    site.clock.advance(60_000)
    // Nobody may ask too fast.
    asker = await site.visitor(`Asker ${++askers}`, 'investigator')
    const made = await site.ask('/api/v1/threads', { as: as(), json: {} })
    thread = ((await made.json()) as { id: string }).id
  })

  const ask = async (script: Script, text = 'Which incidents are open?'): Promise<TurnRow> => {
    api.answer(script)
    begun = api.asked.length
    const answer = await site.ask(`/api/v1/threads/${thread}/questions`, { as: as(), json: { text, wait: 60 } })
    const { turn } = (await answer.json()) as { turn: TurnRow }
    expect(turn).toMatchObject({ state: 'answered', error: null })
    return turn
  }
  const steps = async (): Promise<ThreadAnswer['steps']> =>
    ((await (await site.ask(`/api/v1/threads/${thread}`, { as: as() })).json()) as ThreadAnswer).steps
  const answerOf = (text: string): SaidAnswer => ({
    sentences: [{ text, kind: 'observation', cites: [`incident:${incident.id}`] }],
    unknowns: [],
    follow_ups: [],
  })
  const truth = (): SaidAnswer => answerOf(`⟦${incident.title}⟧ is ⟦open⟧.`)
  const lie = (): SaidAnswer => answerOf(`⟦${incident.title}⟧ has 4711 alerts.`)
  const looks = replies.tools(
    [
      { name: 'get_coverage', input: {} },
      { name: 'list_incidents', input: { state: 'open' } },
    ],
    'Who watches, and what is open?',
  )

  it('answers in chat: asks several tools at once beside a word of its own, is given back what does not hold, and is written down', async () => {
    const turn = await ask(inTurn(looks, replies.structured(lie()), replies.structured(truth())))
    expect(turn.answer).toMatchObject({ partial: null, spend: { calls: 3 }, claims: [{ grounded: true }] })
    expect(turn.answer?.by).toMatch(provider === 'openai' ? /^openai\/qwen3:32b$/ : /^anthropic\/claude-/)
    const told = await steps()
    expect(new Set(told.map((step) => step.kind))).toEqual(new Set(['began', 'said', 'asked', 'answered', 'mended', 'done']))
    const asked = told.flatMap((step) => (step.kind === 'asked' ? [step.tool] : []))
    expect(asked.toSorted()).toEqual(['get_coverage', 'list_incidents'])
    expect(JSON.stringify(requests()[2]?.body.messages)).toContain('not borne out')
    const calls = await callsOf(site.db, thread)
    expect(calls).toMatchObject([1, 2, 3].map(() => ({ provider, use: 'chat', status: 200, error: null })))
    expect(calls.every(({ answer, cost }) => answer !== null && cost.inputTokens > 0 && cost.outputTokens > 0)).toBe(true)
    if (provider === 'openai') expect(calls.map(({ cost }) => cost.usd)).toEqual([0, 0, 0])
  })

  it('is asked again where its answer is prose, cut, or no form; whoever asks sees the answer alone', async () => {
    const prose = replies.text('All is well, as far as I can see.')
    for (const wrong of [prose, replies.tooLong('{"sentences": ['), replies.structured({ sentences: 'none' })]) {
      const turn = await ask(inTurn(wrong, replies.structured(truth())))
      expect(turn.answer).toMatchObject({ partial: null, claims: [{ grounded: true }], spend: { calls: 2 } })
    }
    expect((await ask(() => prose)).answer?.partial).toMatch(/did not answer in the form .* twice/)
  })

  it('ends in the rules’ answer where it refuses, is away, breaks off or never stops asking, with the reason', async () => {
    const cases: [Script, RegExp][] = [
      [() => replies.refusal(), /It refused to answer/],
      [() => replies.rateLimited('3600'), /provider answered 429/],
      [() => replies.cut(), /cut before its end/],
      [() => replies.notJson(), /./],
      [() => looks, /did not stop asking/],
    ]
    for (const [script, why] of cases) {
      const turn = await ask(script)
      expect(turn.answer?.partial).toMatch(/^The model did not answer: .+ What follows is put together by rules\.$/)
      expect(turn.answer?.partial).toMatch(why)
      expect(turn.answer?.claims.length).toBeGreaterThan(0)
    }
  })

  it('waits where it is told to, and is answered', async () => {
    const turn = await ask(inTurn(replies.rateLimited('0'), replies.structured(truth())))
    expect(turn.answer).toMatchObject({ partial: null, spend: { calls: 2 } })
  })

  async function investigated(script: Script): Promise<Investigation> {
    site.clock.advance(3_600_000)
    api.answer(script)
    begun = api.asked.length
    const answer = await site.ask(`/api/v1/incidents/${incident.id}/investigate`, { as: as(), json: { analyst: 'claude' } })
    const { id } = (await answer.json()) as { id: string }
    await expect.poll(async () => (await getInvestigation(site.db, id))?.status, { timeout: 60_000 }).toMatch(/done|failed/)
    return (await getInvestigation(site.db, id)) as Investigation
  }

  it('investigates, and mends what does not hold', async () => {
    const doubtful: Script = async (asked) => {
      const turn = asked.body.messages.filter(({ role }) => role === 'assistant').length
      if (turn !== 2) return honestModel()(asked)
      const [first] = trueReport(asked).summary
      return replies.structured({ ...trueReport(asked), summary: [{ ...first, text: 'There were 99999 alerts.' }] })
    }
    const mending: Script = (asked) =>
      JSON.stringify(asked.body.messages.at(-1)).includes('99999')
        ? replies.structured({
            ...trueReport(asked),
            reasons: [],
            unknowns: [],
            techniques: [],
            actions: [],
            summary: trueReport(asked).summary.slice(0, 1),
          })
        : doubtful(asked)
    const { id, status, report } = await investigated(mending)
    expect(status).toBe('done')
    expect(report).toMatchObject({ partial: null, verdict: 'true_positive', ungrounded: 0, spend: { calls: 4 } })
    expect(report?.model).toMatch(new RegExp(`^${provider}/`))
    expect((await stepsOf(site.db, id)).map(({ kind: one, tool }) => tool ?? one)).toEqual([
      'began',
      ...['get_process_tree', 'get_coverage'].flatMap((tool) => ['said', tool, tool]),
      'drafted',
      'mended',
      'done',
    ])
    expect(await callsOf(site.db, id)).toHaveLength(4)
  })

  it('whose report is no report, twice, leaves the playbook’s in its place', async () => {
    const { report } = await investigated(() => replies.text('It was the butler.'))
    expect(report).toMatchObject({ analyst: 'playbook', partial: expect.stringContaining('did not answer with a report, twice') as string })
    expect(requests()).toHaveLength(2)
  })

  if (provider === 'openai') {
    it('is told of the form in words, and held to it where it may call no tool', async () => {
      await ask(inTurn(looks, replies.text('All is well.'), replies.structured(truth())))
      const [first, , again] = requests()
      expect(first?.body.response_format).toBeUndefined()
      expect(JSON.stringify(first?.body.messages[0])).toContain('follow_ups')
      expect(first?.body.tools?.length).toBeGreaterThan(10)
      expect(again?.body).toMatchObject({ tool_choice: 'none', response_format: { json_schema: { name: 'answer', strict: true } } })
    })

    it('whose arguments are broken is told so, and may ask again', async () => {
      const broken = replies.tools([{ name: 'list_incidents', input: {}, raw: '{"state": "op' }])
      const turn = await ask(inTurn(broken, looks, replies.structured(truth())))
      expect(turn.answer).toMatchObject({ partial: null, claims: [{ grounded: true }] })
      expect(JSON.stringify(requests()[1]?.body.messages.at(-1))).toContain('no whole JSON')
      expect(requests()[1]?.body.response_format).toBeUndefined()
      expect((await ask(() => broken)).answer?.partial).toMatch(/twice/)
    })

    it('that puts thoughts and a fence around its answer is understood', async () => {
      const turn = await ask(() => replies.text(`<think>Easy.</think>\n\`\`\`json\n${JSON.stringify(truth(), null, 2)}\n\`\`\``))
      expect(turn.answer).toMatchObject({ partial: null, claims: [{ grounded: true }], spend: { calls: 1 } })
    })
  }
})
