/**
 * Chat in Slack with a model, behind a script on this machine: what people see while it works and in the end, and that a model that lies, paints, refuses, is
 * away or has spent its budget leaves a checked or a visibly partial answer there too, with the role of whoever asks.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { SaidAnswer } from '../../agent/chat/said-answer.ts'
import { saveSlackMessage } from '../../store/slack.ts'
import { listEntities } from '../../store/entities.ts'
import { listIncidents } from '../../store/incidents.ts'
import { listProposals } from '../../store/proposals.ts'
import { openShopSite } from '../support/chat.ts'
import { type Asked, inTurn, type MessagesApi, messagesApi, type Reply, replies, type Script } from '../support/messages-api.ts'
import type { Site, Visitor } from '../support/site.ts'
import { type InSlack, inSlack, slackConfig } from '../support/slack-people.ts'
import { live } from '../support/slack-shown.ts'
import { readable, signed, SlackWorkspace } from '../support/slack-workspace.ts'
import { spend } from '../support/spend-rows.ts'

let api: MessagesApi
let workspace: SlackWorkspace
let site: Site
let there: InSlack
let incident: { id: string; title: string }
let people = 0
/** Requests of a model since the test began. */
let begun = 0
beforeAll(async () => {
  api = await messagesApi()
  workspace = await SlackWorkspace.open()
  ;({ site } = await openShopSite({
    ...slackConfig(workspace),
    ANTHROPIC_API_KEY: 'sk-ant-api03-not-a-key-of-anybody-0000000000',
    ANTHROPIC_BASE_URL: api.url,
    FALCONER_MODEL_SECONDS: '8',
  }))
  there = await inSlack(site, workspace)
  const [found] = (await listIncidents(site.db, {}, { limit: 1 })).incidents
  incident = { id: found?.id ?? '', title: found?.title ?? '' }
  // What asks a model is loaded when it is first asked, which takes its seconds.
  await as('ada', 'investigator')
  await there.send(workspace.command('ada', 'ask anything?'))
}, 120_000)
afterAll(async () => {
  await there.slack.stop()
  await site.close()
  await workspace.close()
  await api.close()
})
beforeEach(async () => {
  // One person may ask so many a minute.
  site.clock.advance(60_000)
  await as('ada', 'investigator')
  begun = api.asked.length
})

async function as(name: string, role: Visitor['role']): Promise<Visitor> {
  const visitor = await site.visitor(`Asker ${(people += 1)}`, role)
  await there.link(name, visitor)
  return visitor
}
const say = (text: string, cites: string[], kind: SaidAnswer['sentences'][number]['kind'] = 'observation') => ({ text, cites, kind })
const answering = (...sentences: SaidAnswer['sentences']): Reply => replies.structured({ sentences, unknowns: [], follow_ups: [] })
const look = (name: string, input: unknown = {}): Reply => replies.tools([{ name, input }])
const truth = () => say(`⟦${incident.title}⟧ is ⟦open⟧.`, [`incident:${incident.id}`])
const requests = (): Asked[] => api.asked.slice(begun)
const sent = (asked: Asked | undefined): string => JSON.stringify([asked?.body.system, asked?.body.messages])
/** Not at once, so that something can be seen meanwhile. */
const slowly =
  (reply: Reply): Script =>
  async () => {
    await new Promise((resume) => setTimeout(resume, 250))
    return reply
  }

type Message = { ts: string; thread: string; shown: string[]; blocks: unknown }
/** Each message that Falconer posted while this was asked: what it showed, first to last. */
async function messagesOf(work: () => Promise<unknown>): Promise<Message[]> {
  const before = workspace.calls.length
  await work()
  const calls = workspace.calls.slice(before)
  const threads = [...new Set(calls.flatMap(({ method, body }) => (method === 'chat.postMessage' ? [String(body.thread_ts)] : [])))]
  const known = (
    await Promise.all(threads.map(async (thread) => (await workspace.thread(thread)).map(({ ts }) => ({ ts, thread }))))
  ).flat()
  return known.flatMap(({ ts, thread }) => {
    const updates = calls.filter(({ method, body }) => method === 'chat.update' && body.ts === ts).map(({ body }) => body.blocks)
    return updates.length === 0 ? [] : [{ ts, thread, shown: updates.map(readable), blocks: updates.at(-1) }]
  })
}
const tsOf = (question: Record<string, unknown>): string => (question.event as { ts: string }).ts
async function ask(text: string, script: Script, { name = 'ada', thread }: { name?: string; thread?: string } = {}): Promise<Message> {
  api.answer(script)
  const question = await workspace.mention(name, text, thread)
  const [message, ...more] = await messagesOf(() => there.send(question))
  expect(more).toEqual([])
  if (message === undefined) throw new Error('nothing was answered')
  expect(message.thread).toBe(thread ?? tsOf(question))
  return message
}
const end = ({ shown }: Message): string => shown.at(-1) ?? ''

