/**
 * Falconer in Slack: Bolt’s app, heard over Socket Mode or over HTTP, in one workspace. A view of the record and a way to it: everything it shows and does goes
 * by what the page and the API call, as the person who was linked, with their role of now. That Slack is away stops nothing else.
 */
import { App, webApi } from '@slack/bolt'
import type { Config } from '../../config/config.ts'
import { ConfigError } from '../../domain/errors.ts'
import { forgetSlackSeen } from '../../store/slack.ts'
import type { Falconer } from '../server/falconer.ts'
import { showLeftOver } from './ask.ts'
import { hearCommand } from './command.ts'
import { hearDecisions } from './decide.ts'
import { HttpReceiver } from './http-receiver.ts'
import { hearIncidentButtons } from './incident-buttons.ts'
import { boltLogger } from './logger.ts'
import { onlyOnce } from './once.ts'
import type { Parts } from './parts.ts'
import { hearQuestions } from './questions.ts'
import { type Connection, socketConnection } from './socket.ts'

export type SlackApp = {
  /** A request at /slack/events. Null: Slack is heard over Socket Mode. */ receive: ((request: Request) => Promise<Response>) | null
  connected(): boolean
  /** Resolves when all that was heard is answered. */ settle(): Promise<void>
  stop(): Promise<void>
}

const rememberedMs = 3 * 86_400_000
const tidyEveryMs = 60_000

/** Throws ConfigError; nothing else, whatever Slack does. */
export async function startSlack(falconer: Falconer, { stepMs = 1_500 } = {}): Promise<SlackApp> {
  const { config, db, clock, log } = falconer
  const { bot, options } = slackSettings(config)
  const stopping = new AbortController()
  const works = new Set<Promise<unknown>>()
  const working = (work: Promise<unknown>): void => {
    const kept = work
      .catch((error: unknown) => log.warn('Slack: an answer was not given', { error: messageOf(error) }))
      .finally(() => works.delete(kept))
    works.add(kept)
  }
  const client = new webApi.WebClient(bot.reveal(), { ...options, logger: boltLogger(log) })
  const socket = config.FALCONER_SLACK_APP_TOKEN === undefined ? null : socketConnection(config.FALCONER_SLACK_APP_TOKEN, options, log)
  const secret = config.FALCONER_SLACK_SIGNING_SECRET
  const http = socket !== null || secret === undefined ? null : new HttpReceiver({ db, clock, secret, working })
  const app = boltApp(falconer, client, bot.reveal(), options, socket?.receiver ?? http)
  const parts: Parts = { falconer, client, stepMs, working, stop: stopping.signal }
  app.use(onlyOnce(falconer))
  hearCommand(app, parts)
  hearDecisions(app, parts)
  hearIncidentButtons(app, parts)
  hearQuestions(app, parts)
  const tidy = async (): Promise<void> => {
    await forgetSlackSeen(db, new Date(clock.now().getTime() - rememberedMs))
    await showLeftOver(parts)
  }
  working(tidy())
  const tidying = setInterval(() => working(tidy()), tidyEveryMs)
  const open = socket === null ? Promise.resolve() : socket.run(stopping.signal)
  // What was heard may begin more work.
  const settle = async (): Promise<void> => {
    while (works.size > 0) await Promise.all(works)
  }
  return {
    receive: http === null ? null : (request) => http.receive(request),
    connected: () => socket?.connected() ?? true,
    settle,
    stop: async () => {
      clearInterval(tidying)
      stopping.abort()
      await open
      await settle()
    },
  }
}

/** Whether Slack is heard too; else cards are posted, and nothing comes back. */
export const hearsSlack = (config: Config): boolean =>
  config.FALCONER_SLACK_APP_TOKEN !== undefined || config.FALCONER_SLACK_SIGNING_SECRET !== undefined

/** Throws ConfigError naming what is missing. */
export function slackSettings({ FALCONER_SLACK_BOT_TOKEN: bot, FALCONER_SLACK_API_URL: url }: Config) {
  if (bot === undefined) throw new ConfigError('FALCONER_SLACK_BOT_TOKEN is not set: docs/slack.md says where it is found.')
  const options: webApi.WebClientOptions = {
    retryConfig: { retries: 4, minTimeout: 500, maxTimeout: 8_000 },
    timeout: 15_000,
    ...(url === undefined ? {} : { slackApiUrl: url.endsWith('/') ? url : `${url}/` }),
  }
  return { bot, options }
}

function boltApp(
  { log }: Falconer,
  client: webApi.WebClient,
  token: string,
  clientOptions: webApi.WebClientOptions,
  receiver: Connection['receiver'] | HttpReceiver | null,
): App {
  if (receiver === null)
    throw new ConfigError('Slack cannot be heard: set FALCONER_SLACK_APP_TOKEN (Socket Mode) or FALCONER_SLACK_SIGNING_SECRET (HTTP).')
  const us = ourselves(client)
  const app = new App({
    receiver,
    clientOptions,
    logger: boltLogger(log),
    convoStore: false,
    authorize: async ({ teamId }) => {
      const { team, botUserId, botId } = await us()
      if (teamId !== team) throw new Error('It comes from another workspace than the one that Falconer is installed in')
      return { botToken: token, botUserId, botId, teamId: team }
    },
  })
  app.error(async (error) =>
    log.warn('Slack: what was heard was not done', { code: error.code, error: messageOf(error.original ?? error) }),
  )
  return app
}

/** Which workspace, and which user of it, this token is. Asked once; again when it could not be told. */
function ourselves(client: webApi.WebClient): () => Promise<{ team: string; botUserId: string; botId: string }> {
  let known: Promise<{ team: string; botUserId: string; botId: string }> | undefined
  return () =>
    (known ??= client.auth
      .test()
      .then(({ team_id: team = '', user_id: botUserId = '', bot_id: botId = '' }) => ({ team, botUserId, botId }))
      .catch((error: unknown) => {
        known = undefined
        throw error
      }))
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
