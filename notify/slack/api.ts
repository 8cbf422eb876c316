/**
 * Slack’s Web API as cards use it, and what its answers mean for what was to be told. Nothing is tried again here: the rows of what is still to be told decide
 * when. `there`: whether a message may be in Slack although no answer said so. Of an answer nothing but its error’s name is ever told.
 */
import type { types, webApi } from '@slack/bolt'
import type { Secret } from '../../domain/redact.ts'
import type { Outcome } from '../notification.ts'
import type { Card } from './blocks.ts'

export type Answer<T> =
  { ok: true; value: T } | { ok: false; error: string; outcome: Exclude<Outcome, { outcome: 'taken' | 'later' }>; there: boolean }
export type SlackApi = {
  post(channel: string, card: Card, key: string, threadTs?: string): Promise<Answer<string>>
  update(channel: string, ts: string, card: Card, key: string): Promise<Answer<null>>
  /** The ts of the message that was posted for this, if one was. */
  find(channel: string, key: string, since: Date, threadTs?: string): Promise<Answer<string | null>>
}
export type SlackApiOptions = {
  token: Secret
  url?: string | undefined
  timeoutMs?: number
  /** Cuts off what is under way. */ stop: AbortSignal
}

const eventType = 'falconer_card'
const mostPages = 5
/** Nothing that Slack finds in a text is made a mention, a link or a picture. */
const inert = { parse: 'none', link_names: false } as const

export function slackApi({ token, url, timeoutMs = 8_000, stop }: SlackApiOptions): SlackApi {
  let client: Promise<webApi.WebClient> | null = null
  const ask = async <T>(call: (web: webApi.WebClient) => Promise<T>): Promise<Answer<T>> => {
    try {
      return { ok: true, value: await call(await (client ??= connect(token, url, timeoutMs, stop))) }
    } catch (error) {
      return answerOf(error)
    }
  }
  const metadata = (key: string): types.MessageMetadata => ({ event_type: eventType, event_payload: { key } })
  return {
    post: (channel, card, key, threadTs) =>
      ask(async (web) => {
        const { text, blocks } = called(card)
        const thread = threadTs === undefined ? {} : { thread_ts: threadTs }
        const message = {
          channel,
          text,
          blocks,
          mrkdwn: false,
          ...inert,
          unfurl_links: false,
          unfurl_media: false,
          metadata: metadata(key),
          ...thread,
        }
        // Under another name: a linter takes it for a window’s postMessage.
        const send = web.chat.postMessage
        const answer = await send(message)
        return answer.ts ?? ''
      }),
    update: (channel, ts, { text, blocks }, key) =>
      ask(async (web) => {
        await web.chat.update({ channel, ts, text, blocks, ...inert, metadata: metadata(key) })
        return null
      }),
    find: (channel, key, since, threadTs) =>
      ask(async (web) => {
        const oldest = String(Math.floor(since.getTime() / 1_000) - 120)
        let cursor: string | undefined
        for (let page = 0; page < mostPages; page += 1) {
          const asked = { channel, oldest, limit: 200, include_all_metadata: true, ...(cursor === undefined ? {} : { cursor }) }
          const answer =
            threadTs === undefined ? await web.conversations.history(asked) : await web.conversations.replies({ ...asked, ts: threadTs })
          const found = (answer.messages ?? []).find((one) => isOurs(one, key))
          if (found?.ts !== undefined) return found.ts
          cursor = answer.response_metadata?.next_cursor
          if (cursor === undefined || cursor === '') break
        }
        return null
      }),
  }
}

function isOurs(message: { metadata?: unknown }, key: string): boolean {
  const metadata = message.metadata as Partial<types.MessageMetadata> | undefined
  return metadata?.event_type === eventType && metadata.event_payload?.['key'] === key
}

/** Whom the configuration has called, at the first post. */
function called({ text, blocks, mention }: Card): Pick<Card, 'text' | 'blocks'> {
  if (mention === undefined) return { text, blocks }
  const call: types.RichTextBlock = {
    type: 'rich_text',
    elements: [{ type: 'rich_text_section', elements: [{ type: 'broadcast', range: mention }] }],
  }
  return { text: `<!${mention}> ${text}`, blocks: [call, ...blocks] }
}

