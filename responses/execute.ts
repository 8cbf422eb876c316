/**
 * Executing and undoing: claims, hands the ticket to the executor, and records what came of it. When the executor goes away in
 * the middle, what it left is looked at; nothing is ever sent a second time.
 */
import { executorPrincipal } from '../domain/principal.ts'
import type { Artifact, ExecutionResult, Plan, Proposal } from '../domain/proposal.ts'
import { insertArtifact, overdueProposals } from '../store/proposals.ts'
import { claim, claimRevert } from './claim.ts'
import { expire, isOver } from './approve.ts'
import { type Actor, audit, locked, type ResponseContext } from './context.ts'
import type { Executor } from './executor.ts'
import { isUndone, lookAtWhatIs, messageOf, unseen } from './look.ts'
import { recordExecution, recordRevert } from './record.ts'

const actor: Actor = { principal: executorPrincipal, channel: 'system' }
export type Runner = ResponseContext & { executor: Executor; privateKey: string }

/** Runs one approved proposal to its recorded end. Throws DeniedError when it could not be claimed. */
export async function executeProposal(runner: Runner, proposalId: string): Promise<Proposal | undefined> {
  const signed = await claim(runner, proposalId, runner.privateKey)
  const { plan, claimId } = signed.ticket
  let result: ExecutionResult
  try {
    result = await runner.executor.execute(signed, (artifact) => keep(runner, proposalId, artifact))
  } catch (error) {
    result = await lookOrSaySo(runner, proposalId, plan, messageOf(error))
  }
  return recordExecution(runner, { proposalId, claimId, seen: true }, result)
}

async function lookOrSaySo(runner: Runner, proposalId: string, plan: Plan, why: string): Promise<ExecutionResult> {
  try {
    return await lookAtWhatIs(runner, proposalId, plan, why)
  } catch (error) {
    return unseen(runner, plan, why, error)
  }
}

/** Undoes what was executed, as this person decided. */
export async function revertProposal(runner: Runner, by: Actor, proposalId: string, reason: string): Promise<Proposal | undefined> {
  const { signed, before } = await claimRevert(runner, by, proposalId, reason, runner.privateKey)
  const { claimId, undo } = signed.ticket
  let outcome: Pick<ExecutionResult, 'status' | 'text' | 'observation'>
  try {
    outcome = await runner.executor.revert(signed)
  } catch (error) {
    const undone = await isUndone(runner, undo).catch(() => false)
    outcome = {
      status: undone ? 'succeeded' : 'partial',
      text: `The undo was interrupted (${messageOf(error)}). ${undone ? 'The cluster shows it undone.' : 'The cluster does not show all of it undone: undo it again.'}`,
      observation: undone
        ? { level: 'applied', text: 'The cluster shows it undone.', remaining: [] }
        : { level: 'accepted', text: 'Not all of it is undone.', remaining: ['some of the changes may still be in place'] },
    }
  }
  return recordRevert(runner, { proposalId, claimId, before }, outcome)
}

/** Marks what nobody decided on, or nobody started, in time. */
export async function expireOverdue(context: ResponseContext): Promise<number> {
  const overdue = await overdueProposals(context.db, context.clock.now())
  for (const id of overdue)
    await context.db.transaction(async (tx) => {
      const proposal = await locked(tx, id)
      if ((proposal.state === 'pending' || proposal.state === 'approved') && isOver(context, proposal)) await expire(context, tx, proposal)
    })
  return overdue.length
}

async function keep(runner: Runner, proposalId: string, artifact: Artifact): Promise<void> {
  await runner.db.transaction(async (tx) => {
    const sha256 = await insertArtifact(tx, proposalId, artifact, runner.clock.now())
    await audit(
      tx,
      runner,
      actor,
      'artifact stored',
      { id: proposalId },
      { name: artifact.name, sha256, size: Buffer.byteLength(artifact.content) },
    )
  })
}
