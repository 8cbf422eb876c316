/**
 * Carries out what people decide about incidents: merge, split, state, verdict, note. Each is recorded and audited in
 * the transaction that obeys it, and holds at every recomputation.
 */
import type { Clock } from '../domain/clock.ts'
import { InputError, NotFoundError } from '../domain/errors.ts'
import { isId, newId } from '../domain/ids.ts'
import type { Decision, Incident, MergeLink } from '../domain/incident.ts'
import type { Channel, Principal } from '../domain/principal.ts'
import type { Verdict } from '../domain/report.ts'
import { appendAudit } from '../store/audit.ts'
import { type GivenVerdict, incidentsCounted, writeVerdict } from '../store/baseline-verdicts.ts'
import type { Database, Transaction } from '../store/database.ts'
import { decisionsOf, recordDecision } from '../store/decisions.ts'
import { getIncident, setIncidentState } from '../store/incidents.ts'
import { firstAlertsOf, type Membership, membershipsOf, scopesOf, tellingTheSame, writeMemberships } from '../store/memberships.ts'
import { lockIncidents } from '../store/segments.ts'
import { cluster } from './cluster.ts'
import { linkFact, splitFact } from './decided-facts.ts'
import { derive } from './derive.ts'
import { recluster } from './recluster.ts'

/** Records a person's decision and carries it out: merge, split, state, verdict or note. Answers the incident it now concerns. */
export async function decide(
  db: Database,
  clock: Clock,
  principal: Principal,
  channel: Channel,
  given: Decision,
  reason: string,
): Promise<string> {
  return db.transaction(async (tx) => {
    await lockIncidents(tx)
    return carryOut(tx, clock, { principal, channel }, given, reason)
  })
}

/** False: this person has written the same words there before. Asked under the lock, so that two at once write one. */
export async function noteOnce(
  db: Database,
  clock: Clock,
  actor: { principal: Principal; channel: Channel },
  { incident, text }: { incident: string; text: string },
  reason: string,
): Promise<boolean> {
  return db.transaction(async (tx) => {
    await lockIncidents(tx)
    const before = await decisionsOf(tx, incident)
    if (
      before.some(
        ({ principalId, decision }) => principalId === actor.principal.personId && decision.kind === 'note' && decision.text === text,
      )
    )
      return false
    await carryOut(tx, clock, actor, { kind: 'note', incident, text }, reason)
    return true
  })
}

/** With a verdict, both or neither. False: it was closed before. Asked under the lock, so that two at once close it once. */
export async function closeAs(
  db: Database,
  clock: Clock,
  actor: { principal: Principal; channel: Channel },
  { incident, verdict }: { incident: string; verdict: Verdict },
  reason: string,
): Promise<boolean> {
  return db.transaction(async (tx) => {
    await lockIncidents(tx)
    if ((await existing(tx, incident)).state === 'closed') return false
    await carryOut(tx, clock, actor, { kind: 'verdict', incident, verdict }, reason)
    await carryOut(tx, clock, actor, { kind: 'state', incident, state: 'closed' }, reason)
    return true
  })
}

/** Under the lock of incidents. */
async function carryOut(
  tx: Transaction,
  clock: Clock,
  { principal, channel }: { principal: Principal; channel: Channel },
  given: Decision,
  reason: string,
): Promise<string> {
  const decision = given.kind === 'split' ? { ...given, alerts: await wholeEvents(tx, given.alerts) } : given
  const incident = await existing(tx, decision.kind === 'merge' ? decision.into : decision.incident)
  const id = newId()
  const at = clock.now()
  const work = await prepare(tx, incident, decision, { id, principal })
  await recordDecision(tx, incident.id, { id, at, principalId: principal.personId, decision, reason, links: work.links })
  const about = { action: `incident ${decision.kind}`, subject: `incident/${incident.id}`, details: { decision, reason } }
  await appendAudit(tx, clock, { principal, channel, ...about })
  return work.carryOut(at)
}

/** Each alert's whole event: the one that stands for it, and those that only tell of it once more. */
async function wholeEvents(tx: Transaction, alertIds: readonly string[]): Promise<string[]> {
  const standing = new Map(
    (await membershipsOf(tx, { alertIds: alertIds.filter(isId) })).map((one) => [one.alertId, one.sameAs ?? one.alertId]),
  )
  const heads = [...new Set(alertIds.map((id) => standing.get(id) ?? id))]
  return [...heads, ...[...(await tellingTheSame(tx, heads.filter(isId))).values()].flat()]
}

