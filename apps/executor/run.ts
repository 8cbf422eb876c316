/**
 * What the executor does with a request: re-checks everything it was told (ticket, hash, expiry, policy, drift, which
 * cluster) and then sends exactly the approved requests. It never runs one ticket twice.
 */
import type { KubeConfig } from '@kubernetes/client-node'
import { flowObserver, identify, readClient } from '../../clusters/client.ts'
import { KubernetesApiError } from '../../clusters/contract.ts'
import { dryRunClient, writeClient } from '../../clusters/write-client.ts'
import { canonicalJson } from '../../domain/canonical-json.ts'
import type { Clock } from '../../domain/clock.ts'
import { DeniedError, FalconerError, UpstreamError } from '../../domain/errors.ts'
import type { Artifact, ExecutionResult, Observation, Outcome, Plan, PlannedRequest } from '../../domain/proposal.ts'
import type { PlanContext, ReadContext } from '../../responses/action.ts'
import { admitTicket, type Approved, assertApproved, type SignedTicket } from '../../responses/approved.ts'
import { getAction } from '../../responses/catalog/catalog.ts'
import { driftBetween } from '../../responses/drift.ts'
import type { ClusterStatus, PlanRequest } from '../../responses/executor.ts'
import { checkPlan, checkProposal, type Policy } from '../../responses/policy.ts'
import { Unplannable } from '../../responses/unplannable.ts'

export type ExecutorOptions = {
  kubeConfig: KubeConfig
  policy: Policy
  publicKey: string
  actionsEnabled: boolean
  /** The cluster's name in inventory; targets of other scopes are refused. Null takes any. */ scope: string | null
  clock: Clock
  wait?: (milliseconds: number) => Promise<void>
}
type Keep = (artifact: Artifact) => Promise<void>

