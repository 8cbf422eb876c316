/** The incident's one line: what was seen, and where. Rule names are the operator's; places come from inventory when it has them. */
import { visible } from '../domain/untrusted.ts'
import { severityId, prioritySeverity } from '../domain/severity.ts'
import type { RuleGroup } from './severity.ts'

export function incidentTitle(groups: readonly RuleGroup[], place: string): string {
  const ranked = groups.toSorted(
    (a, b) =>
      severityId(prioritySeverity[b.priority]) - severityId(prioritySeverity[a.priority]) || Number(a.firstNs - b.firstNs > 0n ? 1n : -1n),
  )
  const shown = ranked.slice(0, 2).map((group) => visible(group.rule, 80))
  const more = ranked.length - shown.length
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''} in ${visible(place, 120)}`
}
