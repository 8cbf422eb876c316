/** How the API shows a proposal: its plan, its decisions, what came of it. */
import { z } from 'zod'
import { shortId } from '../../../../domain/ids.ts'
import { ActionTarget, type Approval, ExecutionResult, Plan, type Proposal, ProposalState } from '../../../../domain/proposal.ts'
import type { StoredArtifact } from '../../../../store/proposals.ts'
import { date } from './fields.ts'

export const ProposalView = z.object({
  id: z.string(),
  shortId: z.string(),
  incidentId: z.string().nullable(),
  investigationId: z.string().nullable(),
  action: z.string(),
  params: z.record(z.string(), z.unknown()),
  target: ActionTarget,
  reason: z.string(),
  state: ProposalState,
  stateReason: z.string().nullable(),
  proposedBy: z.object({ id: z.string(), kind: z.string(), name: z.string(), personId: z.string() }),
  plan: Plan.nullable(),
  planHash: z.string().nullable(),
  quorum: z.number().int(),
  expiresAt: date.nullable(),
  supersededBy: z.string().nullable(),
  result: ExecutionResult.nullable(),
  approvals: z
    .array(z.object({ name: z.string(), role: z.string(), decision: z.string(), reason: z.string(), channel: z.string(), at: date }))
    .optional(),
  artifacts: z
    .array(
      z.object({ id: z.string(), name: z.string(), mediaType: z.string(), size: z.number().int(), sha256: z.string(), createdAt: date }),
    )
    .optional(),
  createdAt: date,
  updatedAt: date,
})
export const proposalView = (
  proposal: Proposal,
  more: { approvals?: Approval[]; artifacts?: StoredArtifact[] } = {},
): z.infer<typeof ProposalView> => ({
  shortId: shortId('proposal', proposal.id),
  id: proposal.id,
  incidentId: proposal.incidentId,
  investigationId: proposal.investigationId,
  action: proposal.action,
  params: proposal.params,
  target: proposal.target,
  reason: proposal.reason,
  state: proposal.state,
  stateReason: proposal.stateReason,
  proposedBy: proposal.proposedBy,
  plan: proposal.plan,
  planHash: proposal.planHash,
  quorum: proposal.quorum,
  expiresAt: proposal.expiresAt,
  supersededBy: proposal.supersededBy,
  result: proposal.result,
  createdAt: proposal.createdAt,
  updatedAt: proposal.updatedAt,
  ...(more.approvals === undefined
    ? {}
    : {
        approvals: more.approvals.map(({ name, role, decision, reason, channel, at }) => ({ name, role, decision, reason, channel, at })),
      }),
  ...(more.artifacts === undefined ? {} : { artifacts: more.artifacts }),
})
