/**
 * What the executor does with a request: re-checks everything it was told (ticket, hash, expiry, policy, drift, which
 * cluster) and then sends exactly the approved requests, each once. It never runs one ticket twice, and what it says of
 * the end is what the cluster shows, not what was accepted.
 */
import type { KubeConfig } from '@kubernetes/client-node'
import { flowObserver, identify, readClient } from '../../clusters/client.ts'
import { KubernetesApiError } from '../../clusters/contract.ts'
import { dryRunClient, writeClient } from '../../clusters/write-client.ts'
import { canonicalJson } from '../../domain/canonical-json.ts'
import type { Clock } from '../../domain/clock.ts'
import { DeniedError, FalconerError } from '../../domain/errors.ts'
import type { Artifact, ExecutionResult, Observation, Outcome, Plan, PlannedRequest } from '../../domain/proposal.ts'
import type { PlanContext, ReadContext } from '../../responses/action.ts'
import { admitTicket, type Approved, assertApproved, type SignedTicket } from '../../responses/approved.ts'
import { getAction } from '../../responses/catalog/catalog.ts'
import { inPlace } from '../../responses/in-place.ts'
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
    const action = getAction(name)
    const parsed = action.params.safeParse(params)
    if (!parsed.success) throw new Unplannable('The parameters do not fit the action.')
    // After the defaults are in: what is not said must not slip past a limit.
    checkProposal(policy, name, parsed.data as Record<string, unknown>, target)
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
    return refusalAsResult(async (sent) => {
      const approved = await admit(signed, 'execute')
      const { plan: made } = approved
      const drift = await driftNow(made)
      if (drift.length > 0) return { ...empty(clock), status: 'drifted', text: 'The target changed after it was approved.', drift }
      const outcome = await getAction(made.action).execute(approved, { ...(await readContext()), keep, send: sender(approved, sent) })
      const observation = await observe(made, sent.count > 0)
      // Accepted, and yet nothing of it is to be seen: something set it back, or it never took effect.
      if (outcome.status === 'succeeded' && observation.level === 'none')
        return finish({ ...outcome, status: 'partial', text: `${outcome.text} But the cluster does not show it.` }, observation)
      return finish(outcome, observation)
    })
  }

  async function revert(signed: SignedTicket): Promise<ExecutionResult> {
    return refusalAsResult(async (sent) => {
      const approved = await admit(signed, 'revert')
      const { undo } = approved.ticket
      const problem = await sendUndo(undo, sender(approved, sent))
      const standing = await standingOf(undo).catch(() => null)
      if (standing?.every(Boolean) === true)
        return finish(
          { status: 'succeeded', text: 'It was undone.', undo: [] },
          { level: 'applied', text: 'The cluster shows it undone.', remaining: [] },
        )
      const why = problem ?? (standing === null ? 'the cluster could not be looked at afterwards' : 'the cluster does not show it')
      const some = standing === null || standing.some(Boolean) || problem === null
      return finish(
        { status: some ? 'partial' : 'failed', text: `${some ? 'Not all of it is undone' : 'Nothing was undone'}: ${why}.`, undo },
        await observe(approved.plan, true),
      )
    })
  }

  const standingOf = (requests: readonly PlannedRequest[]): Promise<boolean[]> =>
    Promise.all(requests.map((request) => inPlace(read, request)))

  /** After something was sent, a cluster that cannot be read leaves what it came to unknown; it does not undo the sending. */
  async function observe(made: Plan, sentSome: boolean): Promise<Observation> {
    try {
      return await verify(made)
    } catch (error) {
      return {
        level: sentSome ? 'accepted' : 'none',
        text: `The cluster could not be looked at afterwards: ${error instanceof Error ? error.message : String(error)}`,
        remaining: ['whether it took effect is not known'],
      }
    }
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

  /** Sends a request only if it stands, to the byte, in what was approved, no more often than it stands there, and in time. */
  function sender(approved: Approved, sent: { count: number }): (request: PlannedRequest) => Promise<void> {
    assertApproved(approved)
    const allowed = approved.requests.map((request) => canonicalJson(request))
    const client = writeClient(kubeConfig)
    return async (request) => {
      const index = allowed.indexOf(canonicalJson(request))
      if (index < 0) throw new DeniedError('not_approved', 'This request is not part of what was approved.')
      if (clock.now().getTime() > Date.parse(approved.ticket.finishBy))
        throw new DeniedError('late', `It took too long: nothing more is sent after ${approved.ticket.finishBy}.`)
      allowed.splice(index, 1)
      sent.count += 1
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
  /** Before anything was sent, whatever is in the way is a refusal with its reason; afterwards only looking can tell. */
  const refusalAsResult = async (work: (sent: { count: number }) => Promise<ExecutionResult>): Promise<ExecutionResult> => {
    const sent = { count: 0 }
    try {
      return await work(sent)
    } catch (error) {
      if (sent.count > 0 || !(error instanceof FalconerError)) throw error
      const refusal = error instanceof DeniedError ? error.reason : 'unavailable'
      return { ...empty(clock), status: 'refused', text: `Nothing was done: ${error.message}`, refusal }
    }
  }
  return { plan, execute, revert, verify, standing: standingOf, status }
}

/** Sends an undo in order; answers why it stopped early, if it did. */
async function sendUndo(undo: readonly PlannedRequest[], send: (request: PlannedRequest) => Promise<void>): Promise<string | null> {
  for (const request of undo)
    try {
      await send(request)
    } catch (error) {
      // Gone already: whether that is what the undo wanted is read back at the end.
      if (error instanceof KubernetesApiError && error.status === 404) continue
      return error instanceof Error ? error.message : String(error)
    }
  return null
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
