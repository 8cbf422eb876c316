/** What the API shows of each record. Event times are RFC 3339 with nanoseconds; 64-bit numbers are strings except inside an alert's `fields`, which are as written. */
import { z } from 'zod'
import type { Alert } from '../../../domain/alert.ts'
import type { Entity } from '../../../domain/entity.ts'
import { formatEventTime } from '../../../domain/event-time.ts'
import { shortId } from '../../../domain/ids.ts'
import { type Incident, IncidentState, type RecordedDecision } from '../../../domain/incident.ts'
import { Role } from '../../../domain/principal.ts'
import { ActionTarget, type Approval, ExecutionResult, Plan, type Proposal, ProposalState } from '../../../domain/proposal.ts'
import { Report, Verdict } from '../../../domain/report.ts'
import { Priority, Severity } from '../../../domain/severity.ts'
import type { ApiToken, User } from '../../../store/people.ts'
import type { DeadLetter } from '../../../store/dead-letters.ts'
import type { Investigation } from '../../../store/investigations.ts'
import type { StoredArtifact } from '../../../store/proposals.ts'
import type { Source } from '../../../store/sources.ts'

const date = z.union([z.date(), z.iso.datetime()]).meta({ type: 'string', format: 'date-time' })
const time = z.string().describe('RFC 3339, up to nanoseconds')

