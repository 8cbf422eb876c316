/** Where questions come from: a mention in a channel, a direct message, the assistant pane. Who is not linked learns how to be and nothing else. */
import { type App, Assistant } from '@slack/bolt'
import { exampleQuestions } from '../../agent/chat/rules.ts'
import type { SlackUser } from '../../store/slack-links.ts'
import { answerInThread } from './ask.ts'
import { askerOf, howToLink, type Parts, whisper } from './parts.ts'

/** As much of a message as is read. */
type Message = {
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
type Envelope = { team_id?: string; is_ext_shared_channel?: boolean }

export function hearQuestions(app: App, parts: Parts): void {
  app.event('app_mention', async ({ event, body }) => heard(parts, event as Message, body, false))
  app.assistant(
    new Assistant({
      // Which channel somebody looks at beside the pane is not asked for.
      threadContextStore: { get: async () => ({}), save: async () => {} },
      threadStarted: async ({ event, client }) => {
        const { channel_id, thread_ts } = event.assistant_thread
        const prompts = exampleQuestions('estate')
          .slice(0, 4)
          .map((text) => ({ title: text, message: text }))
        const [first, ...rest] = prompts
        if (first !== undefined) await client.assistant.threads.setSuggestedPrompts({ channel_id, thread_ts, prompts: [first, ...rest] })
      },
      userMessage: async ({ payload, body }) => heard(parts, payload as Message, body, true),
    }),
  )
  // A direct message outside a thread; those in one are the assistant’s.
  app.message(async ({ message, body }) => {
    if ((message as Message).channel_type === 'im') await heard(parts, message as Message, body, true)
  })
}

async function heard(parts: Parts, message: Message, envelope: Envelope, direct: boolean): Promise<void> {
  const { user, text = '', subtype, channel, ts, thread_ts: thread = ts } = message
  if (user === undefined || message.bot_id !== undefined || (subtype !== undefined && subtype !== 'file_share')) return
  const to = { channel, user, thread: direct ? thread : message.thread_ts, direct }
  const team = envelope.team_id ?? ''
  if (envelope.is_ext_shared_channel === true || (message.user_team !== undefined && message.user_team !== team))
    return whisper(
      parts,
      to,
      'This channel is shared with another company. Falconer answers only where nobody else reads along: ask it in a direct message.',
    )
  const who: SlackUser = { team, user }
  const asker = await askerOf(parts, who)
  if (asker === null) return whisper(parts, to, howToLink)
  const question = plainQuestion(text)
  if (question === '')
    return whisper(parts, to, `Ask me something, for example: ${exampleQuestions('estate')[0] ?? 'Which incidents are open?'}`)
  // Slack was answered; what follows may take minutes.
  parts.working(answerInThread(parts, asker, { channel, ts: thread }, question))
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
