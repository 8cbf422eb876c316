/**
 * Executing: claims, hands the ticket to the executor, and records what came of it. A run that was interrupted is never
 * started again: what it left is looked at and recorded. Drift records nothing but a new proposal.
 */
import { FalconerError } from '../domain/errors.ts'
import { executorPrincipal } from '../domain/principal.ts'
import type { Artifact, ExecutionResult, Observation, Plan, Proposal } from '../domain/proposal.ts'
import { setIncidentState } from '../store/incidents.ts'
import type { Transaction } from '../store/database.ts'
import { getProposal, insertArtifact, insertProposal, listProposals, moveProposal, overdueProposals } from '../store/proposals.ts'
import { appendAudit } from '../store/audit.ts'
import { getAction } from './catalog/catalog.ts'
import { claim, claimRevert } from './claim.ts'
import { expire, isOver } from './approve.ts'
import { type Actor, audit, locked, type ResponseContext } from './context.ts'
import type { Executor } from './executor.ts'

const actor: Actor = { principal: executorPrincipal, channel: 'system' }
export type Runner = ResponseContext & { executor: Executor; privateKey: string }

/** Runs one approved proposal to its recorded end. Throws DeniedError when it could not be claimed. */
export async function executeProposal(runner: Runner, proposalId: string): Promise<Proposal | undefined> {
  const signed = await claim(runner, proposalId, runner.privateKey)
  const { plan } = signed.ticket
  const result = await runner.executor
    .execute(signed, (artifact) => keep(runner, proposalId, artifact))
    .catch((error: unknown) => lookAtWhatIs(runner, plan, error))
  return record(runner, proposalId, result)
}

/** Undoes what was executed, as this person decided. */
export async function revertProposal(runner: Runner, by: Actor, proposalId: string, reason: string): Promise<Proposal | undefined> {
  const before = (await getProposal(runner.db, { id: proposalId }))?.state ?? 'succeeded'
  const signed = await claimRevert(runner, by, proposalId, reason, runner.privateKey)
  const result = await runner.executor
    .revert(signed)
    .catch((error: unknown): ExecutionResult => failed(runner, `The undo was interrupted: ${messageOf(error)}`, signed.ticket.undo))
  const now = runner.clock.now()
  return runner.db.transaction(async (tx) => {
    const state = result.status === 'succeeded' ? 'reverted' : before
    const moved = await moveProposal(
      tx,
      proposalId,
      ['reverting'],
      {
        state,
        reason: result.text,
        result: result.status === 'succeeded' ? { ...result, undo: [] } : { ...result, undo: signed.ticket.undo },
      },
      now,
    )
    if (moved !== undefined)
      await audit(tx, runner, actor, `proposal ${result.status === 'succeeded' ? 'reverted' : 'revert failed'}`, moved, {
        text: result.text,
      })
    if (moved?.incidentId != null && result.status === 'succeeded') await reopen(tx, runner, moved)
    return moved
  })
}

