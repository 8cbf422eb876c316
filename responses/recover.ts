/**
 * Recovering: what a server that is gone left in the middle. What was being executed or undone is looked at and recorded,
 * never run again; what was being planned is planned again. A server that lives is left alone until its claim is over.
 */
import { UpstreamError } from '../domain/errors.ts'
import type { Proposal } from '../domain/proposal.ts'
import { claimedProposals, moveProposal } from '../store/proposals.ts'
import type { ResponseContext } from './context.ts'
import type { Runner } from './execute.ts'
import { isUndone, lookAtWhatIs, messageOf, unseen } from './look.ts'
import { recordExecution, recordRevert } from './record.ts'

/** `all`: nobody else can be alive, as at the start on an embedded database. `lapsed`: only claims whose time is over. */
export type Which = 'all' | 'lapsed'
const why = 'Falconer stopped while it ran'

/** Answers how many were recorded. While the cluster cannot be reached they are left for the next time. */
export async function recoverInterrupted(runner: Runner, which: Which): Promise<number> {
  let recorded = 0
  for (const proposal of await claimedProposals(runner.db, ['executing', 'reverting'], lapsedBy(runner, which))) {
    const found = proposal.state === 'executing' ? await recoverExecution(runner, proposal) : await recoverRevert(runner, proposal)
    if (found !== undefined) recorded += 1
  }
  return recorded
}

/** Planning changed nothing: it starts again. */
export async function requeueInterruptedPlanning(context: ResponseContext, which: Which): Promise<void> {
  for (const { id, claimId } of await claimedProposals(context.db, ['planning'], lapsedBy(context, which)))
    await moveProposal(context.db, id, ['planning'], { state: 'requested', expiresAt: null }, context.clock.now(), claimId)
}

const lapsedBy = ({ clock }: ResponseContext, which: Which): Date | null => (which === 'all' ? null : clock.now())

async function recoverExecution(runner: Runner, { id, claimId, plan }: Proposal): Promise<Proposal | undefined> {
  if (plan === null) return undefined
  const run = { proposalId: id, claimId, seen: false }
  try {
    return await recordExecution(runner, run, await lookAtWhatIs(runner, id, plan, why))
  } catch (error) {
    if (isForNow(error)) return undefined
    return recordExecution(runner, run, unseen(runner, plan, why, error))
  }
}

async function recoverRevert(runner: Runner, { id, claimId, result }: Proposal): Promise<Proposal | undefined> {
  if (result === null) return undefined
  try {
    const undone = await isUndone(runner, result.undo)
    return await recordRevert(
      runner,
      { proposalId: id, claimId, before: 'partial' },
      {
        status: undone ? 'succeeded' : 'partial',
        text: `Falconer stopped while undoing it. ${undone ? 'The cluster shows it undone.' : 'The cluster does not show all of it undone: undo it again.'}`,
        observation: undone ? { level: 'applied', text: 'The cluster shows it undone.', remaining: [] } : result.observation,
      },
    )
  } catch (error) {
    if (isForNow(error)) return undefined
    return recordRevert(
      runner,
      { proposalId: id, claimId, before: 'partial' },
      {
        status: 'partial',
        text: `Falconer stopped while undoing it, and the cluster could not be looked at (${messageOf(error)}).`,
        observation: result.observation,
      },
    )
  }
}

const isForNow = (error: unknown): boolean => error instanceof UpstreamError && error.retryable
