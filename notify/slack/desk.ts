/** What telling one channel of Slack needs; and posting there so that a crash or a lost answer makes no second message. */
import type { Clock } from '../../domain/clock.ts'
import type { Database } from '../../store/database.ts'
import { dropIntent, intendPost, noteSlackPost } from '../../store/slack-cards.ts'
import type { SlackMessage } from '../../store/slack.ts'
import type { Outcome } from '../notification.ts'
import type { SlackApi } from './api.ts'
import type { Arrivals } from './arrivals.ts'
import type { Card } from './blocks.ts'
import type { Pace } from './pace.ts'
import type { SlackRoutes } from './routes.ts'

export type Desk = {
  db: Database
  clock: Clock
  api: SlackApi
  pace: Pace
  /** Its id, C… */ channel: string
  /** Where what no route fits is told. */ fallback: string | null
  routes: SlackRoutes
  /** How people reach the pages. */ base: () => string
  /** New incidents here, and those of them that got a card. */ arrivals: Arrivals
}

export const taken: Outcome = { outcome: 'taken' }
export const later = (afterMs: number): Outcome => ({ outcome: 'later', afterMs })

/** Longer than a call may take: another server that began it has ended by then. */
const leaseMs = 30_000

export type Post = {
  /** The same for the same message, for ever. */ key: string
  card: Card
  threadTs?: string
  /** What is noted of it together with its being there. `found`: it was there already, and may show what it showed then. */
  rows(ts: string, found: boolean): SlackMessage[]
}

/** What was tried before and may have arrived is looked for first. */
export async function postOnce(
  { db, clock, api, pace, channel }: Pick<Desk, 'db' | 'clock' | 'api' | 'pace' | 'channel'>,
  { key, card, threadTs, rows }: Post,
): Promise<Outcome> {
  const wait = await pace.take('post', channel)
  if (wait > 0) return later(wait)
  const intent = { channel, key }
  const { triedAt, busy } = await intendPost(db, intent, clock.now(), leaseMs)
  if (busy) return later(leaseMs)
  if (triedAt !== null) {
    const looking = await pace.take('look', channel)
    if (looking > 0) return later(looking)
    const found = await api.find(channel, key, triedAt, threadTs)
    // Without the scope to look, a second message is better than none.
    if (!found.ok && found.error !== 'missing_scope') return found.outcome
    if (found.ok && found.value !== null) {
      await noteSlackPost(db, intent, rows(found.value, true), clock.now())
      return later(1)
    }
  }
  const posted = await api.post(channel, card, key, threadTs)
  if (!posted.ok) {
    if (!posted.there) await dropIntent(db, intent)
    return posted.outcome
  }
  await noteSlackPost(db, intent, rows(posted.value, false), clock.now())
  return taken
}
