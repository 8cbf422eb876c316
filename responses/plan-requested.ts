/** Planning: what was requested is planned by the executor, checked against policy, and put before people with its hash. */
import { newId } from '../domain/ids.ts'
import { DeniedError, FalconerError, UpstreamError } from '../domain/errors.ts'
import { executorPrincipal } from '../domain/principal.ts'
import type { Plan, Proposal } from '../domain/proposal.ts'
import { moveProposal } from '../store/proposals.ts'
import { planHash } from './approved.ts'
import { audit, type ResponseContext } from './context.ts'
import type { Executor } from './executor.ts'
import { checkPlan } from './policy.ts'

/** No planner takes longer; after that another may plan it anew. */
const planWithinMs = 300_000

const actor = { principal: executorPrincipal, channel: 'system' } as const

/** Plans one requested proposal; undefined when another planner took it. A cluster that cannot be reached leaves it requested. */
export async function planProposal(context: ResponseContext, executor: Executor, proposalId: string): Promise<Proposal | undefined> {
  const until = new Date(context.clock.now().getTime() + planWithinMs)
  const change = { state: 'planning', claimId: newId(), expiresAt: until } as const
  const taken = await moveProposal(context.db, proposalId, ['requested'], change, context.clock.now())
  if (taken === undefined) return undefined
  try {
    const plan = await executor.plan({ action: taken.action, params: taken.params, target: taken.target })
    checkPlan(context.policy, plan)
    return await putBefore(context, taken, plan)
  } catch (error) {
    if (error instanceof UpstreamError && error.retryable) {
      const again = { state: 'requested', reason: error.message, expiresAt: null } as const
      await moveProposal(context.db, proposalId, ['planning'], again, context.clock.now(), taken.claimId)
      throw error
    }
    if (!(error instanceof FalconerError)) console.error(error)
    const reason = error instanceof FalconerError ? error.message : 'Falconer failed while planning; see the server’s log.'
    return context.db.transaction(async (tx) => {
      const moved = await moveProposal(
        tx,
        proposalId,
        ['planning'],
        { state: 'unplannable', reason, expiresAt: null },
        context.clock.now(),
        taken.claimId,
      )
      if (moved !== undefined)
        await audit(tx, context, actor, 'proposal unplannable', moved, {
          reason,
          code: error instanceof DeniedError ? error.reason : 'error',
        })
      return moved
    })
  }
}

/** Whether a proposal that could not be planned cannot be now, for the very same reason. A cluster that cannot be asked is another one. */
export async function stillUnplannable(
  { policy }: Pick<ResponseContext, 'policy'>,
  executor: Executor,
  { action, params, target, stateReason }: Proposal,
): Promise<boolean> {
  try {
    checkPlan(policy, await executor.plan({ action, params, target }))
    return false
  } catch (error) {
    return error instanceof FalconerError && error.message === stateReason
  }
}

async function putBefore(context: ResponseContext, proposal: Proposal, plan: Plan): Promise<Proposal | undefined> {
  const now = context.clock.now()
  const hash = planHash(plan)
  const expiresAt = new Date(now.getTime() + context.policy.decideWithinMinutes * 60_000)
  return context.db.transaction(async (tx) => {
    const moved = await moveProposal(
      tx,
      proposal.id,
      ['planning'],
      { state: 'pending', plan, planHash: hash, expiresAt },
      now,
      proposal.claimId,
    )
    if (moved !== undefined)
      await audit(tx, context, actor, 'proposal planned', moved, {
        planHash: hash,
        summary: plan.summary,
        simulated: plan.simulated,
        clusterId: plan.clusterId,
      })
    return moved
  })
}
