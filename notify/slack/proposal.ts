/** Tells one channel of one proposal: a card that shows what it is now. One that was over before anybody here heard of it, and did nothing, is not told. */
import { getSlackMessage, saveSlackMessage } from '../../store/slack.ts'
import type { Outcome } from '../notification.ts'
import type { ProposalFacts } from '../proposal-facts.ts'
import { shownHash } from './blocks.ts'
import { type Desk, later, postOnce, taken } from './desk.ts'
import { changeCard } from './incident.ts'
import { proposalCard } from './proposal-card.ts'
import { isQuiet, isQuietUntil } from './quiet.ts'
import { type Routed, routedOf, routeOf, type SlackRoutes } from './routes.ts'

const minuteMs = 60_000
/** So long before its time is over it is to be there. */
const decidedInMs = 30 * minuteMs
const didNothing: ReadonlySet<string> = new Set(['unplannable', 'rejected', 'expired', 'superseded'])

export async function tellSlackProposal(desk: Desk, facts: ProposalFacts): Promise<Outcome> {
  const { db, clock, channel, routes, fallback } = desk
  const { proposal, incident } = facts
  const key = `proposal:${proposal.id}`
  const card = proposalCard(facts)
  const known = await getSlackMessage(db, 'proposal', proposal.id, channel)
  if (known !== undefined) {
    const changed = await changeCard(desk, known, card, key)
    if (changed.outcome === 'taken') await saveSlackMessage(db, { ...known, shown: shownHash(card) }, clock.now())
    return changed
  }
  if (routeOf(routes, fallback, routedOfProposal(facts, routes)).channel !== channel || didNothing.has(proposal.state)) return taken
  const now = clock.now()
  if (isQuiet(routes.quiet, now) && incident?.incident.severity !== 'critical' && !leavesTooLittle(desk, proposal))
    return later(minuteMs - (now.getTime() % minuteMs))
  return postOnce(desk, {
    key,
    card,
    rows: (ts, found) => [{ kind: 'proposal', about: proposal.id, channel, ts, shown: found ? '' : shownHash(card), data: {} }],
  })
}

/** Told when quiet hours end, it could not be decided any more, or hardly. */
function leavesTooLittle({ routes, clock }: Desk, { state, expiresAt }: ProposalFacts['proposal']): boolean {
  if (state !== 'pending' || expiresAt === null) return false
  const latest = new Date(expiresAt.getTime() - decidedInMs)
  return latest <= clock.now() || isQuietUntil(routes.quiet, clock.now(), latest)
}

/** Where its incident is told; one that is for none, where an incident of high severity at its target would be. */
function routedOfProposal({ proposal: { target }, incident, labels }: ProposalFacts, routes: SlackRoutes): Routed {
  if (incident !== null) return routedOf(incident, routes)
  const team = labels[routes.teamLabel]
  return {
    cluster: target.scope,
    namespaces: target.namespace === null ? [] : [target.namespace],
    teams: team === undefined ? [] : [team],
    severity: 'high',
  }
}
