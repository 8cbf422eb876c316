/**
 * The contract of a response action: one change to a cluster, or one collection from it, run only with a person's
 * approval. Plans hold the very requests that will be sent; actions import no client, they are given one.
 */
import type { z } from 'zod'
import type { FlowObserver, ReadClient } from '../clusters/contract.ts'
import type { ActionTarget, Artifact, Observation, Outcome, Plan, PlannedRequest } from '../domain/proposal.ts'
import type { Approved } from './approved.ts'

export type ReadContext = { read: ReadClient; flows: FlowObserver; wait(milliseconds: number): Promise<void> }
/** `rehearse` sends a request as a server-side dry run: the API server checks everything and changes nothing. */
export type PlanContext = ReadContext & { rehearse(request: PlannedRequest): Promise<void> }
/** `send` sends one request of the approved plan, and refuses any other; `keep` returns when the artifact is stored and hashed. */
export type WriteContext = ReadContext & { send(request: PlannedRequest): Promise<void>; keep(artifact: Artifact): Promise<void> }

/** What an action works out; the executor adds the name, the target and which cluster answered. */
export type PlanParts = Omit<Plan, 'action' | 'params' | 'target' | 'simulated' | 'clusterId'>
export type Rights = { apiGroup: string; resource: string; verbs: readonly string[] }

export interface ResponseAction<P extends z.ZodRawShape = z.ZodRawShape> {
  /** `<target system>.<verb_noun>`; the file's name in snake case. */
  readonly name: string
  readonly title: string
  /** What it does and what it does not, for the page and for analysts. */
  readonly description: string
  readonly countermeasure: 'isolate' | 'evict' | 'restore' | 'harden' | 'collect'
  readonly impact: 'none' | 'low' | 'disruptive' | 'destructive'
  readonly destroysEvidence: boolean
  readonly targets: readonly ActionTarget['kind'][]
  /** Strict: an unknown parameter is refused. Descriptions become the form's labels. */
  readonly params: z.ZodObject<P>
  /** Exactly what the executor's role must allow; the role is generated from these. */
  readonly permissions: readonly Rights[]
  /** Reads and rehearses. Throws Unplannable when it cannot or need not be done. */
  plan(params: z.infer<z.ZodObject<P>>, target: ActionTarget, context: PlanContext): Promise<PlanParts>
  execute(approved: Approved, context: WriteContext): Promise<Outcome>
  /** Looks at the cluster, not at the outcome: also used for a run that was interrupted. */
  verify(plan: Plan, context: ReadContext): Promise<Observation>
  /** Whether, once its effect was observed, the pods it affects are contained. */
  contains?(plan: Plan): boolean
}
// oxlint-disable-next-line typescript/no-explicit-any -- a list of actions of every parameter shape
export type AnyAction = ResponseAction<any>
