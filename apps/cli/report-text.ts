/** An incident and its report as plain text. A claim that is not confirmed is marked as a judgement or a hypothesis. */
import { type GroundedClaim, standingOf } from '../../domain/report.ts'
import { sentenceParts } from '../../incidents/sentence-parts.ts'
import { processName, safe, shortTime, table } from './output.ts'
import { money, whose, writtenBy } from '../../domain/written-by.ts'
import type { IncidentRow, InvestigationBriefRow, InvestigationRow, JoinRow, NormalRow, ProposalRow } from './rows.ts'

/** Values quoted in a sentence stand in “ ” on a terminal. */
export const plainSentence = (text: string): string =>
  sentenceParts(text)
    .map((part) => (part.quoted ? `“${safe(part.text, 300)}”` : safe(part.text, 1_000)))
    .join('')

const mostCauses = 3
type Claim = Pick<GroundedClaim, 'text' | 'grounded' | 'problems'>
/** Behind a sentence that is not confirmed: what it is instead. */
export const mark = (claim: Pick<GroundedClaim, 'grounded' | 'problems'>): string => (claim.grounded ? '' : `  [${standingOf(claim)}]`)
const line = (claim: Claim): string => `  · ${plainSentence(claim.text)}${mark(claim)}`
type Posture = Record<'rootCause' | 'fixFirst' | 'blastRadius', Claim[]> & { rootCauses: number }
/** What made it possible, what to change first, what could be taken next; nothing of what the report does not know. */
export function postureLines(report: Posture | null | undefined): string[] {
  if (report == null) return []
  const part = (title: string, claims: Posture['rootCause'], more = 0): string[] =>
    claims.length === 0 ? [] : [title, ...claims.map(line), ...(more > 0 ? [`  and ${more} more that may have made it possible`] : [])]
  const { rootCause, rootCauses, fixFirst, blastRadius } = report
  const causes = rootCause.slice(0, mostCauses)
  return [
    ...part('What made it possible:', causes, Math.max(rootCauses, rootCause.length) - causes.length),
    ...part('What to change first:', fixFirst),
    ...part('What could be taken next:', blastRadius),
  ]
}

export function reportText(investigation: InvestigationRow | null): string {
  if (investigation === null) return 'Not investigated. To have it done now: falconer investigate <incident>'
  const { report } = investigation
  if (report === null)
    return `The investigation is ${investigation.status}${investigation.error === null ? '' : `: ${safe(investigation.error, 400)}`}`
  return [
    `Verdict: ${report.verdict.replaceAll('_', ' ')} (${report.confidence} confidence), by ${safe(whose(report))}${report.model === null ? '' : ', a model'}`,
    ...(report.partial === null ? [] : [`! Incomplete: ${safe(report.partial, 600)}`]),
    ...report.summary.map(line),
    'Why:',
    ...report.reasons.map(line),
    ...postureLines(report),
    ...(report.unknowns.length === 0 ? [] : ['Not known:', ...report.unknowns.map((one) => `  · ${safe(one, 400)}`)]),
    ...report.actions.map(
      (one) => `Recommended: ${one.action}${one.blocked === null ? '' : `, but it cannot be proposed: ${safe(one.blocked, 300)}`}`,
    ),
    `${safe(writtenBy(report), 300)}.`,
  ].join('\n')
}

export type IncidentAnswer = {
  incident: IncidentRow
  scopes: string[]
  joins: JoinRow[]
  investigation: InvestigationRow | null
  investigations: InvestigationBriefRow[]
  triage: { says: string } | null
  normal: NormalRow[]
  proposals: ProposalRow[]
}

export const incidentText = ({
  incident,
  scopes,
  joins,
  investigation,
  investigations,
  triage,
  normal,
  proposals,
}: IncidentAnswer): string =>
  [
    `${incident.shortId}  ${incident.severity}  ${incident.state}  ${safe(incident.title, 200)}`,
    `${incident.alerts} ${incident.alerts === 1 ? 'alert' : 'alerts'}, ${shortTime(incident.firstAt)} – ${shortTime(incident.lastAt)} UTC, ${scopes.length > 1 ? `in ${scopes.map((scope) => safe(scope)).join(', ')}` : `cluster ${safe(incident.scope)}`}`,
    ...joinLines(joins),
    '',
    `Why it is ${incident.severity}:`,
    ...incident.severityReasons.map((reason) => `  · ${safe(reason.text, 300)}`),
    ...(normal.length === 0 ? [] : ['What is normal here:', ...normalLines(normal)]),
    '',
    reportText(investigation),
    ...readLines(investigation, investigations, triage),
    ...(proposals.length === 0 ? [] : ['', proposalTable(proposals)]),
  ].join('\n')

/** Whether a model was asked, and who else has read it: the playbook’s newest, and all of a model’s. */
function readLines(shown: InvestigationRow | null, all: readonly InvestigationBriefRow[], triage: { says: string } | null): string[] {
  const playbooks = all.find((one) => one.analyst === 'playbook' && one.status === 'done')
  const others = all.filter((one) => one.id !== shown?.id && (one === playbooks || one.analyst !== 'playbook'))
  const line = (one: InvestigationBriefRow): string => {
    const cost = one.usd === null || one.usd === 0 ? '' : `, ${money(one.usd)}`
    const says =
      one.verdict === null
        ? `${one.status}${one.error === null ? '' : `: ${safe(one.error, 300)}`}`
        : `${one.verdict.replaceAll('_', ' ')} (${one.confidence})`
    return `  · ${safe(whose(one))}, ${shortTime(one.startedAt)}: ${says}${one.partial === null ? '' : ', incomplete'}${cost}`
  }
  return [
    ...(triage === null ? [] : [safe(triage.says, 400)]),
    ...(others.length === 0 ? [] : ['Others who read it:', ...others.slice(0, 8).map(line)]),
  ]
}

const normalLines = (normal: readonly NormalRow[]): string[] => [
  ...normal
    .slice(0, 12)
    .map(
      (one) =>
        `  · ${safe(one.rule, 80)}${one.process === '' ? '' : ` by ${processName(one.process)}`}${one.place === '' ? '' : ` in ${safe(one.place, 80)}`}: ${one.usual.text}`,
    ),
  ...(normal.length > 12 ? [`  and ${normal.length - 12} more`] : []),
]

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
