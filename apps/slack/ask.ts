/**
 * A question in Slack: asked with the role of the person who wrote it, in a thread of chat that is Slack’s thread. What is being done is shown, and then the
 * answer. That one is asked and shown again after a stop is not done here: of what is heard in messages, questions.ts does it.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Card, shownHash } from '../../notify/slack/blocks.ts'
import { stepsOf } from '../../store/analyst-steps.ts'
import { getProposal } from '../../store/proposals.ts'
import { saveSlackThread, slackMessageAt, slackThread } from '../../store/slack.ts'
import { turnsOf } from '../../store/threads.ts'
import { type Asker, ask, openThread, type Taken } from '../server/chat.ts'
import { baseUrl } from '../server/urls.ts'
import { noticeCard, turnCard } from './answer-blocks.ts'
import { type Parts, told } from './parts.ts'

/** `ts`: of the message that begins the thread. */
export type Place = { channel: string; ts: string }
type Shows = (card: Card) => Promise<void>

export type Question = {
  place: Place
  text: string
  /** False: by rules alone. */ model: boolean
  show: Shows
  begun?: (thread: string, turn: number) => Promise<void>
  /** Where one message cannot be changed again and again, only the end is shown. */ endOnly?: boolean
}

/** Never throws for what can be said instead. False: Falconer stops, and nothing more is shown. */
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

/** Before anything is known of the answer. */
export const waitingCard = (parts: Parts): Card => turnCard({ state: 'working', answer: null, error: null }, [], places(parts, ''))

export async function cardOf(parts: Parts, thread: string, number: number): Promise<Card> {
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
