/** A proposal as tools tell it: what would run, in words; where people decide on it. Nothing here decides. */
import { z } from 'zod'
import { shortId } from '../../domain/ids.ts'
import { type Plan, type Proposal, ProposalState } from '../../domain/proposal.ts'
import { Quoted, quote, quoteOrNull } from '../quoted.ts'

export const ProposalRow = z.object({
  id: z.string(),
  short: z.string().regex(/^prp-/),
  action: z.string(),
  target: Quoted,
  cluster: z.string(),
  state: ProposalState,
  why: Quoted.nullable().describe('Why it is in this state'),
  page: z.string().describe('Where people read the plan and decide'),
})
export const proposalRow = (proposal: Proposal, pages: string): z.input<typeof ProposalRow> => ({
  id: proposal.id,
  short: shortId('proposal', proposal.id),
  action: proposal.action,
  target: quote(placeOf(proposal.target), 150),
  cluster: proposal.scope,
  state: proposal.state,
  why: quoteOrNull(proposal.stateReason, 400),
  page: `${pages}/proposals/${proposal.id}`,
})

const placeOf = ({ kind, workloadKind, namespace, name }: Proposal['target']): string =>
  `${workloadKind ?? kind} ${namespace === null ? name : `${namespace}/${name}`}`

export const PlanText = z.object({
  summary: Quoted,
  requests: z.array(Quoted).describe('What is sent, in order'),
  affects: z.object({ summary: Quoted, count: z.number(), first: z.array(Quoted) }),
  undo: Quoted.nullable().describe('How it is undone; null: it cannot be undone'),
  evidenceFirst: z.array(Quoted).describe('What is stored before anything is destroyed'),
  warnings: z.array(Quoted),
  simulated: z.boolean(),
  diff: Quoted.optional(),
})
export function planText(plan: Plan, full: boolean): z.input<typeof PlanText> {
  const most = full ? 50 : 4
  const named = (one: { namespace: string | null; name: string }): string =>
    one.namespace === null ? one.name : `${one.namespace}/${one.name}`
  const { affected, summary } = plan.blastRadius
  return {
    summary: quote(plan.summary, 300),
    requests: plan.requests.slice(0, most).map((one) => quote(`${one.verb} ${one.resource} ${named(one)}`, 150)),
    affects: {
      summary: quote(summary, 300),
      count: affected.length,
      first: affected.slice(0, most).map((one) => quote(`${one.kind} ${named(one)}`, 120)),
    },
    undo: quoteOrNull(plan.undo, 300),
    evidenceFirst: plan.evidenceFirst.slice(0, most).map((one) => quote(one, 150)),
    warnings: plan.warnings.slice(0, most).map((one) => quote(one, 200)),
    simulated: plan.simulated,
    ...(full ? { diff: quote(plan.diff, 6_000) } : {}),
  }
}