describe('a question to a model', () => {
  it('is one message: first what is looked up, then sentences with links to the records they stand on', async () => {
    const message = await ask(
      'Which incidents are open?',
      inTurn(slowly(look('list_incidents')), slowly(look('get_coverage')), slowly(answering(truth()))),
    )
    const steps = message.shown.slice(0, -1)
    expect(steps.join('\n')).toMatch(/Looking it up…[\s\S]*asked list_incidents[\s\S]*asked get_coverage/)
    expect(steps.join('\n')).not.toContain('Written by')
    expect(end(message)).toContain(`${incident.title} is open. [1]`)
    expect(end(message)).toMatch(/Written by anthropic\/claude-\S+ \(a model\)\. Every sentence was checked against the records it cites\./)
    expect(JSON.stringify(message.blocks)).toMatch(new RegExp(`"url":"http://localhost:\\d+/incidents/${incident.id}","text":"\\[1\\]"`))
    expect(sent(requests()[0])).toContain('role investigator')
  })

  it('is asked by /falconer ask and in direct messages too; the other commands ask no model', async () => {
    api.answer(() => answering(truth()))
    await there.send(workspace.command('ada', 'ask which incidents are open?'))
    expect(readable(workspace.responses.at(-1)?.blocks)).toMatch(/is open\. \[1\][\s\S]*\(a model\)/)
    await there.send(await workspace.directMessage('ada', 'which incidents are open?'))
    expect(readable(workspace.of('chat.update').at(-1)?.blocks)).toContain('(a model)')
    expect(requests()).toHaveLength(2)
    for (const verb of ['incidents', 'coverage', 'fix-first']) await there.send(workspace.command('ada', verb))
    expect(readable(workspace.responses.at(-1)?.blocks)).toContain('Written by rules, no model.')
    expect(requests()).toHaveLength(2)
  })

  it('is remembered in its thread with what held, and nowhere else, nor for anybody else', async () => {
    const first = await ask('My first question?', inTurn(answering(truth())))
    await ask('My second question?', () => answering(say('It was Mallory of payments-0815.', [`incident:${incident.id}`])), first)
    begun = api.asked.length
    await ask('My third question?', () => answering(truth()), first)
    for (const text of ['My first question?', 'My second question?', incident.title]) expect(sent(requests()[0])).toContain(text)
    expect(sent(requests()[0])).not.toContain('Mallory')
    begun = api.asked.length
    await ask('Anew?', () => answering(truth()))
    expect(sent(requests()[0])).not.toContain('My first question?')
    await as('bob', 'investigator')
    begun = api.asked.length
    await ask('And for me?', () => answering(truth()), { name: 'bob', thread: first.thread })
    expect(sent(requests()[0])).not.toContain('My first question?')
  })

  it('under the card of an incident goes on for everybody who may read it', async () => {
    const { ts } = await workspace.call<{ ts: string }>('chat.postMessage', { channel: workspace.channel, text: 'a card' })
    await saveSlackMessage(
      site.db,
      { kind: 'incident', about: incident.id, channel: workspace.channel, ts, shown: 'x', data: {} },
      site.clock.now(),
    )
    await ask('What is it?', () => answering(truth()), { thread: ts })
    expect(sent(requests()[0])).toContain(`about incident ${incident.id}`)
    await as('bob', 'viewer')
    begun = api.asked.length
    await ask('And since when?', () => answering(truth()), { name: 'bob', thread: ts })
    expect(sent(requests()[0])).toContain('What is it?')
    expect(sent(requests()[0])).toContain('role viewer')
  })

  it('waits for the one before it in its thread, says so, and is answered in its turn', async () => {
    const free = Promise.withResolvers<undefined>()
    api.answer(
      inTurn(
        async () => {
          await free.promise
          return answering(truth())
        },
        () => answering(truth(), truth()),
      ),
    )
    const one = await workspace.mention('ada', 'the first?')
    const two = await workspace.mention('ada', 'the second?', tsOf(one))
    // Slack is answered at once, whatever the model does.
    const post = async (body: Record<string, unknown>): Promise<void> => {
      const { body: text, headers } = signed(body, { at: site.clock.now() })
      expect((await site.ask('/slack/events', { method: 'POST', body: text, headers })).status).toBe(200)
    }
    const messages = await messagesOf(async () => {
      await post(one)
      await vi.waitFor(() => expect(requests()).toHaveLength(1), { timeout: 10_000 })
      await post(two)
      await vi.waitFor(
        () => expect(readable(workspace.of('chat.update').at(-1)?.blocks)).toContain('It waits for the question before it'),
        { timeout: 10_000 },
      )
      expect(requests()).toHaveLength(1)
      free.resolve(undefined)
      await there.slack.settle()
    })
    expect(messages.map(({ thread }) => thread)).toEqual([tsOf(one), tsOf(one)])
    expect(messages.map((message) => end(message).match(/is open\./g)?.length)).toEqual([1, 2])
    expect(sent(requests()[1])).toContain('the first?')
  })
})

