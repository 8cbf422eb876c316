import { z } from 'zod'
import { parseId, shortId } from '../../domain/ids.ts'
import { ProposalState } from '../../domain/proposal.ts'
import { findProposal } from '../../store/find.ts'
import { approvalsOf, getProposal, listProposals } from '../../store/proposals.ts'
import { bullets, document, fields, heading, inert } from '../markdown.ts'
import { Quoted, quote, quoteOrNull } from '../quoted.ts'
import { resource } from '../resource.ts'

/** Proposed actions: what is asked for, what exactly would be sent, who decided what, and what came of it. */
export const proposalResource = resource({
  kind: 'proposal',
  toolset: 'respond',
  title: 'Proposal',
  description:
    'An action that was proposed: its plan, who decided what, what was observed afterwards. People approve on its page, never here.',
  by: 'id',
  permission: 'proposals.read',
  output: z.object({
    id: z.string(),
    action: z.string(),
    state: ProposalState,
    stateReason: Quoted.nullable(),
    target: Quoted,
    cluster: z.string(),
    reason: Quoted,
    proposedBy: Quoted,
    incident: z.string().nullable(),
    plan: z
      .object({
        hash: z.string().nullable(),
        summary: Quoted,
        blastRadius: Quoted,
        warnings: z.array(Quoted),
        undo: Quoted.nullable(),
        diff: Quoted,
        simulated: z.boolean(),
      })
      .nullable(),
    decisions: z.array(z.object({ decision: z.string(), by: Quoted, at: z.string(), reason: Quoted })),
    result: z.object({ status: z.string(), text: Quoted, observed: z.string(), remaining: z.array(Quoted) }).nullable(),
    expiresAt: z.string().nullable(),
    approve: z.string().describe('Where a person decides'),
  }),
  list: async ({ db }) =>
    (await listProposals(db, { states: ['requested', 'planning', 'pending', 'approved', 'executing'] }, 20)).map((one) => ({
      id: shortId('proposal', one.id),
      title: `${one.action} on ${quote(one.target.name, 80)}`,
      description: `Proposed and ${one.state}`,
    })),
  complete: async (text, { db }) =>
    (await listProposals(db, {}, 200))
      .map(({ id }) => shortId('proposal', id))
      .filter((id) => id.startsWith(text.toLowerCase()))
      .slice(0, 100),
  read: async (id, { db, pages }) => {
    const one = await findProposal(db, id)
    const { plan, result, target } = one
    return {
      id: shortId('proposal', one.id),
      action: one.action,
      state: one.state,
      stateReason: quoteOrNull(one.stateReason, 400),
      target: quote(`${target.kind} ${target.namespace === null ? '' : `${target.namespace}/`}${target.name}`, 300),
      cluster: one.scope,
      reason: quote(one.reason, 1_000),
      proposedBy: quote(one.proposedBy.name, 100),
      incident: one.incidentId === null ? null : shortId('incident', one.incidentId),
      plan: plan && {
        hash: one.planHash,
        summary: quote(plan.summary, 600),
        blastRadius: quote(plan.blastRadius.summary, 600),
        warnings: plan.warnings.slice(0, 20).map((warning) => quote(warning, 300)),
        undo: quoteOrNull(plan.undo, 400),
        diff: quote(plan.diff, 4_000),
        simulated: plan.simulated,
      },
      decisions: (await approvalsOf(db, one.id)).map((approval) => ({
        decision: approval.decision,
        by: quote(approval.name, 100),
        at: approval.at.toISOString(),
        reason: quote(approval.reason, 400),
      })),
      result: result && {
        status: result.status,
        text: quote(result.text, 600),
        observed: result.observation.level,
        remaining: result.observation.remaining.slice(0, 20).map((open) => quote(open, 200)),
      },
      expiresAt: one.expiresAt?.toISOString() ?? null,
      approve: `${pages}/proposals/${shortId('proposal', one.id)}`,
    }
  },
  markdown: (one) =>
    document(
      heading(1, `${one.action} on ${inert(one.target)}`),
      fields({
        State: one.stateReason === null ? one.state : `${one.state}: ${inert(one.stateReason)}`,
        Cluster: one.cluster,
        'Proposed by': inert(one.proposedBy),
        Reason: inert(one.reason),
        Incident: one.incident,
        Expires: one.expiresAt,
        'A person decides at': one.approve,
      }),
      one.plan === null
        ? 'It is not planned yet.'
        : document(
            heading(2, one.plan.simulated ? 'Plan (simulated cluster)' : 'Plan'),
            inert(one.plan.summary),
            fields({
              Hash: one.plan.hash,
              Reaches: inert(one.plan.blastRadius),
              Undo: one.plan.undo === null ? 'cannot be undone' : inert(one.plan.undo),
            }),
            bullets(one.plan.warnings.map(inert), ''),
            inert(one.plan.diff),
          ),
      heading(2, 'Decisions'),
      bullets(
        one.decisions.map(({ decision, by, at, reason }) => `${at}: ${decision} by ${inert(by)}: ${inert(reason)}`),
        'Nobody has decided yet.',
      ),
      one.result === null
        ? null
        : document(
            heading(2, 'What came of it'),
            `${one.result.status}; observed: ${one.result.observed}. ${inert(one.result.text)}`,
            bullets(
              one.result.remaining.map((open) => `still open: ${inert(open)}`),
              '',
            ),
          ),
    ),
  version: async (id, { db }) => {
    const by = parseId('proposal', id)
    const one = by === undefined ? undefined : await getProposal(db, by)
    return one && `${one.state} ${one.updatedAt.getTime()} ${(await approvalsOf(db, one.id)).length}`
  },
})
