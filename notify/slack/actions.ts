/**
 * What buttons of cards say. Cards write it and apps/slack reads it, which trusts none of it: it names a record and the plan that was shown, and what may be
 * done with them is decided anew from the rows.
 */
import { z } from 'zod'

/** `action_id`s. `open` has a URL and asks nothing of Falconer. */
export const slackActions = {
  approve: 'proposal.approve',
  reject: 'proposal.reject',
  investigate: 'incident.investigate',
  notAnIncident: 'incident.not_an_incident',
  open: 'open',
} as const

/** The `value` of Approve and Reject; of a button of an incident it is the incident's id. */
export const ProposalButton = z.object({ proposal: z.string(), planHash: z.string() })
export type ProposalButton = z.infer<typeof ProposalButton>

export const proposalButton = ({ proposal, planHash }: ProposalButton): string => JSON.stringify({ proposal, planHash })

/** Undefined: no button of ours says this. */
export function readProposalButton(value: string | undefined): ProposalButton | undefined {
  try {
    return ProposalButton.safeParse(JSON.parse(value ?? '')).data
  } catch {
    return undefined
  }
}
