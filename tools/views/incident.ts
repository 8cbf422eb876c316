/** An incident in the fields that matter, and what its newest report says, each sentence as its writer left it. */
import { z } from 'zod'
import type { Entity } from '../../domain/entity.ts'
import { formatEventTime } from '../../domain/event-time.ts'
import { shortId } from '../../domain/ids.ts'
import { type Incident, IncidentState, type RecordedDecision } from '../../domain/incident.ts'
import type { EvidenceRef } from '../../domain/evidence.ts'
import { claimParts, type GroundedClaim, type Report, Standing, standingOf, Verdict } from '../../domain/report.ts'
import { Priority, Severity } from '../../domain/severity.ts'
import type { RuleGroup } from '../../incidents/severity.ts'
import type { PersonsVerdict } from '../../store/verdicts.ts'
import { fitting } from '../page.ts'
import { Quoted, quote } from '../quoted.ts'

export const IncidentHead = z.object({
  id: z.string(),
  shortId: z.string(),
  title: Quoted,
  state: IncidentState,
  cluster: z.string(),
  severity: Severity,
  why: z.array(Quoted).describe('What made it this severe'),
  alerts: z.number().int(),
  expired: z.number().int().optional().describe('Of them removed since: counted, no longer to be read'),
  from: z.string(),
  to: z.string(),
  techniques: z.array(z.string()),
})
export const incidentHead = (one: Incident): z.input<typeof IncidentHead> => ({
  id: one.id,
  shortId: shortId('incident', one.id),
  title: quote(one.title, 120),
  state: one.state,
  cluster: one.scope,
  severity: one.severity,
  why: fitting(
    one.severityReasons.map(({ text }) => quote(text, 200)),
    700,
  ),
  alerts: one.alertCount,
  ...(one.expiredAlerts === 0 ? {} : { expired: one.expiredAlerts }),
  from: formatEventTime(one.firstNs),
  to: formatEventTime(one.lastNs),
  techniques: one.techniques.slice(0, 20),
})

export const RuleCount = z.object({
  rule: Quoted,
  priority: Priority,
  alerts: z.number().int(),
  from: z.string(),
  to: z.string().optional().describe('Not given: as from'),
})
export const ruleCount = ({ rule, priority, count, firstNs, lastNs }: RuleGroup): z.input<typeof RuleCount> => ({
  rule: quote(rule, 120),
  priority,
  alerts: count,
  from: formatEventTime(firstNs),
  ...(firstNs === lastNs ? {} : { to: formatEventTime(lastNs) }),
})

/** An inventory record; its id is what entity tools ask for. */
export const PlaceRow = z.object({ entity: z.string(), kind: z.string(), name: Quoted })
export const placeRow = ({ id, kind, namespace, name }: Entity): z.input<typeof PlaceRow> => ({
  entity: String(id),
  kind,
  name: quote(namespace === null ? name : `${namespace}/${name}`, 160),
})

export const evidenceText = ({ record, id, path }: EvidenceRef): string => `${record} ${id}${path === null ? '' : ` ${path}`}`

export const ReportClaim = z.object({
  part: z.enum(claimParts),
  text: Quoted,
  standing: Standing,
  evidence: z.array(Quoted).describe('record, id and field'),
})
export const reportClaims = (report: Report): z.input<typeof ReportClaim>[] =>
  claimParts.flatMap((part) =>
    report[part].map((claim) => ({
      part,
      text: quote(claim.text, 600),
      standing: standingOf(claim),
      evidence: claim.evidence.slice(0, 8).map((one) => quote(evidenceText(one), 200)),
    })),
  )

export const ReportHead = z.object({
  analyst: Quoted.describe('Who wrote it'),
  at: z.string().nullable(),
  verdict: Verdict,
  confidence: z.enum(['low', 'medium', 'high']),
  outdated: z.boolean().describe('The incident has changed since'),
  unconfirmed: z.number().int().describe('Claims that are judgements or hypotheses'),
  summary: z.array(Quoted),
})
/** What is not confirmed says so. */
export const saidIn = (claim: GroundedClaim, most: number): Quoted => quote(`${doubted[standingOf(claim)]}${claim.text}`, most)
const doubted = { confirmed: '', judgement: 'Judgement: ', hypothesis: 'Hypothesis: ' }

export const VerdictRow = z.object({ verdict: Quoted, by: Quoted, at: z.string(), reason: Quoted })
export const verdictRow = ({ verdict, by, at, reason }: PersonsVerdict): z.input<typeof VerdictRow> => ({
  verdict: quote(verdict, 40),
  by: quote(by, 60),
  at: at.toISOString(),
  reason: quote(reason, 160),
})

export const DecisionRow = z.object({ decision: z.uuid(), at: z.string(), kind: z.string(), what: Quoted })
export function decisionRow({ id, at, decision, reason }: RecordedDecision): z.input<typeof DecisionRow> {
  const said =
    decision.kind === 'note'
      ? decision.text
      : decision.kind === 'verdict'
        ? decision.verdict
        : decision.kind === 'state'
          ? decision.state
          : ''
  return {
    decision: id,
    at: at.toISOString(),
    kind: decision.kind,
    what: quote([said, reason].filter((one) => one !== '').join(': '), 300),
  }
}
