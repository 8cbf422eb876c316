/** What the parts of the Slack app share: Falconer, Slack’s Web API, and who somebody there is here. */
import type { webApi } from '@slack/bolt'
import { slackPrincipal } from '../../auth/slack-links.ts'
import { FalconerError } from '../../domain/errors.ts'
import { fallback } from '../../notify/slack/text.ts'
import type { SlackUser } from '../../store/slack-links.ts'
import type { Asker } from '../server/chat.ts'
import type { Falconer } from '../server/falconer.ts'
import { faultOfOurs } from '../server/problems.ts'

export type Parts = {
  falconer: Falconer
  client: webApi.WebClient
  /** How often a message that shows what is being done changes, at most. */ stepMs: number
  /** What goes on after Slack was answered; waited for when Falconer stops. */ working(work: Promise<unknown>): void
  stop: AbortSignal
}

/** With the role they have now. Null: nobody said that this is them. */
export async function askerOf({ falconer }: Pick<Parts, 'falconer'>, who: SlackUser): Promise<Asker | null> {
  const principal = await slackPrincipal(falconer.auth, who)
  return principal === undefined ? null : { principal, channel: 'slack' }
}

export const howToLink =
  'Falconer does not know who you are, so it shows you nothing. Type /falconer link here; it takes you to a page where you sign in and say that this is you.'

/** What went wrong, in words that may be shown; else it is logged. */
export function told({ falconer }: Pick<Parts, 'falconer'>, error: unknown): string {
  if (error instanceof FalconerError) return error.message
  falconer.log.error('Slack: a request failed', { error })
  return faultOfOurs.detail
}

/** To one person alone, where they are. Text of ours. */
export async function whisper(
  { client }: Pick<Parts, 'client'>,
  to: { channel: string; user: string; thread?: string | undefined; direct: boolean },
  text: string,
): Promise<void> {
  const said = { channel: to.channel, text: fallback(text), ...(to.thread === undefined ? {} : { thread_ts: to.thread }) }
  const { postMessage: say } = client.chat
  if (to.direct) await say(said)
  else await client.chat.postEphemeral({ ...said, user: to.user })
}
