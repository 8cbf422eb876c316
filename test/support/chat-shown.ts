/** Questions put to chat, by rules or to a model that says what it is told to, and all that is shown of the answers: pages, the API, a terminal, Slack. */
import { turnCard } from '../../apps/slack/answer-blocks.ts'
import { answerText, stepText, type ThreadAnswer } from '../../apps/cli/chat-text.ts'
import { readThread } from '../../apps/server/chat.ts'
import type { SaidAnswer } from '../../agent/chat/said-answer.ts'
import { messagesApi, replies, type Reply } from './messages-api.ts'
import type { Site } from './site.ts'

/** Settings of a site whose model is this API. */
export const chatModel = (api: Awaited<ReturnType<typeof messagesApi>>) => ({
  ANTHROPIC_API_KEY: 'sk-ant-api03-not-a-key-of-anybody-0000000000',
  ANTHROPIC_BASE_URL: api.url,
  FALCONER_MODEL_SECONDS: '20',
})

/** Each text wherever a model has room for one: sentences, what is not known, questions that could come next. */
export const sayingAll = (texts: readonly string[]): Reply =>
  replies.structured({
    sentences: texts.map((text) => ({ text: `It says ${text} here.`, kind: 'inference', cites: [text] })),
    unknowns: texts.map((text) => `Who wrote ${text}.`),
    follow_ups: texts.map((text) => `What is ${text}?`),
  } satisfies SaidAnswer)

let askers = 0
/** One question in a thread of its own, by somebody of their own, for one person may ask so many a minute. */
export async function chatShown(site: Site, text: string, { model }: { model: boolean }): Promise<{ where: string; text: string }[]> {
  const by = await site.visitor(`Asker in chat ${(askers += 1)}`, 'administrator')
  const as = { token: by.token }
  const { id } = (await (await site.ask('/api/v1/threads', { as, json: {} })).json()) as { id: string }
  const asked = await site.ask(`/api/v1/threads/${id}/questions`, { as, json: { text, model, wait: 60 } })
  if (!asked.ok) throw new Error(`${text}: ${asked.status} ${await asked.text()}`)
  const told = await (await site.ask(`/api/v1/threads/${id}`, { as })).text()
  const { turns, steps } = JSON.parse(told) as ThreadAnswer
  if (turns[0]?.state !== 'answered') throw new Error(`${text}: ${told}`)
  const stored = await readThread(site.falconer, by.actor, id)
  const places = { pages: 'http://localhost', page: `http://localhost/chat/${id}` }
  const cards = stored.turns.flatMap((turn) => [
    turnCard(turn, stored.steps, places),
    turnCard({ ...turn, state: 'working', answer: null }, stored.steps, places),
  ])
  const shown = {
    'the page': await (await site.ask(`/chat/${id}`, { as: by })).text(),
    'the list of threads': await (await site.ask('/chat', { as: by })).text(),
    'the API': told,
    'a terminal': [...turns.map((turn) => answerText(turn, 'http://localhost')), ...steps.map(stepText)].join('\n'),
    Slack: JSON.stringify(cards),
  }
  return Object.entries(shown).map(([where, seen]) => ({ where: `chat, ${where}: ${text.slice(0, 60)}`, text: seen }))
}
