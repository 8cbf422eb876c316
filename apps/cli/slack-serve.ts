/** `falconer slack serve`: Slack alone, on the data of a server that runs elsewhere. It plans and executes nothing: what people approve, that server runs. */
import { setTimeout as sleep } from 'node:timers/promises'
import { loadConfig } from '../../config/config.ts'
import { composeFalconer, type Falconer } from '../server/falconer.ts'
import { startTelling } from '../server/destinations.ts'
import { listen } from '../server/listen.ts'
import { startSlack } from '../slack/app.ts'
import type { Overrides } from './command.ts'
import { print } from './output.ts'
import { stopped, stopSignal } from './stop.ts'

const restMs = 1_000

export async function serveSlack(overrides: Overrides): Promise<void> {
  const signal = stopSignal()
  const falconer = await composeFalconer(loadConfig(overrides), { as: 'command' })
  const stopping = new AbortController()
  try {
    const slack = await startSlack(falconer)
    falconer.slack = slack
    const server = slack.receive === null ? null : await listen(falconer)
    const telling = tellOn(falconer, stopping.signal)
    print(
      server === null
        ? 'Slack is served over Socket Mode. Ctrl-C stops it.'
        : `Slack is served at ${server.url}/slack/events. Ctrl-C stops it.`,
    )
    await stopped(signal)
    print('Stopping.')
    stopping.abort()
    await server?.close()
    await slack.stop()
    await telling
  } finally {
    stopping.abort()
    await falconer.close()
  }
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
