import { z } from 'zod'
import { findProposal } from '../../store/find.ts'
import { approvalsOf } from '../../store/proposals.ts'
import { Quoted, quote } from '../quoted.ts'
import { tool } from '../tool.ts'
import { Minute } from '../views/finding.ts'
import { Detail } from '../views/given.ts'
import { PlanText, planText, ProposalRow, proposalRow } from '../views/proposal.ts'

/** How a proposal stands and what would run. */
export const getProposalTool = tool({
  name: 'get_proposal',
  toolset: 'respond',
  title: 'Get a proposal',
  description:
    'One proposed action: its state, what will run in words, what it affects, how it is undone, who decided and what came of it. People approve and reject on the page it links to. To ask for one use propose_action. Example: {"proposal":"prp-1f9c04be2a"}',
  input: z.object({
    proposal: z.string().max(64).describe('Id or short form, as propose_action or get_incident tell it'),
    detail: Detail.describe('full: the diff, and every request'),
  }),
  output: z.object({
    proposal: ProposalRow,
    incident: z.uuid().nullable(),
    proposedBy: Quoted,
    reason: Quoted,
    params: Quoted,
    plan: PlanText.nullable().describe('Null: not planned yet, or it could not be'),
    approvals: z.object({ needed: z.number(), given: z.number() }),
    decided: z.array(z.object({ by: Quoted, decision: z.enum(['approve', 'reject', 'revert']), at: Minute, reason: Quoted })),
    expires: Minute.nullable().describe('Pending: to be decided by then; approved: to be started by then'),
    supersededBy: z.uuid().nullable(),
    result: z
      .object({
        status: z.enum(['succeeded', 'partial', 'failed', 'drifted', 'refused']),
        text: Quoted,
        observed: z.enum(['none', 'accepted', 'applied', 'effect_observed']).describe('Only effect_observed says contained'),
        saw: Quoted,
        stillOpen: z.array(Quoted),
      })
      .nullable(),
  }),
  access: 'read',
  permission: 'proposals.read',
  listed: true,
  run: async ({ proposal: text, detail }, { db, pages }) => {
    const proposal = await findProposal(db, text)
    const decided = await approvalsOf(db, proposal.id)
    const { plan, result } = proposal
    return {
      proposal: proposalRow(proposal, pages),
      incident: proposal.incidentId,
      proposedBy: quote(`${proposal.proposedBy.kind} ${proposal.proposedBy.name}`, 100),
      reason: quote(proposal.reason, 500),
      params: quote(JSON.stringify(proposal.params), 300),
      plan: plan === null ? null : planText(plan, detail === 'full'),
      approvals: { needed: proposal.quorum, given: decided.filter(({ decision }) => decision === 'approve').length },
      decided: decided
        .slice(0, 5)
        .map(({ name, role, decision, at, reason }) => ({
          by: quote(`${name} (${role})`, 80),
          decision,
          at: at.toISOString(),
          reason: quote(reason, 150),
        })),
      expires: proposal.expiresAt?.toISOString() ?? null,
      supersededBy: proposal.supersededBy,
      result:
        result === null
          ? null
          : {
              status: result.status,
              text: quote(result.text, 300),
              observed: result.observation.level,
              saw: quote(result.observation.text, 300),
              stillOpen: result.observation.remaining.slice(0, 5).map((one) => quote(one, 120)),
            },
    }
  },
})