export const IncidentView = z.object({
  id: z.string(),
  shortId: z.string(),
  scope: z.string(),
  title: z.string(),
  state: IncidentState,
  severity: Severity,
  severityReasons: z.array(z.object({ code: z.string(), text: z.string(), severity: Severity })),
  alerts: z.number().int(),
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

export const AlertView = z.object({
  id: z.string(),
  scope: z.string(),
  eventTime: time,
  receivedAt: date,
  rule: z.string(),
  priority: Priority,
  severity: Severity,
  hostname: z.string().nullable(),
  tags: z.array(z.string()),
  tactics: z.array(z.string()),
  techniques: z.array(z.string()),
  output: z.string().nullable(),
  container: z.unknown(),
  pod: z.unknown(),
  file: z.string().nullable(),
  connection: z.unknown(),
  seen: z.number().int(),
  fields: z.record(z.string(), z.unknown()).describe('output_fields exactly as written'),
})
export const alertView = (alert: Alert): z.infer<typeof AlertView> => ({
  id: alert.id,
  scope: alert.scope,
  eventTime: formatEventTime(alert.eventNs),
  receivedAt: alert.receivedAt,
  rule: alert.rule,
  priority: alert.priority,
  severity: alert.severity,
  hostname: alert.hostname,
  tags: alert.tags,
  tactics: alert.tactics,
  techniques: alert.techniques,
  output: alert.output,
  container: alert.container,
  pod: alert.pod,
  file: alert.file,
  connection: alert.connection,
  seen: alert.seen,
  fields: alert.fields,
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

export const ProposalView = z.object({
  id: z.string(),
  shortId: z.string(),
  incidentId: z.string().nullable(),
  investigationId: z.string().nullable(),
  action: z.string(),
  params: z.record(z.string(), z.unknown()),
  target: ActionTarget,
  reason: z.string(),
  state: ProposalState,
  stateReason: z.string().nullable(),
  proposedBy: z.object({ id: z.string(), kind: z.string(), name: z.string(), personId: z.string() }),
  plan: Plan.nullable(),
  planHash: z.string().nullable(),
  quorum: z.number().int(),
  expiresAt: date.nullable(),
  supersededBy: z.string().nullable(),
  result: ExecutionResult.nullable(),
  approvals: z
    .array(z.object({ name: z.string(), role: z.string(), decision: z.string(), reason: z.string(), channel: z.string(), at: date }))
    .optional(),
  artifacts: z
    .array(
      z.object({ id: z.string(), name: z.string(), mediaType: z.string(), size: z.number().int(), sha256: z.string(), createdAt: date }),
    )
    .optional(),
  createdAt: date,
  updatedAt: date,
})
export const proposalView = (
  proposal: Proposal,
  more: { approvals?: Approval[]; artifacts?: StoredArtifact[] } = {},
): z.infer<typeof ProposalView> => ({
  shortId: shortId('proposal', proposal.id),
  id: proposal.id,
  incidentId: proposal.incidentId,
  investigationId: proposal.investigationId,
  action: proposal.action,
  params: proposal.params,
  target: proposal.target,
  reason: proposal.reason,
  state: proposal.state,
  stateReason: proposal.stateReason,
  proposedBy: proposal.proposedBy,
  plan: proposal.plan,
  planHash: proposal.planHash,
  quorum: proposal.quorum,
  expiresAt: proposal.expiresAt,
  supersededBy: proposal.supersededBy,
  result: proposal.result,
  createdAt: proposal.createdAt,
  updatedAt: proposal.updatedAt,
  ...(more.approvals === undefined
    ? {}
    : {
        approvals: more.approvals.map(({ name, role, decision, reason, channel, at }) => ({ name, role, decision, reason, channel, at })),
      }),
  ...(more.artifacts === undefined ? {} : { artifacts: more.artifacts }),
})

export const SourceView = z.object({
  id: z.string(),
  name: z.string(),
  collector: z.string(),
  scope: z.string(),
  createdAt: date,
  disabledAt: date.nullable(),
  lastSeenAt: date.nullable().describe('Null: never heard'),
  lastEventAt: date.nullable(),
  accepted: z.number().int(),
  duplicates: z.number().int(),
  internal: z.number().int(),
  deadLetters: z.number().int(),
  skewMs: z.number().nullable(),
})
export const sourceView = (source: Source): z.infer<typeof SourceView> => source

export const DeadLetterView = z.object({
  id: z.string(),
  scope: z.string(),
  sourceId: z.string().nullable(),
  receivedAt: date,
  place: z.string(),
  reason: z.string(),
  size: z.number().int(),
  preview: z.string(),
  replayedAt: date.nullable(),
})
export const deadLetterView = (letter: DeadLetter): z.infer<typeof DeadLetterView> => letter

export const EntityView = z.object({
  id: z.string(),
  scope: z.string(),
  kind: z.string(),
  key: z.string(),
  name: z.string(),
  namespace: z.string().nullable(),
  properties: z.record(z.string(), z.unknown()),
  origin: z.string(),
  firstAt: time,
  lastAt: time,
  deletedAt: time.nullable(),
})
export const entityView = (entity: Entity): z.infer<typeof EntityView> => ({
  id: entity.id.toString(),
  scope: entity.scope,
  kind: entity.kind,
  key: entity.key,
  name: entity.name,
  namespace: entity.namespace,
  properties: entity.properties,
  origin: entity.origin,
  firstAt: formatEventTime(entity.firstNs),
  lastAt: formatEventTime(entity.lastNs),
  deletedAt: entity.deletedNs === null ? null : formatEventTime(entity.deletedNs),
})

export const UserView = z.object({
  id: z.string(),
  name: z.string(),
  role: Role,
  createdAt: date,
  disabledAt: date.nullable(),
  lastSeenAt: date.nullable(),
})
export const userView = ({ id, name, role, createdAt, disabledAt, lastSeenAt }: User): z.infer<typeof UserView> => ({
  id,
  name,
  role,
  createdAt,
  disabledAt,
  lastSeenAt,
})

export const TokenView = z.object({
  id: z.string(),
  name: z.string(),
  role: Role,
  owner: z.string(),
  createdAt: date,
  expiresAt: date,
  lastUsedAt: date.nullable(),
  revokedAt: date.nullable(),
})
export const tokenView = ({
  id,
  name,
  role,
  userName,
  createdAt,
  expiresAt,
  lastUsedAt,
  revokedAt,
}: ApiToken): z.infer<typeof TokenView> => ({ id, name, role, owner: userName, createdAt, expiresAt, lastUsedAt, revokedAt })

export const DecisionView = z.object({
  id: z.string(),
  at: date,
  principalId: z.string(),
  decision: z.record(z.string(), z.unknown()),
  reason: z.string(),
})
export const decisionView = (recorded: RecordedDecision): z.infer<typeof DecisionView> => recorded
export { date as DateView }
