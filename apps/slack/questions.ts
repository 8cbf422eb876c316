/**
 * What is a question in Slack (a mention in a channel, a direct message, the assistant pane), and its answer: one message in its thread, which says what is being
 * done and becomes the answer, and is posted once whatever is cut off. Who is not linked learns how to be and nothing else.
 */
import type { App } from '@slack/bolt'
import { exampleQuestions } from '../../agent/chat/rules.ts'
import type { Outcome } from '../../notify/notification.ts'
import type { SlackApi } from '../../notify/slack/api.ts'
import type { Card } from '../../notify/slack/blocks.ts'
import { later, postOnce, taken } from '../../notify/slack/desk.ts'
import { unpaced } from '../../notify/slack/pace.ts'
import { getSlackMessage, saveSlackMessage, type SlackMessage } from '../../store/slack.ts'
import type { SlackHeard } from '../../store/slack-heard.ts'
import { turnsOf } from '../../store/threads.ts'
import type { Asker } from '../server/chat.ts'
import { cardOf, follow, type Place, sent, waitingCard } from './ask.ts'
import type { Kept } from './inbox.ts'
import { askerOf, howToLink, type Parts, whisper } from './parts.ts'

/** As much of an event as is read, and kept. */
type Message = {
  type: string
  channel: string
  ts: string
  thread_ts?: string
  user?: string
  text?: string
  subtype?: string
  bot_id?: string
  channel_type?: string
  user_team?: string
}
type Envelope = { team_id?: string; is_ext_shared_channel?: boolean; event: Message }

/** Null: nothing that is answered. */
export function questionIn(body: Record<string, unknown>): Kept | null {
  const { event_id: id, event, team_id, is_ext_shared_channel } = body as Partial<Envelope> & { event_id?: unknown }
  if (typeof id !== 'string' || event === undefined || typeof event.channel !== 'string' || typeof event.ts !== 'string') return null
  const asked = event.type === 'app_mention' || (event.type === 'message' && event.channel_type === 'im')
  const byPerson = event.user !== undefined && event.bot_id === undefined
  if (!asked || !byPerson || (event.subtype !== undefined && event.subtype !== 'file_share')) return null
  const { type, channel, ts, thread_ts, user, text, channel_type, user_team } = event
  const kept = { team_id, is_ext_shared_channel, event: { type, channel, ts, thread_ts, user, text, channel_type, user_team } }
  return { event: id, channel, thread: thread_ts ?? ts, body: kept }
}

/** The assistant pane offers questions. */
export function offerQuestions(app: App): void {
  app.event('assistant_thread_started', async ({ event, client }) => {
    const { channel_id, thread_ts } = event.assistant_thread
    const prompts = exampleQuestions('estate')
      .slice(0, 4)
      .map((text) => ({ title: text, message: text }))
    const [first, ...rest] = prompts
    if (first !== undefined) await client.assistant.threads.setSuggestedPrompts({ channel_id, thread_ts, prompts: [first, ...rest] })
  })
}

export type Answering = {
  parts: Parts
  api: SlackApi
  /** Asks Slack, until it was told once. */ us(): Promise<{ team: string; botUserId: string }>
}

export async function answerHeard({ parts, api, us }: Answering, heard: SlackHeard, begun: () => Promise<void>): Promise<Outcome> {
  const { team_id: team = '', is_ext_shared_channel: isShared, event } = heard.body as Envelope
  const { user = '', text = '', channel, ts, thread_ts: thread = ts, user_team: userTeam } = event
  const ours = await us()
  if (team !== ours.team) {
    parts.falconer.log.warn('Slack: a question of another workspace than the one that Falconer is installed in is not answered')
    return taken
  }
  if (user === ours.botUserId) return taken
  const direct = event.type === 'message'
  const say = async (words: string): Promise<Outcome> => {
    await whisper(parts, { channel, user, thread: direct ? thread : event.thread_ts, direct }, words)
    return taken
  }
  if (isShared === true || (userTeam !== undefined && userTeam !== team))
    return say(
      'This channel is shared with another company. Falconer answers only where nobody else reads along: ask it in a direct message.',
    )
  const asker = await askerOf(parts, { team, user })
  if (asker === null) return say(howToLink)
  const question = plainQuestion(text)
  if (question === '') return say(`Ask me something, for example: ${exampleQuestions('estate')[0] ?? 'Which incidents are open?'}`)
  return answerInThread({ parts, api }, { id: heard.id, asker, place: { channel, ts: thread }, text: question }, begun)
}

/** A question that killed the process again and again is not asked for ever. */
const mostAsked = 3
/** A turn that nobody is at is given up by then, or soon after. */
const lookAgainMs = 2_000
type Asked = { thread?: string; turn?: number; asked?: number }

async function answerInThread(
  { parts, api }: Pick<Answering, 'parts' | 'api'>,
  { id, asker, place, text }: { id: string; asker: Asker; place: Place; text: string },
  begun: () => Promise<void>,
): Promise<Outcome> {
  const { db, clock } = parts.falconer
  const posted = (): Promise<SlackMessage | undefined> => getSlackMessage(db, 'turn', id, place.channel)
  let message = await posted()
  if (message === undefined) {
    const outcome = await postAnswer({ parts, api }, id, place)
    message = await posted()
    if (message === undefined) return outcome
  }
  const { thread, turn, asked = 0 } = message.data as Asked
  const before = thread === undefined ? undefined : (await turnsOf(db, thread)).find(({ number }) => number === turn)
  if (before?.state === 'waiting' || before?.state === 'working') return later(lookAgainMs)
  const { channel, ts } = message
  const show = async (card: Card): Promise<void> => void (await parts.client.chat.update({ channel, ts, ...sent(card) }))
  if (thread !== undefined && turn !== undefined && (before?.state !== 'unanswered' || asked >= mostAsked)) {
    await show(await cardOf(parts, thread, turn))
    return taken
  }
  const noteBegun = async (inThread: string, number: number): Promise<void> => {
    await saveSlackMessage(
      db,
      { kind: 'turn', about: id, channel, ts, shown: '', data: { thread: inThread, turn: number, asked: asked + 1 } },
      clock.now(),
    )
    await begun()
  }
  return (await follow(parts, asker, { place, text, model: true, show, begun: noteBegun })) ? taken : later(0)
}

/** Not at a pace: somebody waits for it. What was cut off here before is looked for. */
function postAnswer({ parts, api }: Pick<Answering, 'parts' | 'api'>, id: string, { channel, ts }: Place): Promise<Outcome> {
  const { db, clock } = parts.falconer
  const rows = (at: string): SlackMessage[] => [{ kind: 'turn', about: id, channel, ts: at, shown: '', data: {} }]
  const desk = { db, clock, api, channel, pace: unpaced }
  return postOnce(desk, { key: `turn:${id}`, card: waitingCard(parts), threadTs: ts, rows })
}

/** As it was typed: without whom it mentions, and without Slack’s own marks. */
export const plainQuestion = (text: string): string =>
  text
    .replace(/<@[UW]\w+(?:\|[^>]*)?>/g, ' ')
    .replace(/<(?:https?:\/\/|mailto:)[^|>]*\|([^>]*)>/g, '$1')
    .replace(/<((?:https?:\/\/|mailto:)[^|>]*)>/g, '$1')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
    .replace(/\s+/g, ' ')
    .trim()
