/** What Slack sends again is heard once: an event by its id, a click, a form and a command by their trigger. Kept in rows, so that a restart and a second server know too. */
import { createHash } from 'node:crypto'
import type { AnyMiddlewareArgs, Middleware } from '@slack/bolt'
import { canonicalJson } from '../../domain/canonical-json.ts'
import { noteSlackSeen } from '../../store/slack.ts'
import type { Falconer } from '../server/falconer.ts'

export const onlyOnce =
  ({ db, clock }: Pick<Falconer, 'db' | 'clock'>): Middleware<AnyMiddlewareArgs> =>
  async ({ body, ack, next }) => {
    if (await noteSlackSeen(db, nameOf(body as Record<string, unknown>), clock.now())) return next()
    await (ack as (() => Promise<void>) | undefined)?.()
  }

function nameOf(body: Record<string, unknown>): string {
  if (typeof body.event_id === 'string') return `event/${body.event_id}`
  if (typeof body.trigger_id === 'string') return `trigger/${body.trigger_id}`
  return `body/${createHash('sha256').update(canonicalJson(body)).digest('hex')}`
}
