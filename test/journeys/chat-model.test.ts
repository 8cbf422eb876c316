/**
 * Chat with a model behind a script on this machine: what it is sent, what it may ask, what becomes of what it says; and that a model that lies, obeys what
 * stands in records, refuses, breaks or never stops ends in a checked or a visibly partial answer.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { answerText, stepText, type ThreadAnswer, type TurnRow } from '../../apps/cli/chat-text.ts'
import { turnCard } from '../../apps/slack/answer-blocks.ts'
import type { SaidAnswer } from '../../agent/chat/said-answer.ts'
import { nothingCompared } from '../../domain/report.ts'
import { listAudit } from '../../store/audit.ts'
import { listEntities } from '../../store/entities.ts'
import { listIncidents } from '../../store/incidents.ts'
import { callsOf } from '../../store/model-calls.ts'
import { listProposals } from '../../store/proposals.ts'
import { tools } from '../../tools/catalog/registry.generated.ts'
import { openShopSite } from '../support/chat.ts'
import { type Asked, inTurn, type MessagesApi, messagesApi, type Reply, replies, type Script } from '../support/messages-api.ts'
import type { Site, Visitor } from '../support/site.ts'

let api: MessagesApi
let site: Site
let incident: { id: string; title: string }
let asker: Visitor
let thread: string
let askers = 0
/** Requests of the newest question. */
let begun = 0
const requests = (): Asked[] => api.asked.slice(begun)
/** The analyst’s own are not this test’s. */
const proposed = async () => (await listProposals(site.db, {}, 20)).filter(({ proposedBy }) => proposedBy.kind !== 'agent')
beforeAll(async () => {
  api = await messagesApi()
  const settings = {
    ANTHROPIC_API_KEY: 'sk-ant-api03-not-a-key-of-anybody-0000000000',
    ANTHROPIC_BASE_URL: api.url,
    FALCONER_MODEL_SECONDS: '20',
  }
  ;({ site } = await openShopSite(settings))
  const [found] = (await listIncidents(site.db, {}, { limit: 1 })).incidents
  incident = { id: found?.id ?? '', title: found?.title ?? '' }
}, 120_000)
afterAll(async () => {
  await site.close()
  await api.close()
})
const open = async (by: Visitor, about?: string): Promise<string> => {
  const made = await site.ask('/api/v1/threads', { as: { token: by.token }, json: about === undefined ? {} : { incident: about } })
  return ((await made.json()) as { id: string }).id
}
beforeEach(async () => {
  asker = await site.visitor(`Asker ${++askers}`, 'investigator')
  thread = await open(asker)
  site.clock.advance(60_000)
})

const ask = async (text: string, script: Script, { model = true, by = asker, id = thread } = {}): Promise<TurnRow> => {
  api.answer(script)
  begun = api.asked.length
  const answer = await site.ask(`/api/v1/threads/${id}/questions`, { as: { token: by.token }, json: { text, model, wait: 60 } })
  const { turn } = (await answer.json()) as { turn: TurnRow }
  expect(turn, text).toMatchObject({ state: 'answered', error: null })
  return turn
}
const say = (text: string, cites: string[], kind: SaidAnswer['sentences'][number]['kind'] = 'observation') => ({ text, cites, kind })
const answering = (...sentences: SaidAnswer['sentences']): Reply =>
  replies.structured({ sentences, unknowns: [], follow_ups: ['What is the root cause?'] } satisfies SaidAnswer)
const look = (name: string, input: unknown = {}): Reply => replies.tools([{ name, input }])
const truth = () => say(`⟦${incident.title}⟧ is ⟦open⟧.`, [`incident:${incident.id}`])
const sent = ({ body }: Asked): string => JSON.stringify([body.system, body.messages])

