/**
 * A question in Slack: asked with the role of the person who wrote it, in a thread of chat that is Slack’s thread. One message says what is being done and
 * becomes the answer. Which message that is stands in a row, so that a Falconer that stopped meanwhile makes up for it.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { newId } from '../../domain/ids.ts'
import { answerOf } from '../../notify/slack/api.ts'
import { type Card, shownHash } from '../../notify/slack/blocks.ts'
import { stepsOf } from '../../store/analyst-steps.ts'
import { getProposal } from '../../store/proposals.ts'
import {
  forgetSlackMessage,
  saveSlackMessage,
  saveSlackThread,
  slackMessageAt,
  slackMessagesOfKind,
  slackThread,
} from '../../store/slack.ts'
import { turnsOf } from '../../store/threads.ts'
import { type Asker, ask, openThread, type Taken } from '../server/chat.ts'
import { baseUrl } from '../server/urls.ts'
import { noticeCard, turnCard } from './answer-blocks.ts'
import { type Parts, told } from './parts.ts'

/** `ts`: of the message that begins the thread. */
export type Place = { channel: string; ts: string }
type Shows = (card: Card) => Promise<void>

/** Answers in a message of the thread. */
export async function answerInThread(parts: Parts, asker: Asker, place: Place, text: string): Promise<void> {
  const { client, falconer } = parts
  const { postMessage: say } = client.chat
  const posted = await say({ channel: place.channel, thread_ts: place.ts, ...sent(turnCard(waiting, [], places(parts, ''))) })
  const message = { channel: place.channel, ts: posted.ts ?? '' }
  const show: Shows = async (card) => void (await client.chat.update({ ...message, ...sent(card) }))
  const id = newId()
  const begun = async (thread: string, turn: number): Promise<void> =>
    saveSlackMessage(falconer.db, { kind: 'turn', about: id, ...message, shown: '', data: { thread, turn } }, falconer.clock.now())
  const shown = await follow(parts, asker, { place, text, model: true, show, begun })
  if (shown) await forgetSlackMessage(falconer.db, message.channel, message.ts)
}

export type Question = {
  place: Place
  text: string
  /** False: by rules alone. */ model: boolean
  show: Shows
  begun?: (thread: string, turn: number) => Promise<void>
  /** Where one message cannot be changed again and again, only the end is shown. */ endOnly?: boolean
}

/** Never throws for what can be said instead. False: Falconer stops; where a row says which message it is, the answer is shown when it starts again. */
export async function follow(parts: Parts, asker: Asker, { place, text, model, show, begun, endOnly = false }: Question): Promise<boolean> {
  const { falconer, stepMs, stop } = parts
  let taken: Taken
  let thread: string
  try {
    thread = await threadAt(parts, asker, place)
    taken = await ask(falconer, asker, thread, { text, model })
  } catch (error) {
    await show(noticeCard(told(parts, error)))
    return true
  }
  await begun?.(thread, taken.turn.number)
  const end = taken.answered
    .catch((error: unknown) => falconer.log.error('Slack: a question failed', { error }))
    .then(() => 'over' as const)
  let before = ''
  for (;;) {
    const state = await Promise.race([end, sleep(stepMs, undefined, { signal: stop }).catch(() => 'stopped' as const)])
    if (state === 'over') break
    if (state === 'stopped') return false
    if (endOnly) continue
    const card = await cardOf(parts, thread, taken.turn.number)
    const hash = shownHash(card)
    // A message that could not be changed is changed by the next step, or by the answer.
    if (hash !== before)
      await show(card).catch((error: unknown) => falconer.log.warn('Slack: a step was not shown', { error: String(error) }))
    before = hash
  }
  await show(await cardOf(parts, thread, taken.turn.number))
  return true
}

/** Answers that could not be shown: Slack was away, or the server that asked stopped. One that cannot be shown keeps no other waiting. */
export async function showLeftOver(parts: Parts): Promise<void> {
  const { falconer, client } = parts
  for (const { channel, ts, data } of await slackMessagesOfKind(falconer.db, 'turn')) {
    const { thread, turn } = data as { thread: string; turn: number }
    const found = (await turnsOf(falconer.db, thread)).find(({ number }) => number === turn)
    // Another server is at it.
    if (found?.state === 'waiting' || found?.state === 'working') continue
    const card = found === undefined ? null : await cardOf(parts, thread, turn)
    const failed = card === null ? null : await client.chat.update({ channel, ts, ...sent(card) }).then(() => null, answerOf)
    if (failed === null || failed.outcome.outcome === 'refused') await forgetSlackMessage(falconer.db, channel, ts)
    if (failed !== null) falconer.log.warn('Slack: an answer was not shown', { threadId: thread, error: failed.outcome.reason })
  }
}

/** The thread of chat that Slack’s is; under the card of an incident, or of a proposal for one, it is about that incident and everybody’s who may read it. */
async function threadAt(parts: Parts, asker: Asker, { channel, ts }: Place): Promise<string> {
  const { db } = parts.falconer
  const owner = asker.principal.personId
  const known = await slackThread(db, { channel, ts, owner })
  if (known !== undefined) return known
  const incident = await incidentOf(parts, { channel, ts })
  const { id } = await openThread(parts.falconer, asker, incident)
  return saveSlackThread(db, { channel, ts, owner: incident === null ? owner : '' }, id)
}

async function incidentOf({ falconer: { db } }: Parts, { channel, ts }: Place): Promise<string | null> {
  const card = await slackMessageAt(db, channel, ts)
  if (card?.kind === 'incident') return card.about
  return card?.kind === 'proposal' ? ((await getProposal(db, { id: card.about }))?.incidentId ?? null) : null
}

const waiting = { state: 'working', answer: null, error: null } as const

async function cardOf(parts: Parts, thread: string, number: number): Promise<Card> {
  const { db } = parts.falconer
  const turn = (await turnsOf(db, thread)).find((one) => one.number === number)
  if (turn === undefined) return noticeCard('The question is not there any more.')
  const after = turn.firstStep === null ? null : turn.firstStep - 1
  return turnCard(turn, after === null ? [] : await stepsOf(db, thread, { after }), places(parts, thread))
}

const places = ({ falconer }: Parts, thread: string): { pages: string; page: string } => ({
  pages: baseUrl(falconer),
  page: `${baseUrl(falconer)}/chat/${thread}`,
})

/** No previews of what it links to. */
export const sent = ({ text, blocks }: Card) => ({ text, blocks, unfurl_links: false, unfurl_media: false })
