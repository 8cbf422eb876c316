/** What is said of a proposal outside: itself, who decided, and the incident it is for. From rows; nothing of it is an analyst's but the reason, which says so. */
import type { Approval, Proposal } from '../domain/proposal.ts'
import { getAction } from '../responses/catalog/catalog.ts'
import { type Policy, pageOnly } from '../responses/policy.ts'
import type { Queryable } from '../store/database.ts'
import { getEntity } from '../store/entities.ts'
import { incidentsById } from '../store/incidents.ts'
import { approvalsOf, getProposal } from '../store/proposals.ts'
import { factsOfIncidents, type IncidentFacts, labelsOf } from './incident-facts.ts'

export type ProposalFacts = {
  proposal: Proposal
  approvals: readonly Approval[]
  /** Of the action, as the catalogue says it. */ title: string
  /** By policy: approved on the page, nowhere else. */ pageOnly: boolean
  /** Its page, and that of its incident. */ url: string
  incidentUrl: string | null
  incident: IncidentFacts | null
  /** Of its target. */ labels: Readonly<Record<string, string>>
}

export async function factsOfProposal(db: Queryable, id: string, base: string, policy: Policy): Promise<ProposalFacts | undefined> {
  const proposal = await getProposal(db, { id })
  if (proposal === undefined) return undefined
  const { incidentId, action, target } = proposal
  const [incident] = incidentId === null ? [] : await factsOfIncidents(db, await incidentsById(db, [incidentId]), base)
  return {
    proposal,
    approvals: await approvalsOf(db, id),
    title: getAction(action).title,
    pageOnly: isPageOnly(policy, action),
    url: `${base}/proposals/${id}`,
    incidentUrl: incident?.url ?? null,
    incident: incident ?? null,
    labels: labelsOf(await getEntity(db, target.entityId)),
  }
}

/** An action that the policy has switched off since is approved nowhere. */
const isPageOnly = (policy: Policy, action: string): boolean => !Object.hasOwn(policy.actions, action) || pageOnly(policy, action)