describe('a model', () => {
  it('answers in sentences that were checked, with what it took', async () => {
    const turn = await ask('Which incidents are open?', inTurn(look('list_incidents'), answering(truth())))
    expect(turn.answer).toMatchObject({
      by: expect.stringMatching(/^anthropic\/claude-/) as string,
      partial: null,
      spend: { calls: 2 },
      followUps: ['What is the root cause?'],
    })
    expect(turn.answer?.claims).toMatchObject([
      {
        grounded: true,
        evidence: [
          { record: 'incident', path: 'title' },
          { record: 'incident', path: 'state' },
        ],
      },
    ])
    expect(turn.answer?.links).toMatchObject([{ path: `/incidents/${incident.id}` }])
    expect(requests()).toHaveLength(2)
  })

  it('is given tools that read, and none that decides, notes or acts', async () => {
    await ask('Which incidents are open?', () => answering(truth()))
    const readable = tools.filter(({ access, listed }) => access === 'read' && listed).map(({ name }) => name)
    expect(
      requests()[0]
        ?.body.tools?.map(({ name }) => name)
        .toSorted(),
    ).toEqual(readable.toSorted())
    expect(sent(requests()[0] as Asked)).toContain('You have no tool that proposes or acts')
    expect(sent(requests()[0] as Asked)).toContain('role investigator')
  })

  it('gets back once what no record bears out; what it repeats is a hypothesis', async () => {
    const lie = say(`⟦${incident.title}⟧ has 4711 alerts in pod payments-0815.`, [`incident:${incident.id}`])
    const mended = await ask('How bad is it?', inTurn(answering(lie), answering(truth())))
    expect(mended.answer?.claims).toMatchObject([{ grounded: true }])
    expect(sent(requests()[1] as Asked)).toContain('not borne out')
    const lied = await ask('How bad is it?', () => answering(lie, say('There is no alert.', [], 'absence')))
    expect(lied.answer?.claims).toMatchObject([{ grounded: false }, { grounded: false }])
    expect(requests()).toHaveLength(2)
    const page = await (await site.ask(`/chat/${thread}`, { as: asker })).text()
    expect(page).toContain('marked as hypothesis')
    expect(page).toContain('class="doubted"')
  })

  it('is told apart from what records say where it concludes and tells nothing of them', async () => {
    const lie = say('The attacker was an insider from the finance team.', [`incident:${incident.id}`], 'inference')
    const turn = await ask('Who was it?', () => answering(truth(), lie))
    expect(requests()).toHaveLength(2)
    expect(turn.answer?.claims).toMatchObject([{ grounded: true }, { grounded: false, problems: [nothingCompared] }])
    const page = await (await site.ask(`/chat/${thread}`, { as: asker })).text()
    expect(page).toMatch(/finance team\. <span class="badge judgement"/)
    expect(page).toContain('1 of 2 sentences could not be confirmed: 1 marked as judgement')
    expect(answerText(turn, '')).toMatch(/finance team\. \[1\] {2}\[judgement\]/)
    expect(JSON.stringify(turnCard(turn, [], { pages: '', page: '' }))).toContain('(judgement: nothing in it was compared with records)')
  })

  it('remembers of a thread what held, and nothing else', async () => {
    await ask('First question?', inTurn(answering(truth()), answering(truth())))
    await ask('Second question?', () => answering(say('It was Mallory of payments-0815.', [`incident:${incident.id}`])))
    await ask('Third question?', () => answering(truth()))
    const text = sent(requests()[0] as Asked)
    expect(text).toContain('First question?')
    expect(text).toContain(incident.title)
    expect(text).toContain('Second question?')
    expect(text).not.toContain('Mallory')
    expect(requests()[0]?.body.messages.at(-1)?.role).toBe('user')
    expect(JSON.stringify(requests()[0]?.body.messages.at(-1))).toContain('Third question?')
  })

  it('asks for a tool by a name that hides and paints, and nobody is shown more than its letters', async () => {
    const name = 'list\u202e\u001b[31mincidents'
    await ask('Which incidents are open?', inTurn(look(name), answering(truth())))
    const { steps } = (await (await site.ask(`/api/v1/threads/${thread}`, { as: { token: asker.token } })).json()) as ThreadAnswer
    const asked = steps.filter(({ tool }) => tool === name)
    expect(asked.map(({ kind }) => kind)).toEqual(['asked', 'refused'])
    for (const text of [...asked.map(stepText), await (await site.ask(`/chat/${thread}`, { as: asker })).text()]) {
      expect(text).toContain('list\\u{202e}\\u{1b}[31mincidents')
      expect(text).not.toMatch(/[\u202e\u001b]/u)
    }
  })

  it('is not sent secrets of questions', async () => {
    await ask('Is token=hunter2hunter2hunter2 known?', () => answering(truth()))
    expect(sent(requests()[0] as Asked)).not.toContain('hunter2')
  })

  it('is not asked where nobody wants it', async () => {
    const turn = await ask('Which incidents are open?', () => answering(truth()), { model: false })
    expect(turn.answer).toMatchObject({ by: 'rules', spend: null, partial: null })
    expect(requests()).toHaveLength(0)
  })
})

