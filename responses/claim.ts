/**
 * Claiming: an approved proposal becomes `executing` in one conditional update, and only then is a ticket signed for it.
 * Everything the approval stood on is checked again from the rows: expiry, hash, distinct and still entitled people, policy.
 * A claim is for a limited time: after it nothing more is sent, and only then may another server look what became of it.
 */
import { DeniedError } from '../domain/errors.ts'
import { newId } from '../domain/ids.ts'
import { type Role, roleAtLeast } from '../domain/principal.ts'
import { type Approval, Plan, type Proposal, type ProposalState } from '../domain/proposal.ts'
import { executorPrincipal } from '../domain/principal.ts'
import { standings } from '../store/people.ts'
import type { Transaction } from '../store/database.ts'
import { approvalsOf, insertApproval, moveProposal } from '../store/proposals.ts'
import { isPartOf, planHash, signTicket, type SignedTicket, type Ticket } from './approved.ts'
import { expire, isOver } from './approve.ts'
import { type Actor, audit, locked, type ResponseContext } from './context.ts'
import { actionPolicy, checkApprover, checkPlan } from './policy.ts'

/** How long a claimed plan may take until its last request is sent; evidence is stored in this time too. */
export const runWithinMs = 180_000
/** And how long after that to observe the effect and record it. */
export const recordWithinMs = 180_000

const executor: Actor = { principal: executorPrincipal, channel: 'system' }

/** Takes an approved proposal for execution. Throws DeniedError: `state` when another took it, `expired`, `altered`, `entitlement`, `policy`. */
export async function claim(context: ResponseContext, proposalId: string, privateKey: string): Promise<SignedTicket> {
  const outcome = await context.db.transaction(async (tx): Promise<SignedTicket | DeniedError> => {
    const proposal = await locked(tx, proposalId)
    if (proposal.state !== 'approved' || proposal.plan === null || proposal.planHash === null)
      return new DeniedError('state', `It is ${proposal.state}; only an approved proposal can be executed.`)
    if (isOver(context, proposal)) return expire(context, tx, proposal)
    const refusal = await stillStands(context, tx, proposal, proposal.plan)
    if (refusal instanceof DeniedError) {
      await moveProposal(tx, proposalId, ['approved'], { state: 'failed', reason: refusal.message }, context.clock.now())
      await audit(tx, context, executor, 'proposal refused', proposal, { reason: refusal.message, code: refusal.reason })
      return refusal
    }
    return take(
      context,
      tx,
      proposal,
      { kind: 'execute', plan: proposal.plan, planHash: proposal.planHash, approvers: refusal, undo: [] },
      privateKey,
    )
  })
  if (outcome instanceof DeniedError) throw outcome
  return outcome
}

/** A person's decision to undo, and the claim for it, in one step. Throws DeniedError `state`, `entitlement`, `irreversible`. */
export async function claimRevert(
  context: ResponseContext,
  actor: Actor,
  proposalId: string,
  reason: string,
  privateKey: string,
): Promise<{ signed: SignedTicket; before: ProposalState }> {
  return context.db.transaction(async (tx) => {
    const proposal = await locked(tx, proposalId)
    const { plan, result } = proposal
    if ((proposal.state !== 'succeeded' && proposal.state !== 'partial') || plan === null || proposal.planHash === null || result === null)
      throw new DeniedError('state', `It is ${proposal.state}; only what was executed can be undone.`)
    if (result.undo.length === 0)
      throw new DeniedError('irreversible', 'There is nothing to undo, or it cannot be undone; the plan said so.')
    if (!(await wasApproved(tx, proposal, plan)) || !isPartOf(result.undo, plan.undoRequests))
      throw new DeniedError('altered', 'What is stored as the undo is not what was approved.')
    const { principal, channel } = actor
    // Undoing is deciding anew: the proposer may undo what others approved.
    checkApprover(context.policy, { action: proposal.action, proposedBy: { personId: '' } }, principal)
    if ((principal.kind === 'demo' || principal.kind === 'operator') && !plan.simulated)
      throw new DeniedError('simulated_only', 'This is a real cluster: only a signed-in person may decide, on the page.')
    if (!plan.simulated && !context.actionsEnabled)
      throw new DeniedError('actions_off', 'Actions on real clusters are switched off. An administrator can set FALCONER_ACTIONS=true.')
    await insertApproval(tx, {
      proposalId,
      principalId: principal.id,
      personId: principal.personId,
      name: principal.name,
      role: principal.role,
      decision: 'revert',
      planHash: proposal.planHash,
      reason,
      channel,
      at: context.clock.now(),
    })
    await audit(tx, context, actor, 'proposal revert decided', proposal, { reason })
    const signed = await take(
      context,
      tx,
      proposal,
      {
        kind: 'revert',
        plan,
        planHash: proposal.planHash,
        approvers: [{ personId: principal.personId, name: principal.name, role: principal.role }],
        undo: result.undo,
      },
      privateKey,
    )
    return { signed, before: proposal.state }
  })
}