/** After a crash: what was being executed or undone is looked at and recorded, never run again. */
export async function recoverInterrupted(runner: Runner): Promise<void> {
  for (const proposal of await listProposals(runner.db, { states: ['executing', 'reverting'] }, 1_000)) {
    if (proposal.plan === null) continue
    const result = await lookAtWhatIs(runner, proposal.plan, new Error('Falconer stopped while it ran'))
    if (proposal.state === 'executing') await record(runner, proposal.id, result)
    else
      await runner.db.transaction(async (tx) => {
        const undone = result.observation.level === 'none'
        const moved = await moveProposal(
          tx,
          proposal.id,
          ['reverting'],
          {
            state: undone ? 'reverted' : 'partial',
            reason: `Falconer stopped while undoing it. ${result.observation.text}`,
            result: { ...result, undo: undone ? [] : (proposal.plan?.undoRequests ?? []) },
          },
          runner.clock.now(),
        )
        if (moved !== undefined) await audit(tx, runner, actor, 'proposal revert interrupted', moved, { observation: result.observation })
      })
  }
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

async function record(runner: Runner, proposalId: string, result: ExecutionResult): Promise<Proposal | undefined> {
  const now = runner.clock.now()
  return runner.db.transaction(async (tx) => {
    if (result.status === 'drifted') return supersede(tx, runner, proposalId, result, now)
    const state = result.status === 'refused' ? 'failed' : result.status
    const moved = await moveProposal(tx, proposalId, ['executing'], { state, reason: result.text, result, expiresAt: null }, now)
    if (moved === undefined) return undefined
    await audit(tx, runner, actor, `proposal ${result.status}`, moved, { text: result.text, observation: result.observation })
    const { countermeasure } = getAction(moved.action)
    if (
      moved.incidentId !== null &&
      result.observation.level === 'effect_observed' &&
      (countermeasure === 'isolate' || countermeasure === 'evict')
    ) {
      await setIncidentState(tx, moved.incidentId, 'contained', now)
      await appendAudit(tx, runner.clock, {
        ...actor,
        action: 'incident contained',
        subject: `incident/${moved.incidentId}`,
        details: { proposalId, observation: result.observation },
      })
    }
    return moved
  })
}

async function supersede(
  tx: Transaction,
  runner: Runner,
  proposalId: string,
  result: ExecutionResult,
  now: Date,
): Promise<Proposal | undefined> {
  const proposal = await locked(tx, proposalId)
  const reason = `Nothing was done: ${result.drift.join('; ')}.`
  const moved = await moveProposal(tx, proposalId, ['executing'], { state: 'superseded', reason, result }, now)
  if (moved === undefined) return undefined
  const { proposal: again } = await insertProposal(tx, { ...proposal, reason: proposal.reason }, now)
  await moveProposal(tx, proposalId, ['superseded'], { state: 'superseded', reason, supersededBy: again.id }, now)
  await audit(tx, runner, actor, 'proposal drifted', proposal, { drift: result.drift, supersededBy: again.id })
  await audit(tx, runner, actor, 'proposal requested', again, { action: again.action, target: again.target, supersedes: proposalId })
  return getProposal(tx, { id: proposalId })
}

async function reopen(tx: Transaction, runner: Runner, proposal: Proposal): Promise<void> {
  await setIncidentState(tx, proposal.incidentId as string, 'open', runner.clock.now())
  await appendAudit(tx, runner.clock, {
    ...actor,
    action: 'incident reopened',
    subject: `incident/${proposal.incidentId}`,
    details: { proposalId: proposal.id, why: 'its containment was undone' },
  })
}

/** The executor went away in the middle: only looking can tell how far it came. */
async function lookAtWhatIs(runner: Runner, plan: Plan, cause: unknown): Promise<ExecutionResult> {
  const why = messageOf(cause)
  let observation: Observation
  try {
    observation = await runner.executor.verify(plan)
  } catch (error) {
    return {
      ...failed(
        runner,
        `It was interrupted (${why}) and the cluster could not be looked at (${messageOf(error)}): look for yourself before you propose it again.`,
        plan.undoRequests,
      ),
      status: 'partial',
    }
  }
  const status = observation.level === 'none' ? 'failed' : observation.level === 'accepted' ? 'partial' : 'succeeded'
  return {
    status,
    text: `It was interrupted (${why}) and not run again. ${observation.text}`,
    undo: status === 'failed' ? [] : plan.undoRequests,
    observation,
    drift: [],
    at: runner.clock.now().toISOString(),
  }
}

const failed = (runner: Runner, text: string, undo: ExecutionResult['undo']): ExecutionResult => ({
  status: 'failed',
  text,
  undo,
  drift: [],
  observation: { level: 'none', text: 'Not looked at.', remaining: [] },
  at: runner.clock.now().toISOString(),
})
const messageOf = (error: unknown): string => (error instanceof FalconerError || error instanceof Error ? error.message : String(error))
