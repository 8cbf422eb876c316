/** One finding for a terminal: what it is, what to do, who says so in which words. */
import { safe, shortTime } from './output.ts'
import type { FindingDecisionRow, FindingRow, WitnessRow } from './rows.ts'

export type FindingAnswer = { finding: FindingRow; witnesses: WitnessRow[]; decisions: FindingDecisionRow[] }

export function findingText({ finding, witnesses, decisions }: FindingAnswer): string {
  const fixedIn = [...new Set(witnesses.flatMap((one) => one.package?.fixedIn ?? []))]
  const remedies = [...new Set(witnesses.flatMap((one) => (one.remediation === null ? [] : [one.remediation])))]
  return [
    safe(finding.title, 300),
    `${finding.severity ?? 'not rated'}, ${finding.status}${finding.reopened ? ' (came back)' : ''} since ${shortTime(finding.statusSince)} UTC, ${finding.class}`,
    `check     ${safe([finding.check, ...finding.aliases].join(', '), 300)}`,
    `where     ${safe(finding.resource.name, 200)} (${finding.resource.kind}) ${safe(finding.resource.key, 300)}`,
    ...(finding.package === null ? [] : [`package   ${safe(finding.package.key, 300)}`]),
    ...(finding.use === null
      ? []
      : [`use       ${safe(finding.use.text, 400)}${finding.use.alertId === null ? '' : `, alert ${finding.use.alertId}`}`]),
    ...(fixedIn.length === 0 ? [] : [`fixed in  ${safe(fixedIn.join(' or '), 200)}`]),
    ...remedies.map((text) => `to do     ${safe(text, 1_000)}`),
    '',
    ...witnesses.flatMap(witnessLines),
    ...decisions.map(
      (one) =>
        `${shortTime(one.at)} ${safe(one.by, 60)}: ${one.decision}${one.until === null ? '' : ` until ${shortTime(one.until)}`}: ${safe(one.reason, 300)}`,
    ),
  ].join('\n')
}

const witnessLines = (one: WitnessRow): string[] => [
  `${safe(one.scanner, 60)}${one.version === null ? '' : ` ${safe(one.version, 40)}`}: ${one.outcome}${one.outcomeReason === null ? '' : ` (${safe(one.outcomeReason, 300)})`}, ${safe(one.target, 120)}, last ${shortTime(one.lastSeenAt)}`,
  ...(one.description === null ? [] : [`  ${safe(one.description, 600)}`]),
  ...one.paths.slice(0, 5).map((path) => `  found in ${safe(path, 200)}`),
  ...(one.paths.length > 5 ? [`  and ${one.paths.length - 5} other places`] : []),
]
