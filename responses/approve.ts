/**
 * Deciding: a person approves or rejects exactly the plan they were shown, by its hash. Web, Slack and CLI call this and
 * nothing else. Doing the same twice changes nothing; what is decided stays decided.
 */
import { DeniedError, InputError } from '../domain/errors.ts'
import { systemPrincipal } from '../domain/principal.ts'
import { type Approval, finalStates, type Plan, type Proposal, type ProposalState } from '../domain/proposal.ts'
import { approvalsOf, insertApproval, moveProposal } from '../store/proposals.ts'
import { type Actor, audit, locked, type ResponseContext } from './context.ts'
import { planHash } from './approved.ts'
import { checkApprover, checkPlan, pageOnly } from './policy.ts'

export type DecisionRequest = {
  proposalId: string
  planHash: string
  reason: string
  /** Digest of the page or card the person saw. */ shownDigest: string | null
}

/** Records an approval; with the policy's quorum the proposal is approved. Throws DeniedError: `expired`, `state`, `plan_changed`, `altered`, `entitlement`, `proposer`, `simulated_only`, `actions_off`, `policy`, `page_only`. */
export async function approve(context: ResponseContext, actor: Actor, request: DecisionRequest): Promise<Proposal> {
  return decide(context, actor, 'approve', request, async (tx, proposal, plan) => {
    checkPlan(context.policy, plan)
    if (actor.channel === 'slack' && pageOnly(context.policy, plan.action))
      throw new DeniedError('page_only', 'The policy marks this action as of high impact: it is approved on the page only, not in Slack.')
    if (!plan.simulated && !context.actionsEnabled)
      throw new DeniedError('actions_off', 'Actions on real clusters are switched off. An administrator can set FALCONER_ACTIONS=true.')
    const now = context.clock.now()
    if (!(await insertApproval(tx, given(proposal, actor, 'approve', request, now)))) return proposal
    const people = new Set(
      (await approvalsOf(tx, proposal.id))
        .filter((one) => one.decision === 'approve' && one.planHash === proposal.planHash)
        .map((one) => one.personId),
    )
    const complete = people.size >= proposal.quorum
    await audit(
      tx,
      context,
      actor,
      'proposal approved',
      proposal,
      { planHash: request.planHash, reason: request.reason, approvals: people.size, quorum: proposal.quorum, complete },
      request.shownDigest,
    )
    if (!complete) return proposal
    const startBy = new Date(now.getTime() + context.policy.startWithinMinutes * 60_000)
    return (await moveProposal(tx, proposal.id, ['pending'], { state: 'approved', expiresAt: startBy }, now)) ?? proposal
  })
}

/** Rejects it, finally. One person is enough. */
export async function reject(context: ResponseContext, actor: Actor, request: DecisionRequest): Promise<Proposal> {
  return decide(context, actor, 'reject', request, async (tx, proposal) => {
    const now = context.clock.now()
    await insertApproval(tx, given(proposal, actor, 'reject', request, now))
    await audit(
      tx,
      context,
      actor,
      'proposal rejected',
      proposal,
      { planHash: request.planHash, reason: request.reason },
      request.shownDigest,
    )
    return (
      (await moveProposal(
        tx,
        proposal.id,
        ['pending'],
        { state: 'rejected', reason: request.reason === '' ? `rejected by ${actor.principal.name}` : request.reason },
        now,
      )) ?? proposal
    )
  })
}

const given = (
  proposal: Proposal,
  { principal, channel }: Actor,
  decision: Approval['decision'],
  { planHash, reason }: DecisionRequest,
  at: Date,
): Omit<Approval, 'id'> => ({
  proposalId: proposal.id,
  principalId: principal.id,
  personId: principal.personId,
  name: principal.name,
  role: principal.role,
  decision,
  planHash,
  reason,
  channel,
  at,
})

type Step = (tx: Parameters<typeof locked>[0], proposal: Proposal, plan: Plan) => Promise<Proposal>

async function decide(
  context: ResponseContext,
  actor: Actor,
  what: Approval['decision'],
  request: DecisionRequest,
  step: Step,
): Promise<Proposal> {
  if (request.reason.length > 2_000) throw new InputError('The reason is longer than 2,000 characters.')
  const outcome = await context.db.transaction(async (tx): Promise<Proposal | DeniedError> => {
    const proposal = await locked(tx, request.proposalId)
    if (proposal.state === 'pending' && isOver(context, proposal)) return expire(context, tx, proposal)
    if (proposal.state !== 'pending' || proposal.plan === null)
      return (await decidedBefore(tx, proposal, actor, what)) ? proposal : new DeniedError('state', stateMessage(proposal))
    if (proposal.planHash !== request.planHash)
      return new DeniedError('plan_changed', 'The plan is not the one you were shown. Reload the page and read it again.')
    if (planHash(proposal.plan) !== proposal.planHash)
      return new DeniedError('altered', 'The stored plan is not the one that was made: its hash is another. Propose it again.')
    checkApprover(context.policy, proposal, actor.principal)
    if ((actor.principal.kind === 'demo' || actor.principal.kind === 'operator') && !proposal.plan.simulated)
      return new DeniedError('simulated_only', 'This is a real cluster: only a signed-in person may decide, on the page.')
    return step(tx, proposal, proposal.plan)
  })
  if (outcome instanceof DeniedError) throw outcome
  return outcome
}

export const isOver = (context: ResponseContext, proposal: Proposal): boolean =>
  proposal.expiresAt !== null && context.clock.now().getTime() > proposal.expiresAt.getTime()

/** Written and committed, then told: an expiry must not be rolled back by the refusal it causes. */
export async function expire(context: ResponseContext, tx: Parameters<typeof locked>[0], proposal: Proposal): Promise<DeniedError> {
  const what = proposal.state === 'pending' ? 'Nobody decided in time' : 'It was approved but not started in time'
  const moved = await moveProposal(
    tx,
    proposal.id,
    ['pending', 'approved'],
    { state: 'expired', reason: `${what}: it expired at ${proposal.expiresAt?.toISOString()}.` },
    context.clock.now(),
  )
  if (moved !== undefined)
    await audit(tx, context, { principal: systemPrincipal, channel: 'system' }, 'proposal expired', proposal, { from: proposal.state })
  return new DeniedError('expired', `${what}: this proposal expired at ${proposal.expiresAt?.toISOString()}. Propose it again.`)
}

/** They decided so before, and it came to that: once more changes nothing. */
async function decidedBefore(
  tx: Parameters<typeof locked>[0],
  proposal: Proposal,
  actor: Actor,
  wanted: Approval['decision'],
): Promise<boolean> {
  const states: ProposalState[] = wanted === 'reject' ? ['rejected'] : ['approved', 'executing', 'succeeded', 'partial']
  if (!states.includes(proposal.state)) return false
  return (await approvalsOf(tx, proposal.id)).some((one) => one.personId === actor.principal.personId && one.decision === wanted)
}

function stateMessage(proposal: Proposal): string {
  if (proposal.state === 'requested' || proposal.state === 'planning') return 'It is still being planned. Wait for the plan, then decide.'
  if (finalStates.includes(proposal.state))
    return `It is ${proposal.state} already, which is final${proposal.stateReason === null ? '' : `: ${proposal.stateReason}`}`
  return `It is ${proposal.state} already.`
}
