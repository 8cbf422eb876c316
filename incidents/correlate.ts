/**
 * Correlation: alerts that share a fact within the fact's window are one incident. Per fact, times that lie no
 * further apart than the window chain into a segment; incidents are what segments connect. Order of arrival does
 * not matter: placing one by one gives the same partition as `cluster` over all of them.
 */
import { createHash } from 'node:crypto'
import type { Lead } from '../domain/alert.ts'
import type { JoinReason, SharedFact } from '../domain/incident.ts'
import type { AlertContext } from './context.ts'
import type { Fact } from './rule.ts'
import { correlationRules } from './rules/registry.generated.ts'

export const correlationVersion = '2'

export type Segment = {
  scope: string
  rule: string
  key: string
  label: string
  startNs: bigint
  endNs: bigint
  incidentId: string
  lastAlertId: string
}
/** What correlation needs of one alert; kept with it, so that recomputing needs no inventory of that day. */
export type Placed = { id: string; scope: string; eventNs: bigint; facts: SharedFact[] }
export type Placement = { incidentId: string; reasons: JoinReason[]; mergedIncidentIds: string[]; replaced: Segment[]; written: Segment[] }

const windows: ReadonlyMap<string, bigint> = new Map(correlationRules.map((rule) => [rule.name, rule.window]))
/** Facts that a person recorded (merge, split) hold for ever. */
const unbounded = 1n << 62n
export const windowOf = (rule: string): bigint => windows.get(rule) ?? unbounded

/** Every fact the alert carries; the last resort only when there is no other. */
export function factsOf(alert: Lead, context: AlertContext): SharedFact[] {
  const from = (lastResort: boolean): SharedFact[] =>
    correlationRules
      .filter((rule) => (rule.lastResort ?? false) === lastResort)
      .flatMap((rule) => distinctFacts(rule.facts(alert, context)).map((fact) => ({ rule: rule.name, ...fact })))
  const facts = from(false)
  return facts.length > 0 ? facts : from(true)
}

const distinctFacts = (facts: readonly Fact[]): Fact[] => [
  ...new Map(facts.map((fact) => [fact.key, { ...fact, key: bounded(fact.key), label: fact.label.slice(0, 300) }])).values(),
]

/** A key is part of an index, which has its limit; what a sensor writes has none. */
const bounded = (key: string): string =>
  key.length <= 300 ? key : `${key.slice(0, 200)}…${createHash('sha256').update(key).digest('hex').slice(0, 32)}`

/**
 * What was concluded of an alert before stays, and what is known now is added: facts are only ever gained, so that
 * segments never have to be taken back. Split off by a person, an alert keeps to what people decided.
 */
export function withFacts(held: readonly SharedFact[], now: readonly SharedFact[]): SharedFact[] {
  if (held.some((fact) => fact.rule === 'split')) return [...held]
  return [...new Map([...held, ...now].map((fact) => [`${fact.rule}\n${fact.key}`, fact])).values()]
}

/** Places one alert. `touching` are the stored segments of its facts within their windows; nothing is changed in place. */
export function place(alert: Placed, touching: readonly Segment[], newIncidentId: () => string): Placement {
  const joined = alert.facts.map((fact) => ({ fact, segments: touching.filter((segment) => touches(segment, alert, fact)) }))
  const incidents = [...new Set(joined.flatMap(({ segments }) => segments.map((segment) => segment.incidentId)))].sort()
  // UUIDv7 sort by age: the oldest incident survives a merge.
  const incidentId = incidents[0] ?? newIncidentId()
  const written = joined.map(({ fact, segments }): Segment => ({
    scope: alert.scope,
    rule: fact.rule,
    key: fact.key,
    label: fact.label,
    incidentId,
    lastAlertId: alert.id,
    startNs: segments.reduce((least, segment) => (segment.startNs < least ? segment.startNs : least), alert.eventNs),
    endNs: segments.reduce((most, segment) => (segment.endNs > most ? segment.endNs : most), alert.eventNs),
  }))
  const reasons = joined.flatMap(({ fact, segments }) =>
    segments
      .slice(0, 1)
      .map((segment): JoinReason => ({ rule: fact.rule, label: fact.label, inferred: fact.inferred, withAlertId: segment.lastAlertId })),
  )
  return { incidentId, reasons, mergedIncidentIds: incidents.slice(1), replaced: joined.flatMap(({ segments }) => segments), written }
}

function touches(segment: Segment, alert: Placed, fact: SharedFact): boolean {
  const window = windowOf(fact.rule)
  return (
    segment.scope === alert.scope &&
    segment.rule === fact.rule &&
    segment.key === fact.key &&
    segment.startNs - window <= alert.eventNs &&
    alert.eventNs <= segment.endNs + window
  )
}

/** All at once: the partition of alerts into incidents, each a list of alert ids in event order. */
export function cluster(alerts: readonly Placed[]): string[][] {
  const parent = new Map(alerts.map((alert) => [alert.id, alert.id]))
  const find = (id: string): string => {
    let root = id
    while (parent.get(root) !== root) root = parent.get(root) as string
    for (let at = id; at !== root;) {
      const next = parent.get(at) as string
      parent.set(at, root)
      at = next
    }
    return root
  }
  const ordered = alerts.toSorted((a, b) => (a.eventNs < b.eventNs ? -1 : a.eventNs > b.eventNs ? 1 : a.id < b.id ? -1 : 1))
  const last = new Map<string, Placed>()
  for (const alert of ordered)
    for (const fact of alert.facts) {
      const key = `${alert.scope}\n${fact.rule}\n${fact.key}`
      const before = last.get(key)
      if (before !== undefined && alert.eventNs - before.eventNs <= windowOf(fact.rule)) parent.set(find(alert.id), find(before.id))
      last.set(key, alert)
    }
  const groups = new Map<string, string[]>()
  for (const alert of ordered) {
    const root = find(alert.id)
    const group = groups.get(root)
    if (group === undefined) groups.set(root, [alert.id])
    else group.push(alert.id)
  }
  return [...groups.values()]
}
