/**
 * Falconer in Slack: Bolt’s app, heard over Socket Mode or over HTTP, in one workspace. A view of the record and a way to it: everything it shows and does goes
 * by what the page and the API call, as the person who was linked, with their role of now. That Slack is away stops nothing else.
 */
import { webApi } from '@slack/bolt'
import type { Config } from '../../config/config.ts'
import { ConfigError } from '../../domain/errors.ts'
import { slackApi } from '../../notify/slack/api.ts'
import { forgetSlackSeen } from '../../store/slack.ts'
import type { Falconer } from '../server/falconer.ts'
import type { Log } from '../server/log.ts'
import { boltApp, ourselves } from './bolt-app.ts'
import { hearCommand } from './command.ts'
import { hearDecisions } from './decide.ts'
import { noteHearing } from './hearing.ts'
import { HttpReceiver } from './http-receiver.ts'
import { Inbox } from './inbox.ts'
import { hearIncidentButtons } from './incident-buttons.ts'
import { boltLogger } from './logger.ts'
import { onlyOnce } from './once.ts'
import type { Parts } from './parts.ts'
import { answerHeard, offerQuestions } from './questions.ts'
import { socketConnection } from './socket.ts'

export type SlackApp = {
  /** A request at /slack/events. Null: Slack is heard over Socket Mode. */ receive: ((request: Request) => Promise<Response>) | null
  connected(): boolean
  /** Resolves when all that was heard is answered. */ settle(): Promise<void>
  stop(): Promise<void>
}

const rememberedMs = 3 * 86_400_000
const tidyEveryMs = 60_000

/** Throws ConfigError, whatever Slack does. */
export async function startSlack(falconer: Falconer, { stepMs = 1_500 } = {}): Promise<SlackApp> {
  const { config, db, clock, log } = falconer
  const { bot, options } = slackSettings(config)
  const stopping = new AbortController()
  const { working, settle } = unfinished(log)
  const { FALCONER_SLACK_APP_TOKEN: appToken, FALCONER_SLACK_SIGNING_SECRET: secret } = config
  const hearing = noteHearing(falconer, working)
  const socket = appToken === undefined ? null : socketConnection(appToken, options, log, hearing)
  const http = socket !== null || secret === undefined ? null : new HttpReceiver({ db, clock, secret, working })
  // Tried once: of questions rows say when they are tried again, a form can be opened for three seconds, and an end waits for what is on its way.
  const once = { retryConfig: { retries: 0 }, rejectRateLimitedCalls: true, timeout: 8_000 }
  const client = new webApi.WebClient(bot.reveal(), { ...options, ...once, logger: boltLogger(log) })
  const parts: Parts = { falconer, client, stepMs, working, stop: stopping.signal }
  const us = ourselves(client)
  const api = slackApi({ token: bot, stop: stopping.signal, url: options.slackApiUrl })
  const inbox = new Inbox(parts, (heard, begun) => answerHeard({ parts, us, api }, heard, begun))
  const app = boltApp({ inbox, us, token: bot.reveal(), clientOptions: options, log }, socket?.receiver ?? http)
  app.use(onlyOnce(falconer))
  hearCommand(app, parts)
  hearDecisions(app, parts)
  hearIncidentButtons(app, parts)
  offerQuestions(app)
  await inbox.start()
  const tidying = setInterval(() => working(forgetSlackSeen(db, new Date(clock.now().getTime() - rememberedMs))), tidyEveryMs)
  const open = socket?.run(stopping.signal)
  return {
    receive: http === null ? null : (request) => http.receive(request),
    connected: () => socket?.connected() ?? true,
    settle,
    stop: async () => {
      clearInterval(tidying)
      inbox.stop()
      stopping.abort()
      await open
      hearing.stop()
      await settle()
    },
  }
}

/** What goes on after Slack was answered. */
function unfinished(log: Log): { working: Parts['working']; settle(): Promise<void> } {
  const works = new Set<Promise<unknown>>()
  return {
    working: (work) => {
      const kept = work
        .catch((error: unknown) =>
          log.warn('Slack: an answer was not given', { error: error instanceof Error ? error.message : String(error) }),
        )
        .finally(() => works.delete(kept))
      works.add(kept)
    },
    // What was heard may begin more work.
    settle: async () => {
      while (works.size > 0) await Promise.all(works)
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
