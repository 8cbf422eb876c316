/** `falconer slack serve`: Slack alone, on the data of a server that runs elsewhere. It plans and executes nothing: what people approve, that server runs. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Config, loadConfig } from '../../config/config.ts'
import { ConfigError, UpstreamError } from '../../domain/errors.ts'
import { composeFalconer, type Falconer } from '../server/falconer.ts'
import { startTelling } from '../server/destinations.ts'
import { listen } from '../server/listen.ts'
import { baseUrl } from '../server/urls.ts'
import { slackAlone } from '../slack/alone.ts'
import { startSlack } from '../slack/app.ts'
import { slackCheck } from '../slack/check.ts'
import type { Overrides } from './command.ts'
import { print, safe } from './output.ts'
import { stopped, stopSignal } from './stop.ts'

const restMs = 1_000

export async function serveSlack(overrides: Overrides): Promise<void> {
  const signal = stopSignal()
  const config = loadConfig(overrides)
  const heard = await heardAs(config)
  const falconer = await composeFalconer(config, { as: 'command' })
  try {
    await serveUntil(falconer, heard, signal)
  } finally {
    await falconer.close()
  }
}

async function serveUntil(falconer: Falconer, heard: string, signal: AbortSignal): Promise<void> {
  const slack = await startSlack(falconer)
  falconer.slack = slack
  const stopping = new AbortController()
  let telling = Promise.resolve()
  try {
    const server = slack.receive === null ? null : await listen(falconer, slackAlone(falconer))
    telling = tellOn(falconer, stopping.signal)
    print(whatItDoes(falconer, heard, server?.port ?? null))
    await stopped(signal)
    print('Stopping.')
    await server?.close()
  } finally {
    stopping.abort()
    await Promise.all([slack.stop(), telling])
  }
}

/** Throws ConfigError: with tokens that Slack does not take nothing is left to do here. */
async function heardAs(config: Config): Promise<string> {
  if (config.DATABASE_URL === undefined)
    throw new ConfigError(
      '“falconer slack serve” works beside a server on the same Postgres: set DATABASE_URL as there. On an embedded database “falconer serve” is in Slack itself.',
    )
  try {
    const found = await slackCheck(config)
    return typeof found === 'string' ? found : found.note
  } catch (error) {
    if (error instanceof UpstreamError) return `${error.message}. It is tried again`
    throw error
  }
}

function whatItDoes(falconer: Falconer, heard: string, port: number | null): string {
  const { FALCONER_PUBLIC_URL, FALCONER_HOST, FALCONER_SLACK_CHANNEL, FALCONER_SLACK_ROUTES } = falconer.config
  const cards =
    (FALCONER_SLACK_CHANNEL ?? FALCONER_SLACK_ROUTES) === undefined ? 'none: FALCONER_SLACK_CHANNEL is not set' : 'told from here'
  const elsewhere = FALCONER_PUBLIC_URL === undefined ? '. Set FALCONER_PUBLIC_URL to where the pages are' : ''
  return [
    '',
    'Falconer serves Slack, and nothing else',
    `  Slack    ${safe(heard, 400)}`,
    ...(port === null ? [] : [`  Listens  on ${FALCONER_HOST} port ${port}, at /slack/events`]),
    `  Cards    ${cards}`,
    `  Links    lead to ${baseUrl(falconer)}${elsewhere}`,
    '',
    'What people approve is run by the server on the same Postgres. Ctrl-C stops this.',
    '',
  ].join('\n')
}

/** Cards, as the loop of a server tells them. */
async function tellOn(falconer: Falconer, stop: AbortSignal): Promise<void> {
  const tell = await startTelling(falconer, stop)
  while (!stop.aborted) {
    const more = await tell().catch((error: unknown) => {
      falconer.log.error('work failed', { loop: 'tell', error })
      return false
    })
    if (!more) await sleep(restMs, undefined, { signal: stop }).catch(() => {})
  }
}
