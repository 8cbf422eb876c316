/**
 * Tells one channel of one incident: a card of its own that is changed in place, or a place in a summary when too much is new at once or people sleep. What is
 * critical always has a card. Each step begins from rows: whatever was cut off goes on where it was.
 */
import { severityId } from '../../domain/severity.ts'
import { addToDigest, inDigest, openDigests, recentInSlack, touchDigest } from '../../store/slack-cards.ts'
import { getSlackMessage, saveSlackMessage, type SlackMessage } from '../../store/slack.ts'
import type { IncidentFacts } from '../incident-facts.ts'
import type { Notification, Outcome } from '../notification.ts'
import { minuteMs } from './arrivals.ts'
import { type Card, shownHash } from './blocks.ts'
import { type Desk, later, postOnce, taken } from './desk.ts'
import { developments, isUrgent, type Told, toldOf } from './developments.ts'
import { incidentCard } from './incident-card.ts'
import { isQuiet } from './quiet.ts'
import { routedOf, routeOf } from './routes.ts'

/** What is kept of a card beside what it shows. `gone`: somebody deleted it in Slack; it is not forced on them again. */
export type CardData = { told: Told; replies: number; repliedAt: string | null; due: string | null; gone?: boolean }
export const dataOf = (message: SlackMessage): CardData => message.data as CardData

const owedMs = 1_000
const soonMs = 20_000
const calmMs = 5 * minuteMs

export async function tellIncident(desk: Desk, { facts, change }: Pick<Notification, 'facts' | 'change'>): Promise<Outcome> {
  const { db, clock, channel, routes, fallback } = desk
  const { incident } = facts
  const known = await getSlackMessage(db, 'incident', incident.id, channel)
  if (known !== undefined) return updateCard(desk, known, facts)
  const place = await placeOf(desk, facts, routeOf(routes, fallback, routedOf(facts, routes)).channel === channel && change !== 'closed')
  if (place === 'none') return taken
  if (place === 'known') {
    await touchDigest(db, channel, incident.id, clock.now())
    return taken
  }
  if (place === 'card') return postCard(desk, facts)
  await addToDigest(db, { channel, kind: place, incidentId: incident.id, severity: incident.severity }, clock.now())
  return taken
}

type Place = 'card' | 'storm' | 'quiet' | 'known' | 'none'

async function placeOf({ db, clock, channel, routes, arrivals }: Desk, { incident }: IncidentFacts, here: boolean): Promise<Place> {
  const now = clock.now()
  const { id, severity } = incident
  const quiet = isQuiet(routes.quiet, now)
  const before = await inDigest(db, channel, id)
  const grave = severityId(severity) >= severityId('high')
  if (before !== undefined) {
    const graver = severityId(severity) > severityId(before)
    return here && graver && grave && (severity === 'critical' || !quiet) ? 'card' : 'known'
  }
  if (!here) return 'none'
  await arrivals.load(() => recentInSlack(db, channel, new Date(now.getTime() - minuteMs)))
  arrivals.see(id, now)
  if (severity === 'critical') return 'card'
  if (quiet) return 'quiet'
  if (arrivals.seen(now) <= routes.stormPerMinute) return 'card'
  return grave && arrivals.carded(now) < routes.stormPerMinute ? 'card' : 'storm'
}

async function postCard(desk: Desk, facts: IncidentFacts): Promise<Outcome> {
  const { db, clock, channel, routes, arrivals } = desk
  const { id, severity } = facts.incident
  // A storm's summary that is still to be posted goes first.
  if (severity !== 'critical' && (await openDigests(db, channel)).some(({ kind, toldAt }) => kind === 'storm' && toldAt === null))
    return later(owedMs)
  const card = incidentCard(facts)
  const mention = routes.mention[severity]
  const data: CardData = { told: toldOf(facts, clock.now()), replies: 0, repliedAt: null, due: null }
  const outcome = await postOnce(desk, {
    key: `incident:${id}`,
    card: mention === undefined ? card : { ...card, mention },
    rows: (ts, found) => [{ kind: 'incident', about: id, channel, ts, shown: found ? '' : shownHash(card), data }],
  })
  if (outcome.outcome === 'taken') arrivals.card(id, clock.now())
  return outcome
}

async function updateCard(desk: Desk, known: SlackMessage, facts: IncidentFacts): Promise<Outcome> {
  const { db, clock } = desk
  const data = dataOf(known)
  if (data.gone === true) return taken
  const card = incidentCard(facts)
  const changed = await changeCard(desk, known, card, `incident:${known.about}`)
  if (changed.outcome !== 'taken') return changed
  const now = clock.now()
  const gone = 'gone' in changed
  const due = gone || developments(data.told, facts, now) === null ? null : dueAt(data, facts, now)
  await saveSlackMessage(db, { ...known, shown: shownHash(card), data: { ...data, due, ...(gone ? { gone } : {}) } }, now)
  return taken
}

/** Changes a message to show this, if it does not. */
export async function changeCard(
  { api, pace, channel }: Desk,
  { ts, shown }: SlackMessage,
  card: Card,
  key: string,
): Promise<Outcome | { outcome: 'taken'; gone: true }> {
  if (shown === shownHash(card)) return taken
  const wait = await pace.take('update', channel)
  if (wait > 0) return later(wait)
  const answer = await api.update(channel, ts, card, key)
  if (answer.ok) return taken
  return answer.error === 'message_not_found' ? { outcome: 'taken', gone: true } : answer.outcome
}

/** What was due keeps its time, unless what came since is more urgent. */
function dueAt({ told, repliedAt, due }: CardData, facts: IncidentFacts, now: Date): string {
  const last = Date.parse(repliedAt ?? told.at)
  const at = isUrgent(told, facts) ? Math.max(now.getTime(), last + soonMs) : Math.max(now.getTime(), last + calmMs)
  const wanted = new Date(at).toISOString()
  return due !== null && due < wanted ? due : wanted
}
