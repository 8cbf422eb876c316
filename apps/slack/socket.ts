/**
 * Keeps a Socket Mode connection: opened again whenever it is gone, ever later while Slack does not take it, at once when Slack asks for another. Bolt’s
 * own way of doing that ends the process when Slack refuses the token, so that it is ours.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { SocketModeReceiver, type webApi } from '@slack/bolt'
import type { Secret } from '../../domain/redact.ts'
import type { Log } from '../server/log.ts'
import type { Hearing } from './hearing.ts'
import { boltLogger } from './logger.ts'

const longestWaitMs = 60_000

export type Connection = { receiver: SocketModeReceiver; run(stop: AbortSignal): Promise<void>; connected(): boolean }

export function socketConnection(token: Secret, clientOptions: webApi.WebClientOptions, log: Log, hearing: Hearing): Connection {
  const receiver = new SocketModeReceiver({
    appToken: token.reveal(),
    logger: boltLogger(log),
    autoReconnectEnabled: false,
    installerOptions: { clientOptions: { ...clientOptions, retryConfig: { retries: 0 } } },
  })
  let connected = false
  hearing.begin()
  receiver.client.on('connected', () => {
    connected = true
    hearing.heard()
    log.info('Slack is heard over Socket Mode')
  })
  receiver.client.on('disconnected', () => {
    if (connected) hearing.unheard()
    connected = false
  })
  return { receiver, connected: () => connected, run: (stop) => keepOpen(receiver, stop, log, hearing) }
}

async function keepOpen(receiver: SocketModeReceiver, stop: AbortSignal, log: Log, hearing: Hearing): Promise<void> {
  for (let failures = 0; !stop.aborted;) {
    const gone = Promise.withResolvers<void>()
    const end = (): void => gone.resolve()
    receiver.client.once('disconnected', end)
    stop.addEventListener('abort', end)
    try {
      await receiver.start()
      failures = 0
      if (!stop.aborted) await gone.promise
      if (stop.aborted) return await receiver.stop().catch(() => {})
    } catch (error) {
      failures += 1
      hearing.unheard(error)
      log.warn('Slack cannot be heard; it is tried again', {
        error: (error as Error | undefined)?.message ?? 'the connection was closed',
        failures,
      })
    } finally {
      receiver.client.off('disconnected', end)
      stop.removeEventListener('abort', end)
    }
    await sleep(Math.min(longestWaitMs, 250 * 2 ** Math.min(failures, 10)), undefined, { signal: stop }).catch(() => {})
  }
}
