/** Plans and runs isolate_pod without a cluster behind it, under a policy as a test sets it: for sequences of decisions, thousands of them. */
import type { ActionTarget, ExecutionResult, Plan } from '../../domain/proposal.ts'
import type { Runner } from '../../responses/execute.ts'
import { loadPolicy } from '../../responses/policy.ts'
import type { Setting } from './approval-model.ts'

export type Runs = { execute: number; revert: number }

/** Counts in `runs` what it executes and undoes; `impact` as the policy may say it of the action. */
export function runnerFor(
  { db, clock, privateKey }: Pick<Runner, 'db' | 'clock' | 'privateKey'>,
  given: Setting,
  runs: Runs,
  impact?: 'normal' | 'high',
): Runner {
  const result = (undo: Plan['undoRequests']): ExecutionResult => ({
    status: 'succeeded',
    text: 'done',
    undo,
    observation: { level: 'applied', text: '', remaining: [] },
    drift: [],
    at: clock.now().toISOString(),
  })
  const unused = async (): Promise<never> => {
    throw new Error('not asked for')
  }
  const policy = {
    ...loadPolicy(),
    agentProposalsPerHour: 1_000_000,
    actions: {
      'kubernetes.isolate_pod': {
        quorum: given.quorum,
        approvers: given.approvers,
        proposerExcluded: given.proposerExcluded,
        params: {},
        impact,
      },
    },
  }
  return {
    db,
    clock,
    policy,
    actionsEnabled: given.actionsEnabled,
    privateKey,
    executor: {
      plan: async ({ target }) => planFor(target, given.simulated),
      execute: async ({ ticket }) => {
        runs.execute += 1
        return result(ticket.plan.undoRequests)
      },
      revert: async () => {
        runs.revert += 1
        return result([])
      },
      verify: unused,
      standing: unused,
      status: unused,
      close: unused,
    },
  }
}

/** A plan of an isolate_pod. */
const planFor = (target: ActionTarget, simulated: boolean): Plan => {
  const undo = { verb: 'delete' as const, resource: 'networkpolicies.networking.k8s.io', namespace: 'shop', name: 'q', body: null }
  return {
    action: 'kubernetes.isolate_pod',
    params: {},
    target,
    declared: { specDigest: 'v1:0', labels: {}, owner: null, images: [] },
    requests: [{ ...undo, verb: 'create', body: {} }],
    blastRadius: { summary: '1 pod', affected: [{ kind: 'Pod', namespace: 'shop', name: target.name }] },
    summary: 's',
    diff: 'd',
    warnings: [],
    undo: 'u',
    undoRequests: [undo],
    simulated,
    clusterId: 'c',
    evidenceFirst: [],
  }
}
