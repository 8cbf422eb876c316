/**
 * Correlation: alerts that share a fact within the fact's window are one incident. Per fact, times that lie no further apart than the window
 * chain into a segment; incidents are what segments connect. A fact that reaches chains with those of the same origin, and meets segments of
 * what it reached. Order of arrival does not matter: placing one by one gives the same partition as `cluster` (cluster.ts) over all of them.
 */
import { createHash } from 'node:crypto'
import type { Lead } from '../domain/alert.ts'
import type { JoinReason, SharedFact } from '../domain/incident.ts'
import type { SegmentRow } from '../store/segments.ts'
import type { AlertContext } from './context.ts'
import type { Fact } from './rule.ts'
import { correlationRules } from './rules/registry.generated.ts'

export const correlationVersion = '3'

/** `rule` and `key` are what is met; `by` is '' for alerts that are what the key names, else who reached it and by which rule. */
export type Segment = SegmentRow
/** What correlation needs of one alert; kept with it, so that placing is exact whenever it is done. */
export type Placed = { id: string; scope: string; eventNs: bigint; facts: SharedFact[] }
export type Placement = {
  incidentId: string
  reasons: JoinReason[]
  mergedIncidentIds: string[]
  replaced: Segment[]
  written: Segment[]
  /** It is one too many: what was joined by the same stretch before must be taken apart. */
  overcrowded: boolean
}

const rules = new Map(correlationRules.map((rule) => [rule.name, rule]))
/** Facts that a person recorded (merge, split) hold for ever. */
const unbounded = 1n << 62n
export const windowOf = (rule: string): bigint => rules.get(rule)?.window ?? unbounded
/** No fact of these rules looks further than this for what it reached, or what reached it. */
export const farthest = correlationRules.reduce(
  (most, { window, reach }) => [window, reach?.before ?? 0n, reach?.after ?? 0n].reduce((a, b) => (a > b ? a : b), most),
  0n,
)
const reachOf = (rule: string): { before: bigint; after: bigint } => rules.get(rule)?.reach ?? { before: 0n, after: 0n }

/** More than so many different pods within one stretch: an intruder who touches everything must not glue everything together. */
export const mostReached = 20

export const scopeOf = (alert: Pick<Placed, 'scope'>, fact: SharedFact): string => fact.scope ?? alert.scope
export const spaceOf = (fact: SharedFact): string => fact.reaches?.rule ?? fact.rule
export const byOf = (fact: SharedFact): string => (fact.reaches === undefined ? '' : `${fact.rule}/${fact.reaches.by}`)
/** How far apart alerts of one origin, or of one thing, still chain. */
export const chainWindow = (rule: string, by: string): bigint => windowOf(by === '' ? rule : ruleOf(by))
const ruleOf = (by: string): string => by.slice(0, by.indexOf('/'))

/** Every fact the alert carries, with what relations added; the last resort only when there is no other but moves and what stands aside. */
export function factsOf(alert: Lead, context: AlertContext, reached: readonly SharedFact[] = []): SharedFact[] {
  const from = (lastResort: boolean): SharedFact[] =>
    correlationRules
      .filter((rule) => (rule.lastResort ?? false) === lastResort)
      .flatMap((rule) => distinctFacts(rule.name, rule.facts(alert, context)))
  const facts = from(false)
  return [...facts, ...(facts.every((fact) => isMove(fact) || rules.get(fact.rule)?.aside === true) ? from(true) : []), ...reached]
}

export const distinctFacts = (rule: string, facts: readonly Fact[]): SharedFact[] => [
  ...new Map(
    facts.map((fact) => {
      const reaches = fact.reaches && { ...fact.reaches, by: bounded(fact.reaches.by) }
      const shared = { rule, ...fact, key: bounded(fact.key), label: fact.label.slice(0, 300), ...(reaches && { reaches }) }
      return [identityOf(shared), shared]
    }),
  ).values(),
]
const identityOf = (fact: SharedFact): string => [fact.rule, fact.key, fact.scope ?? '', byOf(fact), fact.counts ?? ''].join('\n')

/** A key is part of an index, which has its limit; what a sensor writes has none. */
const bounded = (key: string): string =>
  key.length <= 300 ? key : `${key.slice(0, 200)}…${createHash('sha256').update(key).digest('hex').slice(0, 32)}`

/** Concluded from relations: what inventory tells now replaces what it told before. */
export const isMove = (fact: SharedFact): boolean => rules.get(fact.rule)?.reach !== undefined

/**
 * What was concluded of an alert's own place stays, and what is known now is added: those facts are only ever gained. Moves are as inventory has
 * them now. Split off by a person, an alert keeps to what people decided.
 */
export function withFacts(held: readonly SharedFact[], now: readonly SharedFact[]): SharedFact[] {
  if (held.some((fact) => fact.rule === 'split')) return [...held]
  return [...new Map([...held.filter((fact) => !isMove(fact)), ...now].map((fact) => [identityOf(fact), fact])).values()]
}
/** Whether a move that was concluded is none any more. */
export function hasLost(held: readonly SharedFact[], now: readonly SharedFact[]): boolean {
  const kept = new Set(now.map(identityOf))
  return held.some((fact) => isMove(fact) && !kept.has(identityOf(fact)))
}