async function existing(tx: Transaction, id: string): Promise<Incident> {
  const incident = await getIncident(tx, { id })
  if (incident === undefined) throw new NotFoundError(`There is no incident ${id}.`)
  return incident
}

/** What a decision comes to: links to be recorded with it, and the work, which answers the incident it then concerns. */
type Work = { links: MergeLink[]; carryOut(at: Date): Promise<string> }

async function prepare(
  tx: Transaction,
  incident: Incident,
  decision: Decision,
  { id, principal }: { id: string; principal: Principal },
): Promise<Work> {
  switch (decision.kind) {
    case 'merge':
      return merge(tx, incident, await existing(tx, decision.from), id)
    case 'split':
      return split(tx, incident, new Set(decision.alerts), id)
    case 'state':
      return {
        links: [],
        carryOut: async (at) => {
          await setIncidentState(tx, incident.id, decision.state, at)
          return incident.id
        },
      }
    case 'verdict':
      return {
        links: [],
        carryOut: async (at) => {
          await learn(
            tx,
            { decisionId: id, incidentId: incident.id, verdict: decision.verdict, principalId: principal.personId, at },
            principal,
          )
          return incident.id
        },
      }
    case 'note':
      return { links: [], carryOut: async () => incident.id }
  }
}

/**
 * What a person who is signed in says is known from then on of what the incident is made of, and what rests on it is derived again. Whoever holds a
 * token may be a program: what that says teaches nothing, and takes nothing back.
 */
async function learn(tx: Transaction, given: GivenVerdict, { kind }: Principal): Promise<void> {
  if (kind === 'user') await derive(tx, await incidentsCounted(tx, await writeVerdict(tx, given)), given.at)
}

async function merge(tx: Transaction, into: Incident, from: Incident, id: string): Promise<Work> {
  if (from.id === into.id) throw new InputError('An incident cannot be merged with itself.')
  const scopes = await scopesOf(tx, [into.id, from.id])
  if (!scopes.get(into.id)?.some((scope) => scopes.get(from.id)?.includes(scope)) && from.scope !== into.scope)
    throw new InputError(
      'These incidents have no cluster or account in common. Only incidents that share one can be merged; link them in a note.',
    )
  const firsts = await firstAlertsOf(tx, [into.id, from.id])
  const links = firsts.map((alertId) => ({ alertId, merge: id }))
  return {
    links,
    carryOut: async (at) => {
      await hang(tx, links)
      return (await recluster(tx, [into.id, from.id], at))[0] ?? into.id
    },
  }
}

async function split(tx: Transaction, incident: Incident, alertIds: ReadonlySet<string>, id: string): Promise<Work> {
  const members = await membershipsOf(tx, { incidentId: incident.id })
  const apart = members.filter((membership) => alertIds.has(membership.alertId))
  if (apart.length !== alertIds.size)
    throw new InputError('Some of these alerts are not part of this incident. Reload the page and choose again.')
  if (apart.length === members.length) throw new InputError('All alerts of the incident were chosen: there would be nothing to split from.')
  const links = heirs(members, apart)
  return {
    links,
    carryOut: async (at) => {
      await writeMemberships(
        tx,
        apart.map((membership) => ({ ...membership, facts: [splitFact(id)] })),
      )
      await hang(tx, links)
      await recluster(tx, [incident.id], at, alertIds)
      return incident.id
    },
  }
}

/** What people merged stays merged when an alert that holds the parts together is split off: the next of its part takes over. */
function heirs(members: readonly Membership[], apart: readonly Membership[]): MergeLink[] {
  const going = new Set(apart.map((membership) => membership.alertId))
  return apart.flatMap((holder) =>
    holder.facts
      .filter((fact) => fact.rule === 'merge')
      .flatMap(({ key }) => {
        const parts = cluster(
          members.map(({ alertId, scope, eventNs, facts }) => ({
            id: alertId,
            scope,
            eventNs,
            facts: facts.filter((fact) => fact.rule !== 'merge' || fact.key !== key),
          })),
        )
        const heir = parts.find((part) => part.includes(holder.alertId))?.find((alertId) => !going.has(alertId))
        return heir === undefined ? [] : [{ alertId: heir, merge: key }]
      }),
  )
}

async function hang(tx: Transaction, links: readonly MergeLink[]): Promise<void> {
  for (const { alertId, merge: key } of links) {
    const [membership] = await membershipsOf(tx, { alertIds: [alertId] })
    if (membership !== undefined) await writeMemberships(tx, [{ ...membership, facts: [...membership.facts, linkFact(key)] }])
  }
}
