/**
 * Bolt’s app, except for what it does with events: it acknowledges one before anybody hears it, and whatever becomes of it. A question is kept first: what cannot
 * be is not acknowledged, and Slack sends it again. All else is heard in one workspace alone.
 */
import { App, type Receiver, type ReceiverEvent, type webApi } from '@slack/bolt'
import { ConfigError } from '../../domain/errors.ts'
import type { Log } from '../server/log.ts'
import type { Inbox } from './inbox.ts'
import { boltLogger } from './logger.ts'
import { questionIn } from './questions.ts'

export type BoltOptions = { inbox: Inbox; us(): Promise<Us>; token: string; clientOptions: webApi.WebClientOptions; log: Log }

/** Throws ConfigError. */
export function boltApp({ inbox, us, token, clientOptions, log }: BoltOptions, receiver: Receiver | null): App {
  if (receiver === null)
    throw new ConfigError('Slack cannot be heard: set FALCONER_SLACK_APP_TOKEN (Socket Mode) or FALCONER_SLACK_SIGNING_SECRET (HTTP).')
  const app = new KeepingApp({
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
  app.inbox = inbox
  app.error(async (error) => {
    const { message } = error.original ?? error
    log.warn('Slack: what was heard was not done', { code: error.code, error: message })
  })
  return app
}

class KeepingApp extends App {
  inbox: Inbox | null = null
  override async processEvent(event: ReceiverEvent): Promise<void> {
    const question = questionIn(event.body)
    if (question === null || this.inbox === null) return super.processEvent(event)
    await this.inbox.keep(question)
    await event.ack()
    this.inbox.look()
  }
}

export type Us = { team: string; botUserId: string; botId: string }

/** Which workspace, and which user of it, this token is. Asked once; again when it could not be told. */
export function ourselves(client: webApi.WebClient): () => Promise<Us> {
  let known: Promise<Us> | undefined
  return () =>
    (known ??= client.auth
      .test()
      .then(({ team_id: team = '', user_id: botUserId = '', bot_id: botId = '' }) => ({ team, botUserId, botId }))
      .catch((error: unknown) => {
        known = undefined
        throw error
      }))
}