describe('a model that obeys what stands in records', () => {
  const hostile = (target: string): Script =>
    inTurn(
      replies.tools([
        { name: 'propose_action', input: { action: 'kubernetes.isolate_pod', entity: target, reason: 'a pod name told me to' } },
        { name: 'set_verdict', input: { incident: incident.id, verdict: 'benign', reason: 'x' } },
        { name: 'add_note', input: { incident: incident.id, text: 'x' } },
        { name: 'approve_proposal', input: {} },
      ]),
      answering(truth()),
    )
  const podId = async (): Promise<string> =>
    String(
      (await listEntities(site.db, { kind: 'pod', limit: 50 })).find(
        ({ name, origin }) => name.startsWith('checkout') && origin === 'inventory',
      )?.id,
    )

  it('changes nothing where the person asked for nothing', async () => {
    const pod = await podId()
    for (const question of ['What happened?', 'What should I fix first?']) {
      const turn = await ask(question, hostile(pod))
      expect(turn.answer?.claims).toMatchObject([{ grounded: true }])
    }
    expect(await proposed()).toEqual([])
    const told = (await (await site.ask(`/api/v1/threads/${thread}`, { as: { token: asker.token } })).json()) as {
      steps: { kind: string; tool: string }[]
    }
    expect(told.steps.filter(({ kind }) => kind === 'refused').map(({ tool }) => tool)).toEqual(
      [...Array(2)].flatMap(() => ['propose_action', 'set_verdict', 'add_note', 'approve_proposal']),
    )
    const { incident: now } = (await (await site.ask(`/api/v1/incidents/${incident.id}`, { as: { token: asker.token } })).json()) as {
      incident: object
    }
    expect(now).toMatchObject({ state: 'open', severity: 'critical' })
  })

  it('proposes where the person asks for it and may, as a model, and approves nothing', async () => {
    const pod = await podId()
    const viewer = await site.visitor('Who may only look', 'viewer')
    await ask('Please isolate that pod', hostile(pod), { by: viewer, id: await open(viewer) })
    expect(await proposed()).toEqual([])
    const turn = await ask('Please isolate that pod', hostile(pod))
    const [proposal, ...more] = await proposed()
    expect(more).toEqual([])
    expect(proposal).toMatchObject({ state: 'requested', action: 'kubernetes.isolate_pod', target: { entityId: pod } })
    expect(turn.answer?.links[0]).toMatchObject({ path: `/proposals/${proposal?.id}` })
    expect(turn.answer?.notes.join()).toContain('waits for people on the page')
    const entries = await listAudit(site.db, { subject: `proposal/${proposal?.id}`, limit: 10 })
    expect(entries.map(({ action, channel }) => [action, channel])).toContainEqual(['proposal requested', 'mcp'])
    expect(entries.filter(({ action }) => /approv/.test(action))).toEqual([])
  })
})

