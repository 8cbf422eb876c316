/** Whom this server tells of incidents, from its configuration, and the work of telling them. */
import { randomUUID } from 'node:crypto'
import { deliver, type Delivery } from '../../notify/deliver.ts'
import { slackChannel } from '../../notify/channels/slack.ts'
import { webhook } from '../../notify/channels/webhook.ts'
import { tellNotes } from '../../notify/notes.ts'
import type { Channel } from '../../notify/notification.ts'
import { slackApi } from '../../notify/slack/api.ts'
import { pacing } from '../../notify/slack/pace.ts'
import { channelsIn, loadSlackRoutes } from '../../notify/slack/routes.ts'
import { tend } from '../../notify/tend.ts'
import { setDestinations } from '../../store/incident-notices.ts'
import type { Falconer } from './falconer.ts'
import { baseUrl } from './urls.ts'

const hourMs = 3_600_000

/** Who is named in the configuration is told from now on, who no longer is no more. Answers one round of telling all of them. */
export async function startTelling(falconer: Falconer, stop: AbortSignal): Promise<() => Promise<boolean>> {
  const { db, clock, log } = falconer
  const channels = [...webhooksOf(falconer), ...slackChannelsOf(falconer, stop)]
  const holder = randomUUID()
  const names = channels.map(({ name }) => name)
  const alone = db.kind === 'embedded'
  await setDestinations(db, names, clock.now(), { alone })
  let namedAt = clock.now().getTime()
  const deliveryTo = (channel: Channel): Delivery => ({
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
  // Cards before what is said of them.
  const tell = async (channel: Channel): Promise<boolean> => {
    const more = await deliver(deliveryTo(channel))
    return (await tend(deliveryTo(channel), falconer.responses.policy)) || more
  }
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

function webhooksOf(falconer: Falconer): Channel[] {
  const { FALCONER_WEBHOOK_URL: url, FALCONER_WEBHOOK_SECRET: secret = null } = falconer.config
  return url === undefined ? [] : [webhook({ url, secret, source: () => baseUrl(falconer), clock: falconer.clock })]
}

/** Every channel of Slack that a route or the default names is a destination of its own: one that is archived keeps no other waiting. */
function slackChannelsOf(falconer: Falconer, stop: AbortSignal): Channel[] {
  const { config, db, clock } = falconer
  const {
    FALCONER_SLACK_BOT_TOKEN: token,
    FALCONER_SLACK_API_URL: url,
    FALCONER_SLACK_CHANNEL: fallback = null,
    FALCONER_SLACK_ROUTES: path,
  } = config
  if (token === undefined) return []
  const routes = loadSlackRoutes(path)
  const api = slackApi({ token, stop, ...(url === undefined ? {} : { url }) })
  const pace = pacing(db, clock)
  const base = (): string => baseUrl(falconer)
  return channelsIn(routes, fallback).map((channel) => slackChannel({ db, clock, api, pace, channel, fallback, routes, base }))
}