/** Loaded when first used: it is large. */
async function connect(token: Secret, url: string | undefined, timeout: number, stop: AbortSignal): Promise<webApi.WebClient> {
  const { webApi } = await import('@slack/bolt')
  const says = (): void => {}
  return new webApi.WebClient(token.reveal(), {
    ...(url === undefined ? {} : { slackApiUrl: url }),
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
    timeout,
    allowAbsoluteUrls: false,
    fetch: (to, init) =>
      fetch(to, { ...init, redirect: 'error', signal: AbortSignal.any([stop, ...(init?.signal == null ? [] : [init.signal])]) }),
    logger: { debug: says, info: says, warn: says, error: says, setLevel: says, getLevel: () => webApi.LogLevel.ERROR, setName: says },
  })
}

/** Errors of Slack that speak of this one message. Others will be answered to the next one in this channel too. */
const ofTheMessage: Readonly<Record<string, string>> = {
  invalid_blocks: 'the card is not what Slack takes',
  invalid_blocks_format: 'the card is not what Slack takes',
  invalid_arguments: 'the card is not what Slack takes',
  invalid_metadata_format: 'the card is not what Slack takes',
  msg_too_long: 'the card is too long for Slack',
  msg_blocks_too_long: 'the card is too long for Slack',
  no_text: 'the card holds nothing',
  message_not_found: 'the card was deleted in Slack',
  cant_update_message: 'the card is not of this app',
  edit_window_closed: 'the workspace lets nobody change messages that are so old',
  thread_not_found: 'the thread was deleted in Slack',
}
const ofTheChannel: Readonly<Record<string, string>> = {
  channel_not_found: 'Slack knows no such channel, or the app is not in it: /invite it there',
  not_in_channel: 'the app is not in the channel: /invite it there',
  is_archived: 'the channel is archived',
  restricted_action: 'the workspace does not let the app post in the channel',
  invalid_auth: 'Slack does not take the token (FALCONER_SLACK_BOT_TOKEN)',
  not_authed: 'Slack does not take the token (FALCONER_SLACK_BOT_TOKEN)',
  token_revoked: 'the token was revoked: install the app again (docs/slack.md)',
  token_expired: 'the token is over: install the app again (docs/slack.md)',
  account_inactive: 'the app was removed from the workspace: install it again (docs/slack.md)',
  missing_scope: 'the app lacks a scope: install it again with its manifest (docs/slack.md)',
}
/** Slack’s own trouble: whether it was posted is not said. */
const maybeThere: ReadonlySet<string> = new Set(['fatal_error', 'internal_error', 'service_unavailable', 'request_timeout'])

export function answerOf(thrown: unknown): Extract<Answer<never>, { ok: false }> {
  const { code, retryAfter, data, statusCode } = thrown as {
    code?: string
    retryAfter?: number
    data?: { error?: unknown }
    statusCode?: number
  }
  const away = (
    error: string,
    reason: string,
    there: boolean,
    retryAfterMs: number | null = null,
  ): Extract<Answer<never>, { ok: false }> => ({ ok: false, error, outcome: { outcome: 'away', reason, retryAfterMs }, there })
  if (code === 'slack_webapi_rate_limited_error') return away('ratelimited', 'Slack asks to wait (429)', false, (retryAfter ?? 1) * 1_000)
  if (code === 'slack_webapi_http_error') return away('http', `it answers ${Number(statusCode)}`, Number(statusCode) >= 500)
  if (code !== 'slack_webapi_platform_error') return away('unreachable', 'it cannot be reached, or did not answer in time', true)
  const error = typeof data?.error === 'string' && /^\w{1,60}$/.test(data.error) ? data.error : 'unknown'
  if (error in ofTheChannel) return away(error, `${ofTheChannel[error]} (${error})`, false)
  if (maybeThere.has(error)) return away(error, `Slack has trouble (${error})`, true)
  if (error === 'ratelimited' || error === 'rate_limited') return away(error, 'Slack asks to wait', false, 30_000)
  const reason = `${ofTheMessage[error] ?? 'Slack refuses it'} (${error})`
  return { ok: false, error, outcome: { outcome: 'refused', reason }, there: false }
}