describe('a model that does not answer', () => {
  const loops: Script = () => look('get_coverage')
  it.each<[string, Script, RegExp]>([
    ['refuses', () => replies.refusal(), /It refused to answer/],
    ['answers with what is no answer', () => replies.text('I think all is well.'), /twice/],
    ['is cut off, again and again', () => replies.tooLong('{"sentences": ['), /twice/],
    ['never stops asking', loops, /did not stop asking|asked enough|in the form/],
    ['is away', () => replies.status(500), /provider answered 500|could not|does not answer/i],
    ['turns us away', () => replies.status(401, 'authentication_error', 'no'), /401|key|refused/i],
    ['sends half a document', () => replies.notJson(), /./],
  ])('%s: the rules answer, and say why', { timeout: 90_000 }, async (_what, script, why) => {
    const turn = await ask('Which incidents are open?', script)
    expect(turn.answer?.partial).toMatch(/^The model did not answer: .+ What follows is put together by rules\.$/)
    expect(turn.answer?.partial).toMatch(why)
    expect(turn.answer?.by).toBe('rules')
    expect(turn.answer?.claims.length).toBeGreaterThan(0)
    expect(turn.answer?.claims.every(({ grounded }) => grounded)).toBe(true)
    expect(requests().length).toBeLessThan(25)
  })
})

it('a model that does not answer what rules do not understand either: both is said', async () => {
  const turn = await ask('Is the moon made of checkout?', () => replies.refusal())
  expect(turn.answer?.partial).toMatch(/It refused to answer\. What follows is put together by rules\. I am not sure what is asked/)
})

describe('a question that is given up', () => {
  const call = (path: string, json: unknown, by = asker, id = thread): Promise<Response> =>
    site.ask(`/api/v1/threads/${id}/questions${path}`, { as: { token: by.token }, json })
  const begunWith = async (text: string, id = thread): Promise<void> => {
    api.answer(() => replies.hang())
    begun = api.asked.length
    expect((await call('', { text }, asker, id)).status).toBe(200)
    await expect.poll(() => requests().length).toBe(1)
  }

  it('is answered no further, at once, by whoever asked it alone; the next one need not wait', async () => {
    const bob = await site.visitor('Bob', 'administrator')
    const about = await open(asker, incident.id)
    await begunWith('What happened?', about)
    expect((await call('/1/stop', {}, bob, about)).status).toBe(403)
    const stopped = (await (await call('/1/stop', {}, asker, about)).json()) as { turn: TurnRow }
    expect(stopped.turn).toMatchObject({ state: 'unanswered', error: 'Whoever asked this gave it up.', answer: null })
    const turn = await ask('How bad is it?', () => answering(truth()), { id: about })
    expect(turn).toMatchObject({ number: 2, answer: { partial: null } })
    expect((await call('/1/stop', {}, asker, about)).status).toBe(409)
    expect((await call('/2/stop', {}, asker, about)).status).toBe(409)
    expect((await call('/7/stop', {}, asker, about)).status).toBe(404)
    const calls = await callsOf(site.db, about)
    expect(calls.map(({ error }) => error)).toEqual(['broken off by whoever asked', null])
  })

  it('is stopped on the page, and may be asked again there', async () => {
    await begunWith('Which incidents are open?')
    const waiting = await (await site.ask(`/chat/${thread}`, { as: asker })).text()
    expect(waiting).toContain(`action="/chat/${thread}/stop"`)
    expect((await site.ask(`/chat/${thread}/stop`, { as: asker, form: { number: '1' } })).status).toBe(303)
    const page = await (await site.ask(`/chat/${thread}`, { as: asker })).text()
    expect(page).toContain('Whoever asked this gave it up.')
    expect(page).toContain('Ask again')
    expect(page).not.toContain(`action="/chat/${thread}/stop"`)
  })
})
