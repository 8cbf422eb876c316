/** An incident as OCSF Incident Finding (2005): one finding for each of its rules, those of posture that made it possible, its state, its verdict. Pure. */
import { fromDate } from '../../domain/event-time.ts'
import type { GroundedClaim, Verdict } from '../../domain/report.ts'
import { sentenceParts } from '../../incidents/sentence-parts.ts'
import type { Change } from '../../store/incident-notices.ts'
import type { IncidentFacts, RuleFact } from '../incident-facts.ts'
import { attacksOf, caption, milliseconds, type OcsfEvent, ocsfEvent, resourceOf } from './event.ts'

const verdictIds: Record<Verdict, number> = {
  unknown: 0,
  false_positive: 1,
  true_positive: 2,
  suspicious: 4,
  benign: 5,
  insufficient_data: 7,
}
const confidenceIds = { low: 1, medium: 2, high: 3 } as const

/** `change`: what the receiver is told of; without one, how far the incident has come. */
export function incidentFinding(facts: IncidentFacts, change: Change = changeOf(facts)): OcsfEvent {
  const { incident, rules, report, touched, url } = facts
  const { scope, firstNs, lastNs } = incident
  const ended = endOf(facts)
  const status = ended !== null ? ([5, 'Closed'] as const) : report === null && incident.state === 'open' ? newOne : inProgress
  return ocsfEvent(
    {
      class: 2005,
      change,
      severity: incident.severity,
      atNs: fromDate(incident.updatedAt),
      status,
      scope,
      message: incident.title,
      profiles: ['incident'],
    },
    {
      desc: incident.title,
      status_detail: ended ?? (incident.state === 'contained' ? 'contained' : null),
      src_url: url,
      start_time: milliseconds(firstNs),
      end_time: milliseconds(lastNs),
      count: incident.alertCount,
      attacks: attacksOf(incident.tactics, incident.techniques),
      finding_info_list: [
        ...(rules.length > 0 ? rules.map((rule) => infoOf(incident.id, rule)) : [{ uid: incident.id, title: incident.title }]),
        ...(report === null ? [] : postureInfos(report.rootCause)),
      ],
      ...(report === null
        ? {}
        : {
            verdict_id: verdictIds[report.verdict],
            verdict: caption(report.verdict),
            confidence_id: confidenceIds[report.confidence],
            confidence: caption(report.confidence),
          }),
      // The schema asks for one; Falconer assigns nobody.
      assignee_group: { name: 'unassigned' },
      unmapped: {
        incident_uid: incident.id,
        revision: incident.revision,
        correlation_version: incident.correlationVersion,
        analyst: report?.analyst,
        merged_into: incident.mergedInto,
        rules: incident.rules.length,
        resources: touched.map((one) => resourceOf({ ...one, scope })),
      },
    },
  )
}

const newOne = [1, 'New'] as const
const inProgress = [2, 'In Progress'] as const

const endOf = ({ incident: { mergedInto, state } }: IncidentFacts): string | null =>
  mergedInto !== null ? `merged into ${mergedInto}` : state === 'closed' ? 'closed' : null

const changeOf = (facts: IncidentFacts): Change =>
  endOf(facts) !== null ? 'closed' : facts.incident.revision === 1 && facts.report === null ? 'created' : 'updated'

const infoOf = (incidentId: string, { rule, firstAlertId, firstNs, lastNs, count, tactics, techniques }: RuleFact): object => ({
  uid: firstAlertId ?? `${incidentId}/${rule}`,
  title: rule,
  analytic: { name: rule, type_id: 1, type: 'Rule' },
  attacks: attacksOf(tactics, techniques),
  first_seen_time: milliseconds(firstNs),
  last_seen_time: milliseconds(lastNs),
  related_events_count: count,
})

/** Findings of scanners that the report says made it possible, each with its sentence; what could not be confirmed is not told. */
function postureInfos(claims: readonly GroundedClaim[]): object[] {
  const found = new Map<string, object>()
  for (const { text, evidence, grounded } of claims)
    for (const { record, id, path, value } of evidence)
      if (grounded && record === 'finding' && path === 'check' && value !== null && !found.has(id))
        found.set(id, { uid: id, title: value, desc: plainText(text), types: ['Posture'] })
  return [...found.values()]
}
const plainText = (text: string): string =>
  sentenceParts(text)
    .map((part) => (part.quoted ? `“${part.text}”` : part.text))
    .join('')
