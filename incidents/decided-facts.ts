/** The facts that people's decisions give to alerts. They hold for ever; an alert split off has no others but links of later merges. */
import type { RecordedDecision, SharedFact } from '../domain/incident.ts'

/** A decision is the same in every cluster and account. */
const everywhere = ''
export const splitFact = (decisionId: string): SharedFact => ({
  rule: 'split',
  key: decisionId,
  scope: everywhere,
  label: 'split off by a person',
  inferred: false,
})
export const linkFact = (decisionId: string): SharedFact => ({
  rule: 'merge',
  key: decisionId,
  scope: everywhere,
  label: 'merged by a person',
  inferred: false,
})

/** What all decisions, in their order, come to for each alert. */
export function decidedFacts(decisions: readonly RecordedDecision[]): Map<string, SharedFact[]> {
  const facts = new Map<string, SharedFact[]>()
  for (const { id, decision, links } of decisions) {
    if (decision.kind === 'split') for (const alertId of decision.alerts) facts.set(alertId, [splitFact(id)])
    for (const { alertId, merge } of links) facts.set(alertId, [...(facts.get(alertId) ?? []), linkFact(merge)])
  }
  return facts
}
