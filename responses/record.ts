/**
 * Recording what came of a run, once, by whoever holds its claim. A run taken for lost because its time was over may still be
 * told of by the server that ran it: what it saw replaces what others could only look at, until somebody undoes it.
 */
import { executorPrincipal } from '../domain/principal.ts'
import type { ExecutionResult, Proposal, ProposalState } from '../domain/proposal.ts'
import type { Transaction } from '../store/database.ts'
import { getProposal, insertProposal, lockProposal, moveProposal } from '../store/proposals.ts'
import { type Actor, audit, type ResponseContext } from './context.ts'
import { noteContainment, noteRelease } from './contain.ts'

const actor: Actor = { principal: executorPrincipal, channel: 'system' }
const lookedAt: readonly ProposalState[] = ['failed', 'partial', 'succeeded']

/** `seen`: by the server that ran it. Undefined when the claim is no longer the proposal's. */
export async function recordExecution(
  context: ResponseContext,
  run: { proposalId: string; claimId: string | null; seen: boolean },
  result: ExecutionResult,
): Promise<Proposal | undefined> {
  const now = context.clock.now()
  return context.db.transaction(async (tx) => {
    const proposal = await lockProposal(tx, run.proposalId)
    const from: readonly ProposalState[] = run.seen ? ['executing', ...lookedAt] : ['executing']
    if (proposal === undefined || proposal.claimId !== run.claimId || !from.includes(proposal.state)) return undefined
    if (result.status === 'drifted') return supersede(tx, context, proposal, result, now)
    const told = result.status === 'succeeded' ? await noteContainment(tx, context, actor, proposal, result) : result
    const state = result.status === 'refused' ? (result.refusal === 'expired' ? 'expired' : 'failed') : result.status
    const moved = await moveProposal(tx, proposal.id, from, { state, reason: result.text, result: told, expiresAt: null }, now)
    await audit(tx, context, actor, `proposal ${result.status}`, proposal, {
      text: result.text,
      observation: told.observation,
      ...(proposal.state === 'executing' ? {} : { corrects: proposal.state }),
    })
    return moved
  })
}

async function supersede(
  tx: Transaction,
  context: ResponseContext,
  proposal: Proposal,
  result: ExecutionResult,
  now: Date,
): Promise<Proposal | undefined> {
  const reason = `Nothing was done: ${result.drift.join('; ')}.`
  const change = { state: 'superseded', reason, result, expiresAt: null } as const
  await moveProposal(tx, proposal.id, [proposal.state], change, now)
  const { proposal: again } = await insertProposal(tx, proposal, now)
  await moveProposal(tx, proposal.id, ['superseded'], { ...change, supersededBy: again.id }, now)
  await audit(tx, context, actor, 'proposal drifted', proposal, { drift: result.drift, supersededBy: again.id })
  await audit(tx, context, actor, 'proposal requested', again, { action: again.action, target: again.target, supersedes: proposal.id })
  return getProposal(tx, { id: proposal.id })
}

/** What an undo came to. `before` is the state to go back to when nothing was undone. */
export async function recordRevert(
  context: ResponseContext,
  run: { proposalId: string; claimId: string | null; before: ProposalState },
  outcome: Pick<ExecutionResult, 'status' | 'text' | 'observation'>,
): Promise<Proposal | undefined> {
  const now = context.clock.now()
  return context.db.transaction(async (tx) => {
    const proposal = await lockProposal(tx, run.proposalId)
    if (proposal?.state !== 'reverting' || proposal.claimId !== run.claimId || proposal.result === null) return undefined
    const undone = outcome.status === 'succeeded'
    const touched = undone || outcome.status === 'partial'
    const state = undone ? 'reverted' : touched ? 'partial' : run.before
    const result: ExecutionResult = touched
      ? { ...proposal.result, ...outcome, undo: undone ? [] : proposal.result.undo, at: now.toISOString() }
      : proposal.result
    const moved = await moveProposal(tx, proposal.id, ['reverting'], { state, reason: outcome.text, result, expiresAt: null }, now)
    await audit(tx, context, actor, undone ? 'proposal reverted' : 'proposal revert failed', proposal, {
      text: outcome.text,
      observation: outcome.observation,
    })
    if (undone) await noteRelease(tx, context, actor, proposal)
    return moved
  })
}