async function take(
  context: ResponseContext,
  tx: Transaction,
  proposal: Proposal,
  what: Omit<Ticket, 'proposalId' | 'claimId' | 'expiresAt' | 'finishBy'>,
  privateKey: string,
): Promise<SignedTicket> {
  const now = context.clock.now()
  const claimId = newId()
  const [from, to] = what.kind === 'execute' ? (['approved', 'executing'] as const) : ([proposal.state, 'reverting'] as const)
  const finishBy = new Date(now.getTime() + runWithinMs)
  const heldUntil = new Date(finishBy.getTime() + recordWithinMs)
  if ((await moveProposal(tx, proposal.id, [from], { state: to, claimId, expiresAt: heldUntil }, now)) === undefined)
    throw new DeniedError('state', 'Another process took it first.')
  await audit(tx, context, executor, what.kind === 'execute' ? 'proposal claimed' : 'proposal revert claimed', proposal, {
    claimId,
    planHash: what.planHash,
  })
  const startBy =
    what.kind === 'execute' && proposal.expiresAt !== null
      ? proposal.expiresAt
      : new Date(now.getTime() + context.policy.startWithinMinutes * 60_000)
  return signTicket(
    { ...what, proposalId: proposal.id, claimId, expiresAt: startBy.toISOString(), finishBy: finishBy.toISOString() },
    privateKey,
  )
}

/** The plan has the hash that somebody approved, and its row still says so. */
const wasApproved = async (tx: Transaction, { id, planHash: stored }: Proposal, plan: Plan): Promise<boolean> =>
  planHash(plan) === stored && (await approvalsOf(tx, id)).some((one) => one.decision === 'approve' && one.planHash === stored)

/** The approvers, or why the approval no longer stands. */
async function stillStands(
  context: ResponseContext,
  tx: Transaction,
  proposal: Proposal,
  plan: Plan,
): Promise<Ticket['approvers'] | DeniedError> {
  if (!Plan.safeParse(plan).success || planHash(plan) !== proposal.planHash)
    return new DeniedError('altered', 'The stored plan is not the one that was approved.')
  if (!plan.simulated && !context.actionsEnabled)
    return new DeniedError('actions_off', 'Actions on real clusters were switched off after it was approved.')
  try {
    checkPlan(context.policy, plan)
  } catch (error) {
    if (error instanceof DeniedError) return error
    throw error
  }
  const { quorum, approvers, proposerExcluded } = actionPolicy(context.policy, proposal.action)
  const given = (await approvalsOf(tx, proposal.id)).filter((one) => one.decision === 'approve' && one.planHash === proposal.planHash)
  const now = await standings(
    tx,
    given.map((one) => one.personId),
  )
  const counting = new Map<string, Approval>()
  for (const one of given)
    if (
      now.get(one.personId)?.disabled !== true &&
      roleAtLeast(one.role as Role, approvers) &&
      roleAtLeast(now.get(one.personId)?.role ?? (one.role as Role), approvers) &&
      !(proposerExcluded && one.personId === proposal.proposedBy.personId)
    )
      counting.set(one.personId, one)
  if (counting.size < Math.max(quorum, proposal.quorum))
    return new DeniedError(
      'entitlement',
      `It needs ${Math.max(quorum, proposal.quorum)} entitled approvers; ${counting.size} of those who approved still are.`,
    )
  return [...counting.values()].map((one) => ({ personId: one.personId, name: one.name, role: one.role }))
}
