/**
 * The case file: the deterministic evidence pack of one incident that every analyst starts from. Large incidents
 * are sampled in strata that never drop the highest severity, the first or the last; what was left out is counted.
 */
import type { Alert } from '../domain/alert.ts'
import type { Entity } from '../domain/entity.ts'
import type { Incident, RecordedDecision } from '../domain/incident.ts'
import { severityId } from '../domain/severity.ts'
import type { Normal } from './baseline.ts'
import type { AlertContext } from './context.ts'
import { type Explanation, explain } from './explain.ts'
import type { InstanceUse } from './instance-use.ts'
import type { LostEvents } from './lost-events.ts'
import type { IncidentPosture } from './posture.ts'
import { type ProcessNode, processTrees } from './process-chain.ts'
import { type RootCause, rootCauses } from './root-causes.ts'
import type { RuleGroup } from './severity.ts'
import type { PersonsVerdict } from '../store/verdicts.ts'

/** How fresh a source is. `lastSeenAt` null: never heard. */
export type Coverage = { name: string; collector: string; scope: string; lastSeenAt: Date | null }
export type CaseAlert = { alert: Alert; context: AlertContext; explanation: Explanation | null }

/** How usual its rules were before the day it began: here, and in the whole cluster. `sinceDay` null: nobody watched before. */
export type Baseline = Normal & { sinceDay: string | null; rules: { rule: string; count: number; days: number }[] }

export type CaseFile = {
  incident: Incident
  groups: RuleGroup[]
  /** In event order; all of them up to the limit, else a stratified sample. */
  alerts: CaseAlert[]
  omitted: number
  /** Which process started which, of the alerts above. */
  processes: ProcessNode[]
  /** Inventory records the alerts were resolved to. */
  entities: Entity[]
  /** True when inventory itself explains every alert of the incident. */
  explained: boolean
  baseline: Baseline
  coverage: Coverage[]
  /** What sensors of its hosts lost meanwhile; not there: nobody asked. */
  lost?: LostEvents[]
  /** Who used the credentials of machines that were asked for them; not there: nobody asked. */
  instanceUses?: InstanceUse[]
  inventory: { scope: string; pods: number; lastNs: bigint } | null
  /** What scanners, inventory and attack steps say of its places, and who looked there at all. */
  posture: IncidentPosture
  /** What made it possible, the likeliest first. */
  rootCauses: RootCause[]
  decisions: RecordedDecision[]
  /** What people called incidents in which all of this was seen before: the same rules, by the same processes, in the same places. Evidence, and no more. */
  called: PersonsVerdict[]
  /** Cluster that answers for this scope, if any is connected: actions can be planned only there. */
  cluster: { simulated: boolean } | null
}

export type CaseParts = Omit<CaseFile, 'alerts' | 'omitted' | 'processes' | 'entities' | 'explained' | 'rootCauses' | 'called'> & {
  called?: PersonsVerdict[]
  resolved: { alert: Alert; context: AlertContext }[]
  total: number
}

export function buildCaseFile(parts: CaseParts): CaseFile {
  const { resolved, total, ...rest } = parts
  const alerts = resolved
    .map(({ alert, context }) => ({ alert, context, explanation: explain(alert, context) }))
    .sort((a, b) => (a.alert.eventNs < b.alert.eventNs ? -1 : a.alert.eventNs > b.alert.eventNs ? 1 : a.alert.id < b.alert.id ? -1 : 1))
  const entities = new Map<bigint, Entity>()
  for (const { context } of alerts)
    for (const entity of [context.pod, context.container, context.workload, context.node, context.identity ?? null])
      if (entity !== null) entities.set(entity.id, entity)
  return {
    ...rest,
    called: parts.called ?? [],
    alerts,
    omitted: total - alerts.length,
    rootCauses: rootCauses({ severity: rest.incident.severity, alerts, posture: rest.posture }),
    processes: processTrees(alerts.map((entry) => entry.alert)),
    entities: [...entities.values()].sort((a, b) => (a.id < b.id ? -1 : 1)),
    explained: alerts.length > 0 && total === alerts.length && alerts.every((entry) => entry.explanation !== null),
  }
}

/** What a sample is drawn from: enough of each alert to choose it. */
export type Candidate = { id: string; rule: string; severity: Alert['severity']; eventNs: bigint }

/** Chooses at most `limit` alerts: the first, the last and the first of the highest severity, per rule the first and last, then by severity, then evenly over time. */
export function sample(candidates: readonly Candidate[], limit: number): string[] {
  const ordered = candidates.toSorted((a, b) => (a.eventNs < b.eventNs ? -1 : a.eventNs > b.eventNs ? 1 : a.id < b.id ? -1 : 1))
  if (ordered.length <= limit) return ordered.map((candidate) => candidate.id)
  const chosen = new Set<string>()
  const take = (candidate: Candidate | undefined): void => {
    if (candidate !== undefined && chosen.size < limit) chosen.add(candidate.id)
  }
  take(ordered[0])
  take(ordered.at(-1))
  const bySeverity = ordered.toSorted((a, b) => severityId(b.severity) - severityId(a.severity))
  take(bySeverity[0])
  const byRule = Map.groupBy(ordered, (candidate) => candidate.rule)
  const rules = [...byRule.values()].sort((a, b) => severityId(b[0]?.severity ?? 'low') - severityId(a[0]?.severity ?? 'low'))
  for (const group of rules) take(group[0])
  for (const group of rules) take(group.at(-1))
  for (const candidate of bySeverity.slice(0, limit >> 1)) take(candidate)
  const step = Math.max(1, Math.floor(ordered.length / limit))
  for (let index = 0; index < ordered.length; index += step) take(ordered[index])
  return ordered.filter((candidate) => chosen.has(candidate.id)).map((candidate) => candidate.id)
}
