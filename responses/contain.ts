/**
 * When an incident may be called contained: an isolating or evicting action's effect was observed, nothing of it is left open,
 * and no other pod of the incident still runs untouched. What is left is listed. A closed incident stays closed.
 */
import type { ExecutionResult, Plan, Proposal } from '../domain/proposal.ts'
import { appendAudit } from '../store/audit.ts'
import type { Transaction } from '../store/database.ts'
import { getEntities } from '../store/entities.ts'
import { getIncident, setIncidentState } from '../store/incidents.ts'
import { listProposals } from '../store/proposals.ts'
import { getAction } from './catalog/catalog.ts'
import type { Actor, ResponseContext } from './context.ts'

/** The result, with what the incident still has open; moves the incident to contained when there is nothing. */
export async function noteContainment(
  tx: Transaction,
  { clock }: ResponseContext,
  actor: Actor,
  proposal: Proposal,
  result: ExecutionResult,
): Promise<ExecutionResult> {
  const { plan, incidentId } = proposal
  if (plan === null || incidentId === null || !contains(plan, result)) return result
  const incident = await getIncident(tx, { id: incidentId })
  if (incident === undefined || incident.state === 'closed') return result
  const done = (await listProposals(tx, { incidentId, states: ['succeeded'] }, 1_000)).filter(
    (one) => one.plan !== null && one.result !== null && contains(one.plan, one.result),
  )
  const covered = new Set([plan, ...done.map((one) => one.plan as Plan)].flatMap(podsOf))
  const others = (await getEntities(tx, incident.entityIds))
    .filter((entity) => entity.kind === 'pod' && entity.origin === 'inventory' && entity.deletedNs === null)
    .map((entity) => `${entity.namespace}/${entity.name}`)
    .filter((name) => !covered.has(name))
  const remaining = [...result.observation.remaining, ...others.map((name) => `pod ${name}, of the same incident, is not contained`)]
  if (remaining.length === 0) await setIncidentState(tx, incident.id, 'contained', clock.now())
  await appendAudit(tx, clock, {
    ...actor,
    action: remaining.length === 0 ? 'incident contained' : 'incident partly contained',
    subject: `incident/${incident.id}`,
    details: { proposalId: proposal.id, observation: result.observation, remaining },
  })
  return { ...result, observation: { ...result.observation, remaining } }
}

/** Undoing a containment opens the incident again. */
export async function noteRelease(tx: Transaction, { clock }: ResponseContext, actor: Actor, proposal: Proposal): Promise<void> {
  if (proposal.incidentId === null || proposal.plan === null || getAction(proposal.action).contains?.(proposal.plan) !== true) return
  const incident = await getIncident(tx, { id: proposal.incidentId })
  if (incident?.state !== 'contained') return
  await setIncidentState(tx, incident.id, 'open', clock.now())
  await appendAudit(tx, clock, {
    ...actor,
    action: 'incident reopened',
    subject: `incident/${incident.id}`,
    details: { proposalId: proposal.id, why: 'its containment was undone' },
  })
}

const contains = (plan: Plan, { observation }: ExecutionResult): boolean =>
  observation.level === 'effect_observed' && getAction(plan.action).contains?.(plan) === true

const podsOf = ({ blastRadius }: Plan): string[] =>
  blastRadius.affected.filter((one) => one.kind === 'Pod').map((one) => `${one.namespace}/${one.name}`)
