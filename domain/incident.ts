/**
 * An incident: alerts that share a fact within a window (OCSF incident_finding, class 2005).
 * Derived: recomputed from alerts and recorded decisions, it says with which rule version. Joins keep their reasons.
 */
import { z } from 'zod'
import type { Severity } from './severity.ts'

/** A shared fact: two alerts with the same key within the window belong together. */
export type SharedFact = { rule: string; key: string; label: string; inferred: boolean }

export type JoinReason = { rule: string; label: string; inferred: boolean; withAlertId: string | null }

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
  z.object({ kind: z.literal('verdict'), incident: z.string(), verdict: z.string() }),
  z.object({ kind: z.literal('note'), incident: z.string(), text: z.string().min(1).max(10_000) }),
])
export type Decision = z.infer<typeof Decision>
/** Alerts that a merge holds together: the earliest of each part when it was decided, or the next one when that was split off. */
export type MergeLink = { alertId: string; merge: string }
/** `links` were given by this decision and hold from then on. */
export type RecordedDecision = { id: string; at: Date; principalId: string; decision: Decision; reason: string; links: MergeLink[] }
