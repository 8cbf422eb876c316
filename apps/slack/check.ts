/** Whether Slack takes the tokens, as what, and whether all the scopes are there. Changes nothing. */
import { webApi } from '@slack/bolt'
import type { Config } from '../../config/config.ts'
import { ConfigError } from '../../domain/errors.ts'
import { plain } from '../../notify/slack/text.ts'
import { hearsSlack, slackSettings } from './app.ts'
import { botScopes } from './manifest.ts'

/** One line. Throws ConfigError saying what to do. */
export async function slackCheck(config: Config): Promise<string | { note: string }> {
  const { bot, options } = slackSettings(config)
  const silent = { ...options, retryConfig: { retries: 1 }, logger: noLogger }
  const us = await asked('FALCONER_SLACK_BOT_TOKEN', () => new webApi.WebClient(bot.reveal(), silent).auth.test())
  const by = config.FALCONER_SLACK_APP_TOKEN === undefined ? 'HTTP at /slack/events' : 'Socket Mode'
  const token = config.FALCONER_SLACK_APP_TOKEN
  if (token !== undefined)
    await asked('FALCONER_SLACK_APP_TOKEN', () => new webApi.WebClient(token.reveal(), silent).apps.connections.open({}))
  const words = `${plain(us.user ?? '?', 80)} in ${plain(us.team ?? '?', 80)} (${plain(us.team_id ?? '?', 40)}), heard over ${by}`
  const given = us.response_metadata?.scopes ?? []
  const missing = given.length === 0 ? [] : Object.keys(botScopes).filter((scope) => !given.includes(scope))
  if (missing.length > 0)
    return { note: `${words}; scopes that are missing: ${missing.join(', ')}. Install the app anew (falconer slack manifest)` }
  if (!hearsSlack(config))
    return {
      note: `${plain(us.user ?? '?', 80)} in ${plain(us.team ?? '?', 80)} posts cards, but hears nothing: set FALCONER_SLACK_APP_TOKEN or FALCONER_SLACK_SIGNING_SECRET`,
    }
  if (token === undefined && config.FALCONER_PUBLIC_URL === undefined)
    return { note: `${words}, but Slack reaches it only at FALCONER_PUBLIC_URL, which is not set` }
  return words
}

async function asked<T>(name: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    const why = (error as { data?: { error?: string } }).data?.error ?? (error as Error).message
    throw new ConfigError(`Slack does not take ${name}: ${plain(why, 200)}`, { cause: error })
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
