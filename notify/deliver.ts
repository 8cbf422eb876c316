/**
 * Tells destinations what is still to be told. At least once and in order per incident: nothing is taken off the list before the destination has
 * it, an incident is on its way once at a time. A destination that is away is tried ever less often, by the times kept in rows, so that
 * neither a restart nor a second server tries more often; one event that is refused alone keeps no other waiting.
 */
import type { Clock } from '../domain/clock.ts'
import type { Database } from '../store/database.ts'
import {
  type DueNotice,
  dueNotices,
  holdDestination,
  noteFailing,
  noteLater,
  noteRefused,
  noteTaken,
  noteWell,
} from '../store/incident-notices.ts'
import { incidentsById } from '../store/incidents.ts'
import { backOff, failingMs, holdMs, later } from './back-off.ts'
import { factsOfIncidents, type IncidentFacts } from './incident-facts.ts'
import type { Channel, Outcome } from './notification.ts'

export type Delivery = {
  db: Database
  clock: Clock
  channel: Channel
  /** Of this process. */ holder: string
  base: string
  stop: AbortSignal
  /** A destination failed, each time it does; `error` null: it takes again. */ told(change: {
    error: string | null
    failures: number
    nextAt: Date | null
  }): void
}

const atOnce = 8
/** News of an incident that goes on and on is told together. */
const calmMs = 10_000
const mostRefusedMs = 3_600_000

type Sent = { notice: DueNotice; outcome: Outcome }

/** One round. True: there may be more to tell at once. */
export async function deliver(delivery: Delivery): Promise<boolean> {
  const { db, clock, channel, holder, base, stop } = delivery
  const held = await holdDestination(db, { name: channel.name, by: holder, now: clock.now(), forMs: holdMs })
  if (held === null) return false
  const due = await dueNotices(db, { destination: channel.name, now: clock.now(), limit: atOnce })
  const recorded = await incidentsById(
    db,
    due.map(({ incidentId }) => incidentId),
  )
  const facts = new Map((await factsOfIncidents(db, recorded, base)).map((one) => [one.incident.id, one]))
  const sent = (await Promise.all(due.map((notice) => tell(delivery, notice, facts.get(notice.incidentId))))).filter((one) => one !== null)
  if (sent.length > 0 && !stop.aborted) return judge(delivery, held.failures, sent)
  return due.length > 0 && !stop.aborted
}

/** Null: there is nothing to say of it, or our own end cut it off: then it is sent again, under the same id. */
async function tell({ db, clock, channel, stop }: Delivery, notice: DueNotice, facts: IncidentFacts | undefined): Promise<Sent | null> {
  const { incidentId, version, change, told, ended } = notice
  const place = { destination: channel.name, incidentId }
  // Merged away before anybody heard of it.
  if (facts === undefined || (told === null && facts.incident.mergedInto !== null)) {
    await noteTaken(db, { ...place, version, told, nextAt: clock.now() })
    return null
  }
  const outcome = await channel.send({ id: `${incidentId}.${version}.${change}`, change, version, facts }, stop)
  if (outcome.outcome === 'taken') {
    const known = change === 'closed' || (change === 'updated' && told === 'closed' && ended) ? 'closed' : 'open'
    // Of one that ended before it was told of, or while it was, the end is still to be told.
    await noteTaken(db, { ...place, version, told: known, nextAt: later(clock, calmMs), more: ended && known === 'open' })
  }
  return stop.aborted && outcome.outcome !== 'taken' ? null : { notice, outcome }
}

/** What a round says of the destination. One that takes some and fails at others is not away: those others stand back alone. */
async function judge({ db, clock, channel, told }: Delivery, failures: number, sent: readonly Sent[]): Promise<boolean> {
  const taken = sent.filter(({ outcome }) => outcome.outcome === 'taken').length
  const away = sent.flatMap(({ outcome }) => (outcome.outcome === 'away' ? [outcome] : []))
  const asked = Math.max(0, ...away.map(({ retryAfterMs }) => retryAfterMs ?? 0))
  const isAway = away.length > 0 && (taken === 0 || asked > 0)
  for (const { notice, outcome } of sent)
    if (outcome.outcome === 'refused' || (outcome.outcome === 'away' && !isAway))
      await noteRefused(db, {
        destination: channel.name,
        incidentId: notice.incidentId,
        reason: outcome.reason,
        nextAt: later(clock, backOff(notice.attempts, mostRefusedMs)),
      })
  for (const { notice, outcome } of sent)
    if (outcome.outcome === 'later')
      await noteLater(db, { destination: channel.name, incidentId: notice.incidentId }, later(clock, outcome.afterMs))
  if (!isAway) {
    // Who only waits for its turn has not answered.
    if (taken === 0 && failures > 0 && sent.every(({ outcome }) => outcome.outcome === 'later')) return true
    await noteWell(db, channel.name, taken, clock.now())
    if (failures > 0) told({ error: null, failures: 0, nextAt: null })
    return true
  }
  const nextAt = later(clock, failingMs(failures, asked))
  const reason = away[0]?.reason ?? ''
  await noteFailing(db, { name: channel.name, reason, taken, at: clock.now(), nextAt })
  told({ error: reason, failures: failures + 1, nextAt })
  return false
}
