/**
 * An incident: alerts that share a fact within a window (OCSF incident_finding, class 2005).
 * Derived: recomputed from alerts and recorded decisions, it says with which rule version. Joins keep their reasons.
 */
import { z } from 'zod'
import { EntityRef, RelationType } from './entity.ts'
import { Verdict } from './report.ts'
import type { Severity } from './severity.ts'

/** A relation that explains how one thing led to another. The ends are names of records: `id` null where there is no row. */
const RelationEnd = EntityRef.extend({ id: z.string().nullable().describe('Inventory record, see /entities') })
export const ExplainingRelation = z.object({ from: RelationEnd, type: RelationType, to: RelationEnd })
export type ExplainingRelation = z.infer<typeof ExplainingRelation>

/**
 * A shared fact: two alerts with the same key within the window belong together. One that `reaches` is one-way: it meets alerts that are what the
 * key names (facts of `reaches.rule`), never others that reach the same.
 */
export type SharedFact = {
  rule: string
  key: string
  label: string
  inferred: boolean
  /** Where the key means something; not there: the alert’s own scope. */
  scope?: string
  /** `by`: who reached it; the same one’s alerts are one stretch. */
  reaches?: { rule: string; by: string }
  /** Counted over the stretch of this fact: too many different ones, and facts of `reaches.by` the key join nothing. */
  counts?: string
  relation?: ExplainingRelation
}

export const JoinReason = z.object({
  rule: z.string().describe('Correlation rule, see docs/reference/correlation-rules.md'),
  label: z.string().describe('What they share, or how one led to the other, in words'),
  inferred: z.boolean(),
  withAlertId: z.string().nullable(),
  relation: ExplainingRelation.optional().describe('The relation that explains the move'),
})
export type JoinReason = z.infer<typeof JoinReason>

export const incidentStates = ['open', 'contained', 'closed'] as const
export const IncidentState = z.enum(incidentStates)
export type IncidentState = z.infer<typeof IncidentState>

/** One step of the severity explanation: what moved it, from where to where. */
export type SeverityReason = { code: string; text: string; severity: Severity }

export type Incident = {
  id: string
  scope: string
  title: string
  state: IncidentState
  severity: Severity
  severityFloor: Severity
  severityReasons: SeverityReason[]
  correlationVersion: string
  alertCount: number
  /** How many of them retention has removed since: counted, no longer to be read. */
  expiredAlerts: number
  firstNs: bigint
  lastNs: bigint
  tactics: string[]
  techniques: string[]
  rules: string[]
  entityIds: bigint[]
  revision: number
  createdAt: Date
  updatedAt: Date
}

/** What a person decided about incidents; appended, and obeyed at every recomputation. */
export const Decision = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('merge'), into: z.string(), from: z.string() }),
  z.object({ kind: z.literal('split'), incident: z.string(), alerts: z.array(z.string()).min(1) }),
  z.object({ kind: z.literal('state'), incident: z.string(), state: IncidentState }),
  z.object({ kind: z.literal('verdict'), incident: z.string(), verdict: Verdict }),
  z.object({ kind: z.literal('note'), incident: z.string(), text: z.string().min(1).max(10_000) }),
])
export type Decision = z.infer<typeof Decision>
/** Alerts that a merge holds together: the earliest of each part when it was decided, or the next one when that was split off. */
export type MergeLink = { alertId: string; merge: string }
/** `links` were given by this decision and hold from then on. */
export type RecordedDecision = { id: string; at: Date; principalId: string; decision: Decision; reason: string; links: MergeLink[] }