type Joined = { fact: SharedFact; chain: Segment[]; across: Segment[]; counted: string[] }

/** Places one alert. `touching` are the stored segments of its facts within their windows; nothing is changed in place. */
export function place(alert: Placed, touching: readonly Segment[], newIncidentId: () => string): Placement {
  const found = alert.facts.map((fact) => joinedBy(alert, fact, touching))
  const crowds = found.filter(({ counted }) => counted.length > mostReached)
  const crowded = new Set(crowds.map(({ fact }) => `${fact.rule}/${fact.key}`))
  const joined = found.filter(({ fact }) => !crowded.has(byOf(fact)))
  const incidents = [...new Set(joined.flatMap(({ chain, across }) => [...chain, ...across].map((segment) => segment.incidentId)))].sort()
  // UUIDv7 sort by age: the oldest incident survives a merge.
  const incidentId = incidents[0] ?? newIncidentId()
  return {
    incidentId,
    reasons: [...joined.flatMap(reasonsOf), ...crowds.map(({ fact }) => tooMany(fact))],
    mergedIncidentIds: incidents.slice(1),
    replaced: joined.flatMap(({ chain }) => chain),
    written: joined.map((one) => writtenOf(alert, one, incidentId)),
    overcrowded: crowds.some(({ chain }) => chain.some(({ counted }) => counted.length <= mostReached)),
  }
}

function joinedBy(alert: Placed, fact: SharedFact, touching: readonly Segment[]): Joined {
  const by = byOf(fact)
  const near = touching.filter((segment) => touches(segment, alert, fact, by))
  const chain = near.filter((segment) => segment.by === by)
  const counted =
    fact.counts === undefined ? [] : [...new Set([...chain.flatMap((segment) => segment.counted), fact.counts])].slice(0, mostReached + 1)
  return { fact, chain, across: near.filter((segment) => segment.by !== by), counted }
}

const writtenOf = (alert: Placed, { fact, chain, counted }: Joined, incidentId: string): Segment => ({
  scope: scopeOf(alert, fact),
  rule: spaceOf(fact),
  key: fact.key,
  by: byOf(fact),
  label: fact.label,
  inferred: fact.inferred,
  relation: fact.relation ?? null,
  counted,
  incidentId,
  lastAlertId: alert.id,
  startNs: chain.reduce((least, segment) => (segment.startNs < least ? segment.startNs : least), alert.eventNs),
  endNs: chain.reduce((most, segment) => (segment.endNs > most ? segment.endNs : most), alert.eventNs),
})

/** Told is what is new: that it is of a chain, and which segments across no alert of its chain had met. */
function reasonsOf({ fact, chain, across }: Joined): JoinReason[] {
  const { rule, label, inferred } = fact
  const chained = fact.counts === undefined ? chain.slice(0, 1) : []
  const met = across.filter((segment) => !chain.some((one) => meets(one, segment))).slice(0, 5)
  return [
    ...chained.map((segment): JoinReason => {
      if (fact.reaches !== undefined)
        return { rule, label: `the same move: ${label}`.slice(0, 300), inferred, withAlertId: segment.lastAlertId }
      // One of the two knows by which relation it is the other.
      const { relation, label: told } = fact.relation === undefined && segment.relation !== null ? segment : fact
      return { rule, label: told, inferred, withAlertId: segment.lastAlertId, ...(relation ? { relation } : {}) }
    }),
    ...met.map((segment): JoinReason => {
      const told = segment.by === '' ? fact : { ...segment, rule: ruleOf(segment.by) }
      const { relation } = told
      return {
        rule: told.rule,
        label: told.label,
        inferred: told.inferred,
        withAlertId: segment.lastAlertId,
        ...(relation ? { relation } : {}),
      }
    }),
  ]
}

const tooMany = ({ rule, label }: SharedFact): JoinReason => ({
  rule,
  label: `${label}: more than ${mostReached} within ${windowOf(rule) / 60_000_000_000n} minutes of each other, so none of them is joined by that`,
  inferred: false,
  withAlertId: null,
})

function touches(segment: Segment, alert: Placed, fact: SharedFact, by: string): boolean {
  if (segment.key !== fact.key || segment.rule !== spaceOf(fact) || segment.scope !== scopeOf(alert, fact)) return false
  const one = { by, startNs: alert.eventNs, endNs: alert.eventNs }
  if (segment.by !== by) return meets(one, segment)
  const window = chainWindow(segment.rule, by)
  return segment.startNs - window <= alert.eventNs && alert.eventNs <= segment.endNs + window
}

export type Stretch = Pick<Segment, 'by' | 'startNs' | 'endNs'>
/** Of one key: whether what one reaches is what the other is, within the reach. Two that both reach never meet. */
export function meets(a: Stretch, b: Stretch): boolean {
  if ((a.by === '') === (b.by === '')) return false
  const [reaching, is] = a.by === '' ? [b, a] : [a, b]
  const { before, after } = reachOf(ruleOf(reaching.by))
  return is.endNs >= reaching.startNs - before && is.startNs <= reaching.endNs + after
}
