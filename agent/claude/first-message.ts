/**
 * What a conversation begins with: the case file as tools tell it, so that few questions are left; or, of an incident that a model has reported on before,
 * that report and what came since. Text of others is fenced and masked by the same code as a tool's answer.
 */
import type { EvidenceRef } from '../../domain/evidence.ts'
import { stringifyExact } from '../../domain/exact-json.ts'
import { redactDeep } from '../../domain/redact.ts'
import { claimParts, type GroundedClaim, type Report } from '../../domain/report.ts'
import type { CaseFile } from '../../incidents/case-file.ts'
import { lastHeard } from '../../incidents/record-field.ts'
import type { Investigation } from '../../store/investigations.ts'
import { fitting } from '../../tools/page.ts'
import { fenceNote, quote } from '../../tools/quoted.ts'
import { caseView } from '../../tools/views/case-file.ts'

/** Bytes. */
const share = { sources: 1_200, report: 7_000 }

export function firstMessage(file: CaseFile, earlier: Investigation | undefined): string {
  const report = earlier?.report ?? null
  return report === null || earlier === undefined ? wholeCase(file) : whatIsNew(file, earlier, report)
}

const wholeCase = (file: CaseFile): string => `Investigate this incident. ${caseText(file)}`

/** The case file, as tools tell it. */
export const caseText = (file: CaseFile): string => `${fenceNote}\n${shown({ ...caseView(file), sources: sources(file) })}`

/** A report of before is a model's words about records: it stands fenced, and each claim of it with what it cited. */
function whatIsNew(file: CaseFile, { startedAt }: Investigation, report: Report): string {
  const since = file.alerts.filter(({ alert }) => alert.receivedAt > startedAt)
  const { incident, alerts, alertsLeft, processes, places, unknowns, rootCauses } = caseView({ ...file, alerts: since })
  const told = claimParts.flatMap((part) => report[part].map((claim) => claimShown(part, claim)))
  const before = { verdict: report.verdict, confidence: report.confidence, claims: fitting(told, share.report), claimsLeft: 0 }
  before.claimsLeft = told.length - before.claims.length
  return `You have reported on this incident before; alerts came since. Write the report anew: keep what still holds, with its citations, and say what the new alerts change. \`get_case_file\` has the whole case. ${fenceNote}
${shown({ incident, before, newAlerts: alerts, newAlertsLeft: since.length === 0 ? 0 : alertsLeft, processes, places, rootCauses, unknowns, sources: sources(file) })}`
}

const claimShown = (part: string, { text, kind, grounded, evidence }: GroundedClaim) => ({
  part,
  text: quote(text, 400),
  kind,
  ...(grounded ? {} : { hypothesis: true }),
  cites: [...new Set(evidence.map(citeOf))].slice(0, 6).map((cite) => quote(cite, 120)),
})
const citeOf = ({ record, id }: EvidenceRef): string => `${record}:${id}`

/** What claims of absence cite. */
const sources = ({ coverage, incident }: CaseFile) =>
  fitting(
    coverage
      .filter(({ scope }) => scope === incident.scope)
      .map((source) => ({ cite: quote(`coverage:${source.name}`, 120), collector: source.collector, lastSeenAt: lastHeard(source) })),
    share.sources,
  )

const shown = (value: unknown): string => stringifyExact(redactDeep(value))
