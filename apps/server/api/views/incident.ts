/** How the API shows an incident, with what its newest investigation found. */
import { z } from 'zod'
import { formatEventTime } from '../../../../domain/event-time.ts'
import { shortId } from '../../../../domain/ids.ts'
import { type Incident, IncidentState, type RecordedDecision } from '../../../../domain/incident.ts'
import { Report, Verdict } from '../../../../domain/report.ts'
import { Severity } from '../../../../domain/severity.ts'
import { triageOutcomes } from '../../../../domain/triage.ts'
import type { Investigation } from '../../../../store/investigations.ts'
import { date, time } from './fields.ts'

export const IncidentView = z.object({
  id: z.string(),
  shortId: z.string(),
  scope: z.string(),
  title: z.string(),
  state: IncidentState,
  severity: Severity,
  severityReasons: z.array(z.object({ code: z.string(), text: z.string(), severity: Severity })),
  alerts: z.number().int(),
  expiredAlerts: z.number().int().describe('How many of them were removed when their retention time was over'),
  firstAt: time,
  lastAt: time,
  tactics: z.array(z.string()),
  techniques: z.array(z.string()),
  rules: z.array(z.string()),
  verdict: Verdict.nullable(),
  analyst: z.string().nullable(),
  revision: z.number().int(),
  correlationVersion: z.string(),
  createdAt: date,
  updatedAt: date,
})
export const incidentView = (incident: Incident, latest: Investigation | undefined): z.infer<typeof IncidentView> => ({
  id: incident.id,
  shortId: shortId('incident', incident.id),
  scope: incident.scope,
  title: incident.title,
  state: incident.state,
  severity: incident.severity,
  severityReasons: incident.severityReasons,
  alerts: incident.alertCount,
  expiredAlerts: incident.expiredAlerts,
  firstAt: formatEventTime(incident.firstNs),
  lastAt: formatEventTime(incident.lastNs),
  tactics: incident.tactics,
  techniques: incident.techniques,
  rules: incident.rules,
  verdict: latest?.report?.verdict ?? null,
  analyst: latest?.report?.analyst ?? null,
  revision: incident.revision,
  correlationVersion: incident.correlationVersion,
  createdAt: incident.createdAt,
  updatedAt: incident.updatedAt,
})

export const InvestigationView = z.object({
  id: z.string(),
  incidentId: z.string(),
  analyst: z.string(),
  status: z.enum(['running', 'done', 'failed']),
  report: Report.nullable(),
  error: z.string().nullable(),
  startedAt: date,
  finishedAt: date.nullable(),
})
export const investigationView = ({ incidentRevision: _revision, ...investigation }: Investigation): z.infer<typeof InvestigationView> =>
  investigation

/** One of several, without its report. */
export const InvestigationBrief = InvestigationView.omit({ report: true, incidentId: true }).extend({
  verdict: Verdict.nullable(),
  confidence: z.string().nullable(),
  model: z.string().nullable(),
  partial: z.string().nullable(),
  usd: z.number().nullable().describe('What asking the model has cost so far, where its prices are known'),
})
export const investigationBrief = (
  { id, analyst, status, error, startedAt, finishedAt, report }: Investigation,
  spent: { usd: number } | undefined,
): z.infer<typeof InvestigationBrief> => ({
  id,
  analyst,
  status,
  error,
  startedAt,
  finishedAt,
  verdict: report?.verdict ?? null,
  confidence: report?.confidence ?? null,
  model: report?.model ?? null,
  partial: report?.partial ?? null,
  usd: spent?.usd ?? report?.spend?.usd ?? null,
})

export const TriageView = z.object({
  outcome: z.enum(triageOutcomes),
  code: z.string(),
  says: z.string().describe('Whether a model was asked, and why, as a sentence'),
  decidedAt: date,
  dueAt: date.nullable().describe('Decided again then'),
})

export const DecisionView = z.object({
  id: z.string(),
  at: date,
  principalId: z.string(),
  decision: z.record(z.string(), z.unknown()),
  reason: z.string(),
})
export const decisionView = (recorded: RecordedDecision): z.infer<typeof DecisionView> => recorded
