/** Whom this server tells of incidents, from its configuration, and the work of telling them. */
import { randomUUID } from 'node:crypto'
import { deliver } from '../../notify/deliver.ts'
import { webhook } from '../../notify/channels/webhook.ts'
import { tellNotes } from '../../notify/notes.ts'
import type { Channel } from '../../notify/notification.ts'
import { setDestinations } from '../../store/incident-notices.ts'
import type { Falconer } from './falconer.ts'
import { baseUrl } from './urls.ts'

const hourMs = 3_600_000

/** Who is named in the configuration is told from now on, who no longer is no more. Answers one round of telling all of them. */
export async function startTelling(falconer: Falconer, stop: AbortSignal): Promise<() => Promise<boolean>> {
  const { db, clock, log } = falconer
  const channels = channelsOf(falconer)
  const holder = randomUUID()
  const names = channels.map(({ name }) => name)
  const alone = db.kind === 'embedded'
  await setDestinations(db, names, clock.now(), { alone })
  let namedAt = clock.now().getTime()
  const tell = (channel: Channel): Promise<boolean> =>
    deliver({
      db,
      clock,
      channel,
      holder,
      base: baseUrl(falconer),
      stop,
      told: ({ error, failures, nextAt }) => {
        const about = { destination: channel.name }
        if (error === null) log.info('a destination takes incidents again', about)
        else log.warn('a destination does not take incidents; they wait', { ...about, error, failures, nextTryAt: nextAt?.toISOString() })
      },
    })
  return async () => {
    const now = clock.now()
    if (names.length > 0 && now.getTime() - namedAt > hourMs) {
      namedAt = now.getTime()
      await setDestinations(db, names, now, { alone: false })
    }
    await Promise.all(channels.map((channel) => tellNotes({ db, clock, channel, stop })))
    const more = await Promise.allSettled(channels.map(tell))
    for (const one of more) if (one.status === 'rejected') throw one.reason
    return more.some((one) => one.status === 'fulfilled' && one.value)
  }
}

function channelsOf(falconer: Falconer): Channel[] {
  const { FALCONER_WEBHOOK_URL: url, FALCONER_WEBHOOK_SECRET: secret = null } = falconer.config
  return url === undefined ? [] : [webhook({ url, secret, source: () => baseUrl(falconer), clock: falconer.clock })]
}
