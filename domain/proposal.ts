/**
 * A proposal: one action on one recorded target, planned by the executor, approved by people, run at most once.
 * The plan is what people are shown and approve; its hash, over all of it, is on the card, in the approval and at the executor.
 */
import { z } from 'zod'

export const proposalStates = [
  'requested',
  'planning',
  'pending',
  'unplannable',
  'approved',
  'rejected',
  'expired',
  'superseded',
  'executing',
  'succeeded',
  'partial',
  'failed',
  'reverting',
  'reverted',
] as const
export const ProposalState = z.enum(proposalStates)
export type ProposalState = z.infer<typeof ProposalState>
export const finalStates: readonly ProposalState[] = [
  'unplannable',
  'rejected',
  'expired',
  'superseded',
  'succeeded',
  'partial',
  'failed',
  'reverted',
]

/** A target that inventory recorded: the entity row, and the UID that names it in its cluster. */
export const ActionTarget = z.object({
  scope: z.string(),
  kind: z.enum(['pod', 'workload', 'node']),
  entityId: z.string(),
  namespace: z.string().nullable(),
  name: z.string(),
  uid: z.string(),
  workloadKind: z.string().nullable(),
})
export type ActionTarget = z.infer<typeof ActionTarget>

/** One request to the cluster's API, exactly as it will be sent. */
export const PlannedRequest = z.object({
  verb: z.enum(['create', 'apply', 'patch', 'delete', 'read']),
  resource: z.string().describe('e.g. "pods", "networkpolicies.networking.k8s.io"'),
  namespace: z.string().nullable(),
  name: z.string(),
  body: z.unknown().nullable().describe('Manifest, patch or delete options'),
})
export type PlannedRequest = z.infer<typeof PlannedRequest>

export const Plan = z.object({
  action: z.string(),
  params: z.record(z.string(), z.unknown()),
  target: ActionTarget,
  declared: z
    .object({ specDigest: z.string(), labels: z.record(z.string(), z.string()), owner: z.string().nullable(), images: z.array(z.string()) })
    .describe('What the target declared when planned; a change is drift. Status is left out on purpose'),
  requests: z.array(PlannedRequest),
  blastRadius: z.object({
    summary: z.string(),
    affected: z.array(z.object({ kind: z.string(), namespace: z.string().nullable(), name: z.string() })),
  }),
  summary: z.string().describe('One sentence: what will change'),
  diff: z.string().describe('Human-readable before/after'),
  warnings: z.array(z.string()),
  undo: z.string().nullable().describe('How it is undone, in words; null: cannot be undone'),
  undoRequests: z
    .array(PlannedRequest)
    .describe('Exactly what is sent to undo it, first to last; the undo of the last request comes first'),
  simulated: z.boolean(),
  clusterId: z.string().describe('UID of kube-system: which cluster answered'),
  evidenceFirst: z.array(z.string()).describe('What is stored before anything is destroyed'),
})
export type Plan = z.infer<typeof Plan>

export const Observation = z.object({
  level: z.enum(['none', 'accepted', 'applied', 'effect_observed']).describe('Only effect_observed says "contained"'),
  text: z.string(),
  remaining: z.array(z.string()).describe('What is still open'),
})
export type Observation = z.infer<typeof Observation>

/** What was done. `undo` is that part of the plan’s undo that fits what was done; empty when there is nothing to undo. */
export type Outcome = { status: 'succeeded' | 'partial' | 'failed'; text: string; undo: PlannedRequest[] }

/** Something collected before it can be lost (logs, a manifest); stored and hashed before the action goes on. */
export const Artifact = z.object({ name: z.string(), mediaType: z.string(), content: z.string() })
export type Artifact = z.infer<typeof Artifact>

export const ExecutionResult = z.object({
  status: z.enum(['succeeded', 'partial', 'failed', 'drifted', 'refused']),
  text: z.string(),
  undo: z.array(PlannedRequest),
  observation: Observation,
  drift: z.array(z.string()).describe('What had changed since the plan was approved; nothing was done then'),
  refusal: z.string().nullish().describe('Why the executor refused, as a constant word, e.g. "expired", "altered", "unavailable"'),
  at: z.string(),
})
export type ExecutionResult = z.infer<typeof ExecutionResult>

/** Who asked for it, as recorded then. */
export type Proposer = { id: string; kind: string; name: string; personId: string }

export type Proposal = {
  id: string
  incidentId: string | null
  investigationId: string | null
  scope: string
  action: string
  params: Record<string, unknown>
  target: ActionTarget
  reason: string
  state: ProposalState
  stateReason: string | null
  proposedBy: Proposer
  plan: Plan | null
  planHash: string | null
  quorum: number
  /** Pending: to be decided by then. Approved: to be started by then. Planning, executing, reverting: nobody else takes it over before then. */
  expiresAt: Date | null
  supersededBy: string | null
  /** Whose turn it is while planning, executing or reverting: only who holds it may record what came of it. */
  claimId: string | null
  result: ExecutionResult | null
  createdAt: Date
  updatedAt: Date
}
export type Approval = {
  id: string
  proposalId: string
  principalId: string
  personId: string
  name: string
  role: string
  decision: 'approve' | 'reject' | 'revert'
  planHash: string
  reason: string
  channel: string
  at: Date
}
