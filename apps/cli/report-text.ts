/** An incident and its report as plain text. A claim whose records do not say so is marked as a hypothesis. */
import { sentenceParts } from '../../incidents/sentence-parts.ts'
import { safe, shortTime, table } from './output.ts'
import type { IncidentRow, InvestigationRow, JoinRow, ProposalRow } from './rows.ts'

/** Values quoted in a sentence stand in “ ” on a terminal. */
export const plainSentence = (text: string): string =>
  sentenceParts(text)
    .map((part) => (part.quoted ? `“${safe(part.text, 300)}”` : safe(part.text, 1_000)))
    .join('')

export function reportText(investigation: InvestigationRow | null): string {
  if (investigation === null) return 'Not investigated. To have it done now: falconer investigate <incident>'
  const { report } = investigation
  if (report === null)
    return `The investigation is ${investigation.status}${investigation.error === null ? '' : `: ${safe(investigation.error, 400)}`}`
  const claims = (given: { text: string; grounded: boolean }[]): string[] =>
    given.map((claim) => `  · ${plainSentence(claim.text)}${claim.grounded ? '' : '  [hypothesis]'}`)
  return [
    `Verdict: ${report.verdict.replaceAll('_', ' ')} (${report.confidence} confidence), by the ${safe(report.analyst)}`,
    ...claims(report.summary),
    'Why:',
    ...claims(report.reasons),
    ...(report.unknowns.length === 0 ? [] : ['Not known:', ...report.unknowns.map((one) => `  · ${safe(one, 400)}`)]),
    ...report.actions.map(
      (one) => `Recommended: ${one.action}${one.blocked === null ? '' : `, but it cannot be proposed: ${safe(one.blocked, 300)}`}`,
    ),
  ].join('\n')
}

export type IncidentAnswer = {
  incident: IncidentRow
  scopes: string[]
  joins: JoinRow[]
  investigation: InvestigationRow | null
  proposals: ProposalRow[]
}

export const incidentText = ({ incident, scopes, joins, investigation, proposals }: IncidentAnswer): string =>
  [
    `${incident.shortId}  ${incident.severity}  ${incident.state}  ${safe(incident.title, 200)}`,
    `${incident.alerts} alerts, ${shortTime(incident.firstAt)} – ${shortTime(incident.lastAt)} UTC, ${scopes.length > 1 ? `in ${scopes.map((scope) => safe(scope)).join(', ')}` : `cluster ${safe(incident.scope)}`}`,
    ...joinLines(joins),
    '',
    reportText(investigation),
    ...(proposals.length === 0 ? [] : ['', proposalTable(proposals)]),
  ].join('\n')

/** Moves that a relation explains; of what alerts merely share there is no end. */
function joinLines(joins: readonly JoinRow[]): string[] {
  const moves = joins.filter((one) => one.relation !== undefined)
  return moves.length === 0
    ? []
    : ['', 'How one led to another:', ...moves.map((move) => `  · ${safe(move.label, 300)}${move.inferred ? ' (inferred)' : ''}`)]
}

export const proposalTable = (proposals: readonly ProposalRow[]): string =>
  table(
    ['proposal', 'state', 'action', 'target', 'what'],
    proposals.map((one) => [
      one.shortId,
      one.state,
      one.action,
      safe(one.target.namespace === null ? one.target.name : `${one.target.namespace}/${one.target.name}`),
      safe(one.plan?.summary ?? one.stateReason ?? one.reason),
    ]),
  )

/** The exact change, line by line, and what to be warned of. */
export function proposalText(one: ProposalRow): string {
  const head = `${one.shortId}  ${one.state}  ${one.action}  ${safe(one.target.name)}`
  if (one.plan === null) return `${head}\n${safe(one.stateReason ?? one.reason, 400)}`
  return [
    head,
    safe(one.plan.summary, 300),
    ...(one.stateReason === null ? [] : [safe(one.stateReason, 400)]),
    `On ${one.plan.simulated ? 'a simulated cluster' : 'a real cluster'}.`,
    '',
    ...one.plan.diff.split('\n').map((line) => safe(line, 300)),
    ...(one.plan.warnings.length === 0 ? [] : ['', ...one.plan.warnings.map((warning) => `! ${safe(warning, 300)}`)]),
  ].join('\n')
}
