/** What the server may ask of the executor process. It holds the only credentials that can write, and no database. */
import type { ActionTarget, Artifact, ExecutionResult, Observation, Plan, PlannedRequest } from '../domain/proposal.ts'
import type { SignedTicket } from './approved.ts'

export type PlanRequest = { action: string; params: Record<string, unknown>; target: ActionTarget }
export type ClusterStatus = { reachable: boolean; clusterId: string | null; simulated: boolean; version: string | null; detail: string }

export interface Executor {
  /** Throws DeniedError `unplannable` or `policy`, UpstreamError when the cluster cannot be reached. */
  plan(request: PlanRequest): Promise<Plan>
  /** Runs a claimed plan once. `keep` stores an artifact and returns when it is stored: the executor waits for it. */
  execute(ticket: SignedTicket, keep: (artifact: Artifact) => Promise<void>): Promise<ExecutionResult>
  revert(ticket: SignedTicket): Promise<ExecutionResult>
  /** Looks at what is; changes nothing. */
  verify(plan: Plan): Promise<Observation>
  /** For each request, whether the cluster shows what it asked for; changes nothing. */
  standing(requests: PlannedRequest[]): Promise<boolean[]>
  status(): Promise<ClusterStatus>
  close(): Promise<void>
}