export function createExecutor({ kubeConfig, policy, publicKey, actionsEnabled, scope, clock, wait = pause }: ExecutorOptions) {
  const used = new Set<string>()
  const read = readClient(kubeConfig)
  const readContext = async (): Promise<ReadContext & { clusterId: string; simulated: boolean }> => {
    const { clusterId, simulated } = await identify(kubeConfig)
    return { read, wait, clusterId, simulated, flows: flowObserver(kubeConfig, simulated) }
  }

  async function plan({ action: name, params, target }: PlanRequest): Promise<Plan> {
    if (scope !== null && target.scope !== scope)
      throw new Unplannable(`The target is in cluster “${target.scope}”; this Falconer is connected to “${scope}” only.`)
    checkProposal(policy, name, params, target)
    const action = getAction(name)
    const parsed = action.params.safeParse(params)
    if (!parsed.success) throw new Unplannable('The parameters do not fit the action.')
    const context = await readContext()
    const rehearsal = dryRunClient(writeClient(kubeConfig))
    const planning: PlanContext = {
      ...context,
      rehearse: async (request) => {
        await refusalAsReason(rehearsal.send(request))
      },
    }
    const parts = await action.plan(parsed.data as never, target, planning)
    const made: Plan = {
      ...parts,
      action: name,
      params: parsed.data as Record<string, unknown>,
      target,
      simulated: context.simulated,
      clusterId: context.clusterId,
    }
    checkPlan(policy, made)
    return made
  }

  /** Everything that must hold at this moment, or the reason why nothing is done. */
  async function admit(signed: SignedTicket, kind: 'execute' | 'revert'): Promise<Approved> {
    const approved = admitTicket(signed, publicKey, clock)
    const { ticket } = approved
    if (ticket.kind !== kind) throw new DeniedError('forged', `A ticket to ${ticket.kind} cannot be used to ${kind}.`)
    if (used.has(ticket.claimId)) throw new DeniedError('used', 'This ticket was used before.')
    used.add(ticket.claimId)
    const { clusterId, simulated } = await identify(kubeConfig)
    if (clusterId !== ticket.plan.clusterId || simulated !== ticket.plan.simulated)
      throw new DeniedError('cluster', 'Another cluster answers than the one the plan was made for.')
    if (!simulated && !actionsEnabled) throw new DeniedError('actions_off', 'Actions on real clusters are switched off.')
    checkPlan(policy, ticket.plan)
    return approved
  }

  async function execute(signed: SignedTicket, keep: Keep): Promise<ExecutionResult> {
    return refusalAsResult(async () => {
      const approved = await admit(signed, 'execute')
      const drift = await driftNow(approved.plan)
      if (drift.length > 0) return { ...empty(clock), status: 'drifted', text: 'The target changed after it was approved.', drift }
      const outcome = await getAction(approved.plan.action).execute(approved, { ...(await readContext()), keep, send: sender(approved) })
      return finish(outcome, await verify(approved.plan))
    })
  }

  async function revert(signed: SignedTicket): Promise<ExecutionResult> {
    return refusalAsResult(async () => {
      const approved = await admit(signed, 'revert')
      const send = sender(approved)
      for (const request of approved.requests)
        await send(request).catch((error: unknown) => {
          // Gone already is what undoing a creation wants.
          if (!(error instanceof KubernetesApiError && error.status === 404)) throw error
        })
      return finish({ status: 'succeeded', text: 'It was undone.', undo: [] }, await verify(approved.plan))
    })
  }

  async function driftNow(approved: Plan): Promise<string[]> {
    try {
      return driftBetween(approved, await plan({ action: approved.action, params: approved.params, target: approved.target }))
    } catch (error) {
      if (error instanceof DeniedError) return [error.message.replace(/\.$/, '')]
      throw error
    }
  }

  async function verify(made: Plan): Promise<Observation> {
    return getAction(made.action).verify(made, await readContext())
  }

  /** Sends a request only if it stands, to the byte, in what was approved, and no more often than it stands there. */
  function sender(approved: Approved): (request: PlannedRequest) => Promise<void> {
    assertApproved(approved)
    const allowed = approved.requests.map((request) => canonicalJson(request))
    const client = writeClient(kubeConfig)
    return async (request) => {
      const index = allowed.indexOf(canonicalJson(request))
      if (index < 0) throw new DeniedError('not_approved', 'This request is not part of what was approved.')
      allowed.splice(index, 1)
      await client.send(request)
    }
  }

  async function status(): Promise<ClusterStatus> {
    try {
      const { clusterId, simulated, version } = await identify(kubeConfig)
      return {
        reachable: true,
        clusterId,
        simulated,
        version,
        detail: simulated ? 'simulated cluster' : actionsEnabled ? 'actions are allowed' : 'actions are switched off (FALCONER_ACTIONS)',
      }
    } catch (error) {
      return {
        reachable: false,
        clusterId: null,
        simulated: false,
        version: null,
        detail: error instanceof Error ? error.message : String(error),
      }
    }
  }

  const finish = (outcome: Outcome, observation: Observation): ExecutionResult => ({
    ...outcome,
    observation,
    drift: [],
    at: clock.now().toISOString(),
  })
  const refusalAsResult = async (work: () => Promise<ExecutionResult>): Promise<ExecutionResult> => {
    try {
      return await work()
    } catch (error) {
      if (error instanceof UpstreamError || !(error instanceof FalconerError)) throw error
      return { ...empty(clock), status: 'refused', text: error.message }
    }
  }
  return { plan, execute, revert, verify, status }
}

const empty = (clock: Clock): ExecutionResult => ({
  status: 'failed',
  text: '',
  undo: [],
  observation: { level: 'none', text: 'Nothing was done.', remaining: [] },
  drift: [],
  at: clock.now().toISOString(),
})
const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, milliseconds)
  })

/** What the API server refuses in a rehearsal it would refuse in earnest: a reason for the person, not a failure of ours. */
async function refusalAsReason(sending: Promise<unknown>): Promise<void> {
  try {
    await sending
  } catch (error) {
    if (error instanceof KubernetesApiError)
      throw new Unplannable(
        error.status === 403
          ? `The executor’s account may not do this: ${error.message}`
          : `The cluster would refuse this: ${error.message}`,
      )
    throw error
  }
}
