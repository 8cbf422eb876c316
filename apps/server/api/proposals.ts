/** Operations on proposed actions. Deciding here takes the same path as the page, with the same refusals. */
import { z } from 'zod'
import { ProposalState } from '../../../domain/proposal.ts'
import { approve, reject } from '../../../responses/approve.ts'
import { revertProposal } from '../../../responses/execute.ts'
import { propose } from '../../../responses/propose.ts'
import { actions } from '../../../responses/catalog/catalog.ts'
import { approvalsOf, artifactsOf, listProposals } from '../../../store/proposals.ts'
import { findIncident, findProposal } from '../../../store/find.ts'
import { operation } from './operation.ts'
import { ProposalView, proposalView } from './views/proposal.ts'

const decision = z.object({
  planHash: z.string().describe('`planHash` of the plan you read: another plan is not what you decide on'),
  reason: z.string().max(2_000).default(''),
})

export const proposalOperations = [
  operation({
    id: 'listActions',
    method: 'GET',
    path: '/actions',
    permission: 'proposals.read',
    summary: 'The response catalogue',
    response: z.object({
      actions: z.array(
        z.object({
          name: z.string(),
          title: z.string(),
          description: z.string(),
          countermeasure: z.string(),
          impact: z.string(),
          destroysEvidence: z.boolean(),
          targets: z.array(z.string()),
          params: z.unknown().describe('JSON Schema'),
        }),
      ),
    }),
    run: async () => ({
      actions: actions.map(({ name, title, description, countermeasure, impact, destroysEvidence, targets, params }) => ({
        name,
        title,
        description,
        countermeasure,
        impact,
        destroysEvidence,
        targets: [...targets],
        params: z.toJSONSchema(params, { io: 'input' }),
      })),
    }),
  }),
  operation({
    id: 'listProposals',
    method: 'GET',
    path: '/proposals',
    permission: 'proposals.read',
    summary: 'Proposals, newest first',
    query: z.object({
      state: ProposalState.optional(),
      incident: z.string().optional(),
      before: z.uuid().optional().describe('Id of the last one on the page before'),
      limit: z.coerce.number().int().min(1).max(200).default(50),
    }),
    response: z.object({ proposals: z.array(ProposalView), next: z.string().nullable() }),
    run: async ({ falconer: { db }, query }) => {
      const incidentId = query.incident === undefined ? undefined : (await findIncident(db, query.incident)).id
      const proposals = await listProposals(
        db,
        { ...(query.state === undefined ? {} : { states: [query.state] }), incidentId, before: query.before },
        query.limit,
      )
      return {
        proposals: proposals.map((proposal) => proposalView(proposal)),
        next: proposals.length === query.limit ? (proposals.at(-1)?.id ?? null) : null,
      }
    },
  }),
  operation({
    id: 'getProposal',
    method: 'GET',
    path: '/proposals/:proposal',
    permission: 'proposals.read',
    summary: 'One proposal with its plan, decisions and what was collected',
    response: ProposalView,
    run: async ({ falconer: { db }, params }) => {
      const proposal = await findProposal(db, params.proposal ?? '')
      return proposalView(proposal, { approvals: await approvalsOf(db, proposal.id), artifacts: await artifactsOf(db, proposal.id) })
    },
  }),
  operation({
    id: 'createProposal',
    method: 'POST',
    path: '/proposals',
    permission: 'proposals.create',
    summary: 'Propose an action on an inventory record',
    body: z.object({
      action: z.string(),
      entityId: z.string().describe('Inventory record, see /entities'),
      params: z.record(z.string(), z.unknown()).default({}),
      reason: z.string().min(1).max(2_000),
      incident: z.string().optional(),
    }),
    response: z.object({ proposal: ProposalView, created: z.boolean().describe('False: the same proposal was open already') }),
    run: async ({ falconer, body, who }) => {
      const incidentId = body.incident === undefined ? null : (await findIncident(falconer.db, body.incident)).id
      const { proposal, created } = await propose(falconer.responses, who, {
        action: body.action,
        entityId: body.entityId,
        params: body.params,
        reason: body.reason,
        incidentId,
        investigationId: null,
      })
      falconer.changed('proposals')
      return { proposal: proposalView(proposal), created }
    },
  }),
  operation({
    id: 'approveProposal',
    method: 'POST',
    path: '/proposals/:proposal/approve',
    permission: 'proposals.decide',
    summary: 'Approve the plan with this hash. People do this on the page; tokens are refused',
    body: decision,
    response: ProposalView,
    run: async ({ falconer, params, body, who }) => {
      const proposal = await findProposal(falconer.db, params.proposal ?? '')
      const decided = await approve(falconer.responses, who, { proposalId: proposal.id, shownDigest: null, ...body })
      falconer.changed('proposals')
      return proposalView(decided)
    },
  }),
  operation({
    id: 'rejectProposal',
    method: 'POST',
    path: '/proposals/:proposal/reject',
    permission: 'proposals.decide',
    summary: 'Reject it, finally',
    body: decision,
    response: ProposalView,
    run: async ({ falconer, params, body, who }) => {
      const proposal = await findProposal(falconer.db, params.proposal ?? '')
      const decided = await reject(falconer.responses, who, { proposalId: proposal.id, shownDigest: null, ...body })
      falconer.changed('proposals')
      return proposalView(decided)
    },
  }),
  operation({
    id: 'revertProposal',
    method: 'POST',
    path: '/proposals/:proposal/revert',
    permission: 'proposals.revert',
    summary: 'Undo what was executed',
    body: z.object({ reason: z.string().max(2_000).default('') }),
    response: ProposalView,
    run: async ({ falconer, params, body, who }) => {
      const proposal = await findProposal(falconer.db, params.proposal ?? '')
      const reverted = await revertProposal(falconer.responses, who, proposal.id, body.reason)
      falconer.changed('proposals')
      return proposalView(reverted ?? proposal)
    },
  }),
]