describe('a model that cannot be trusted', () => {
  it('lies: what it repeats when told so is shown as what it is', async () => {
    const lie = say(`⟦${incident.title}⟧ has 4711 alerts in pod payments-0815.`, [`incident:${incident.id}`])
    const mended = await ask('How bad is it?', inTurn(slowly(answering(lie)), slowly(answering(truth()))))
    expect(mended.shown.join('\n')).toContain('mended')
    expect(end(mended)).not.toContain('4711')
    const lied = await ask('How bad is it?', () => answering(lie, truth()))
    expect(end(lied)).toMatch(/4711 alerts in pod payments-0815\. \(hypothesis: not confirmed from records\)/)
    expect(end(lied)).toContain('1 of 2 sentences could not be confirmed')
    expect(end(lied)).not.toContain('Every sentence was checked')
  })

  it('writes mentions, links and formatting, in sentences and in what it asks for: it is all text', async () => {
    const painted =
      '<!channel> <@U000000001> *bold* <https://evil.example|Open the page> https://evil.example/x @here :rotating_light: \u202egnp.exe'
    const message = await ask(
      'What happened?',
      inTurn(
        slowly(look(painted, { painted })),
        slowly(replies.structured({ sentences: [say(painted, [`incident:${incident.id}`])], unknowns: [painted], follow_ups: [painted] })),
      ),
    )
    const updates = workspace.of('chat.update').filter(({ ts }) => ts === message.ts)
    for (const { text, blocks } of updates) {
      for (const part of live(blocks))
        expect(part).toMatchObject({ type: 'link', url: expect.stringMatching(/^http:\/\/localhost:\d+\//) as string })
      expect(String(text)).not.toMatch(/<[!@h]|@here|:rotating_light:|https:\/\//)
      expect(JSON.stringify(blocks)).not.toMatch(/\u202e|https:\/\/evil/u)
    }
    expect(end(message)).toContain('evil.example')
  })

  it.each<[string, Script, RegExp]>([
    ['refuses', () => replies.refusal(), /It refused to answer/],
    ['answers what is no answer', () => replies.text('All is well.'), /twice/],
    ['is away', () => replies.reset(), /cannot be reached/],
    ['has trouble', () => replies.status(500), /answered 500/],
    ['is silent until its time is spent', () => replies.hang(), /The budget of 8 seconds is spent/],
  ])('%s: the rules answer, and the message says why', { timeout: 60_000 }, async (_what, script, why) => {
    const message = await ask('Which incidents are open?', script)
    expect(end(message)).toMatch(/^The model did not answer: .+ What follows is put together by rules\./)
    expect(end(message)).toMatch(why)
    expect(end(message)).toMatch(/1 open incident\.[\s\S]*Written by rules, no model\./)
  })
})

describe('the role of whoever asks', () => {
  const podId = async (): Promise<string> =>
    String(
      (await listEntities(site.db, { kind: 'pod', limit: 50 })).find(
        ({ name, origin }) => name.startsWith('checkout') && origin === 'inventory',
      )?.id,
    )
  const proposed = async () => (await listProposals(site.db, {}, 20)).filter(({ proposedBy }) => proposedBy.kind !== 'agent')
  const proposing = async (): Promise<Script> =>
    inTurn(
      slowly(look('propose_action', { action: 'kubernetes.isolate_pod', entity: await podId(), reason: 'asked for' })),
      slowly(replies.structured({ sentences: [truth()], unknowns: ['It was refused.'], follow_ups: [] })),
    )

  it('bounds what a model does for them: a viewer proposes nothing, an investigator does, and nobody approves so', async () => {
    await as('bob', 'viewer')
    const refused = await ask('Please isolate the pod checkout', await proposing(), { name: 'bob' })
    expect(refused.shown.join('\n')).toContain('was refused propose_action')
    expect(await proposed()).toEqual([])
    const done = await ask('Please isolate the pod checkout', await proposing())
    const [proposal, ...more] = await proposed()
    expect(more).toEqual([])
    expect(proposal).toMatchObject({ state: 'requested', action: 'kubernetes.isolate_pod' })
    expect(end(done)).toMatch(/Proposed, not done: prp-[0-9a-f]+ waits for people on the page\./)
    expect(JSON.stringify(done.blocks)).toContain(`/proposals/${proposal?.id}`)
  })

  it('is the one of now: who is disabled is answered nothing, in a thread of their own too', async () => {
    const gone = await as('bob', 'investigator')
    const before = await ask('Which incidents are open?', () => answering(truth()), { name: 'bob' })
    await site.ask(`/people/${gone.id}/disable`, { as: site.people.administrator, form: {} })
    begun = api.asked.length
    await there.send(await workspace.mention('bob', 'and now?', before.thread))
    expect(String(workspace.of('chat.postEphemeral').at(-1)?.text)).toContain('/falconer link')
    expect(requests()).toEqual([])
  })
})

it('where the month’s cap is spent no model is asked, and the answer says so', async () => {
  await spend(site.db, { at: site.clock.now(), usd: 1_000_000 })
  const message = await ask('Which incidents are open?', () => answering(truth()))
  expect(end(message)).toMatch(/^The model did not answer: .*FALCONER_MODEL_USD_MONTH.* put together by rules\.[\s\S]*1 open incident/)
  expect(requests()).toEqual([])
})
