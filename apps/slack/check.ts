/** Whether Slack takes the tokens, as what, and whether all the scopes are there. Changes nothing. */
import { webApi } from '@slack/bolt'
import type { Config } from '../../config/config.ts'
import { ConfigError, UpstreamError } from '../../domain/errors.ts'
import { plain } from '../../notify/slack/text.ts'
import { hearsSlack, slackSettings } from './app.ts'
import { botScopes } from './manifest.ts'

/** One line. Throws ConfigError saying what to do; UpstreamError where Slack does not answer, so that nobody knows. */
export async function slackCheck(config: Config): Promise<string | { note: string }> {
  const { bot, options } = slackSettings(config)
  const once = { ...options, retryConfig: { retries: 0 }, timeout: 10_000, rejectRateLimitedCalls: true, logger: noLogger }
  const us = await asked('FALCONER_SLACK_BOT_TOKEN', () => new webApi.WebClient(bot.reveal(), once).auth.test())
  const token = config.FALCONER_SLACK_APP_TOKEN
  if (token !== undefined)
    await asked('FALCONER_SLACK_APP_TOKEN', () => new webApi.WebClient(token.reveal(), once).apps.connections.open({}))
  const who = `${plain(us.user ?? '?', 80)} in ${plain(us.team ?? '?', 80)} (${plain(us.team_id ?? '?', 40)})`
  const words = `${who}, heard over ${token === undefined ? 'HTTP at /slack/events' : 'Socket Mode'}`
  const given = us.response_metadata?.scopes ?? []
  const missing = given.length === 0 ? [] : Object.keys(botScopes).filter((scope) => !given.includes(scope))
  if (missing.length > 0)
    return { note: `${words}; scopes that are missing: ${missing.join(', ')}. Install the app anew (falconer slack manifest)` }
  if (!hearsSlack(config))
    return { note: `${who} posts cards, but hears nothing: set FALCONER_SLACK_APP_TOKEN or FALCONER_SLACK_SIGNING_SECRET` }
  if (token === undefined && config.FALCONER_PUBLIC_URL === undefined)
    return { note: `${words}, but Slack reaches it only at FALCONER_PUBLIC_URL, which is not set` }
  return given.length === 0 ? { note: `${words}; Slack did not say which scopes it gave` } : words
}

/** What to do about a token that Slack does not take; others are told by Slack’s own word. */
const mend: Readonly<Record<string, string>> = {
  token_revoked: 'it was revoked. Install the app again and copy its new token',
  token_expired: 'it is over. Install the app again and copy its new token',
  account_inactive: 'the app was removed from the workspace, or switched off. Install it again',
  invalid_auth: 'Slack does not know it. Copy it again',
  not_allowed_token_type: 'it is a token of another kind. docs/slack.md says where each is found',
  missing_scope: 'it lacks a scope. docs/slack.md says which it needs',
}

async function asked<T>(name: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    const { code, data, message } = error as { code?: unknown; data?: { error?: unknown }; message?: string }
    if (code !== 'slack_webapi_platform_error' || typeof data?.error !== 'string')
      throw new UpstreamError(`Slack does not answer: ${plain(message ?? '', 200)}`, { cause: error, retryable: true })
    const [why, word] = [mend[data.error], plain(data.error, 60)]
    throw new ConfigError(`Slack does not take ${name}: ${why === undefined ? word : `${why} (${word})`}`, { cause: error })
  }
}

const nothing = (): void => {}
const noLogger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  setLevel: nothing,
  setName: nothing,
  getLevel: () => 'error' as never,
}
