/** One fix from what it stands on: how urgent its worst is where it matters most, and what it comes to in numbers and words. Pure. */
import type { EntityKind } from '../../domain/entity.ts'
import type { Severity } from '../../domain/severity.ts'
import { tacticOrder, type TacticId, tactics } from '../../domain/attack.ts'
import type { Candidate, FixEvidence, FixResource, FixStep } from '../../store/fix-evidence.ts'
import type { FixDetails, NewFix } from '../../store/fixes.ts'
import type { PlaceOfResource } from '../../store/risk-places.ts'
import { titleOfFix } from './fix-title.ts'
import { moreExploitable, type Risk, type RiskFacts, riskOf } from './risk.ts'
import { versionOfKey, versionWithAll } from './fix-version.ts'

export type FixInput = {
  id: string
  evidence: FixEvidence | undefined
  steps: readonly FixStep[]
  placesOf: ReadonlyMap<FixResource, readonly PlaceOfResource[]>
  /** Ends of steps that are places. */ ends: ReadonlyMap<bigint, PlaceOfResource>
  links: NewFix['links']['resources']
}
const shown = { best: 5, places: 20, resources: 20, steps: 10 }

/** A way it matters: one finding, or the steps, at one place. */
type Case = { risk: Risk; facts: RiskFacts; place: PlaceOfResource | undefined; finding: Candidate | null; resource: FixResource | null }

export function fixFrom(input: FixInput): NewFix {
  const { id, evidence, steps, links } = input
  const resources = evidence?.resources ?? []
  const open = resources.filter(({ findings }) => findings > 0)
  const cases = [...open.flatMap((resource) => casesOf(input, resource)), ...casesOfSteps(input)].sort(byUrgency)
  const [worst] = cases
  const places = placesOfFix(input, open)
  const ordered = places.toSorted(
    (a, b) => placeRisk(b) - placeRisk(a) || (a.title < b.title ? -1 : a.title > b.title ? 1 : Number(a.id - b.id)),
  )
  const sum = (of: (resource: FixResource) => number): number => resources.reduce((all, resource) => all + of(resource), 0)
  const version = evidence?.kind === 'package' ? versionWithAll(versionOfKey(resources[0]?.packageKey ?? ''), evidence.fixedIn) : null
  const { score, level, reasons } = worst?.risk ?? { score: 0, level: 'informational' as const, reasons: [] }
  return {
    id,
    kind: evidence?.kind ?? 'step',
    title: titleOfFix(input, version),
    score,
    level,
    tie: worst?.facts.cvss ?? 0,
    findings: sum(({ findings }) => findings),
    suppressed: sum(({ suppressed }) => suppressed),
    fixable: sum(({ fixable }) => fixable),
    steps: steps.length,
    resources: resources.length,
    places: places.length,
    livePlaces: places.filter(isLive).length,
    oldestNs: least(open.map(({ oldestNs }) => oldestNs)),
    newestNs: least(
      open.map(({ newestNs }) => -newestNs),
      -1n,
    ),
    within: withinOf(input, places),
    dueAt: evidence?.dueAt ?? null,
    details: {
      reasons,
      best: bestOf(cases),
      places: ordered
        .slice(0, shown.places)
        .map((place) => ({ id: place.id, title: place.title, scope: place.scope, live: isLive(place) })),
      resources: open
        .toSorted((a, b) => b.findings - a.findings || (a.key < b.key ? -1 : 1))
        .slice(0, shown.resources)
        .map(({ kind, key, name, findings }) => ({ kind, key, name, findings })),
      incidents: [...new Set(places.flatMap(({ live }) => live?.incidents ?? []))].sort(),
      version,
      steps: steps
        .slice(0, shown.steps)
        .map(({ src, dst, facts }) => ({ because: facts.because, technique: facts.technique.id, from: src, to: dst })),
    },
    links: { resources: links, places: places.map(({ id: place }) => place) },
  }
}

/** Factors are independent, so the worst finding of a resource matters most at its worst place. */
function casesOf({ placesOf }: FixInput, resource: FixResource): Case[] {
  const places = placesOf.get(resource) ?? []
  const place = places.toSorted((a, b) => placeRisk(b) - placeRisk(a) || (a.id < b.id ? -1 : 1))[0]
  return resource.candidates.map((finding) => {
    const facts = { ...factsOfFinding(finding), ...factsOfPlace(place) }
    return { risk: riskOf(facts), facts, place, finding, resource }
  })
}

function casesOfSteps({ steps, ends }: FixInput): Case[] {
  return steps.map(({ src, dst, to: kind, cost, facts: { technique } }) => {
    const [from, to] = [ends.get(src), ends.get(dst)]
    const place = [from, to].filter((one) => one !== undefined).sort((a, b) => placeRisk(b) - placeRisk(a))[0]
    const facts: RiskFacts = {
      ...factsOfPlace(place),
      about: 'step',
      severity: worthOf(kind, cost),
      ...furthest([technique.tactic, ...(place?.live?.tactics ?? [])]),
    }
    return { risk: riskOf(facts), facts, place, finding: null, resource: null }
  })
}

/** Dearer steps than 1 need a flaw. */
function worthOf(kind: EntityKind, cost: number): Severity {
  if (kind === 'node' || kind === 'cluster' || kind === 'cloud_account') return cost > 1 ? 'high' : 'critical'
  if (kind === 'role' || kind === 'identity') return cost > 1 ? 'medium' : 'high'
  if (kind === 'secret' || kind === 'service_account' || kind === 'cloud_resource') return cost > 1 ? 'low' : 'medium'
  return cost > 1 ? 'informational' : 'low'
}

const byUrgency = (a: Case, b: Case): number =>
  b.risk.score - a.risk.score || moreExploitable(a.facts, b.facts) || ((a.finding?.check ?? '') < (b.finding?.check ?? '') ? -1 : 1)

function factsOfFinding({ class: one, kev, kevAsOf, epss, epssAsOf, cvss, severity, inUse, fixable }: Candidate): RiskFacts {
  const given = { kev, kevAsOf, epss, epssAsOf, cvss, severity }
  const known = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null)) as RiskFacts
  if (one !== 'vulnerability') return { ...known, about: 'setting' }
  return { ...known, fixKnown: fixable, ...(inUse === true ? { inUse } : {}) }
}

function factsOfPlace(place: PlaceOfResource | undefined): RiskFacts {
  if (place === undefined) return {}
  const { facts, reach, takesHost, live, way } = place
  const known = facts as Pick<RiskFacts, 'exposure' | 'door' | 'recorded' | 'privilege' | 'criticality'>
  return {
    ...known,
    ...(way === null || known.exposure === 'internet' ? {} : { exposure: 'path' as const, door: way }),
    ...(takesHost ? { privilege: 'host' as const } : {}),
    ...(reach === null ? {} : { blastRadius: reach }),
    ...(live === undefined ? {} : { detection: live?.severity ?? null }),
    ...furthest(live?.tactics ?? []),
  }
}
const placeRisk = (place: PlaceOfResource): number => riskOf(factsOfPlace(place)).score
const isLive = ({ live }: PlaceOfResource): boolean => live !== null && live !== undefined

function furthest(named: readonly string[]): { tactic?: TacticId } {
  const known = new Set(tactics.map(([id]) => id as string))
  const last = named
    .filter((id) => known.has(id))
    .sort((a, b) => tacticOrder(a) - tacticOrder(b))
    .at(-1)
  return last === undefined ? {} : { tactic: last as TacticId }
}

function placesOfFix({ placesOf, steps, ends }: FixInput, resources: readonly FixResource[]): PlaceOfResource[] {
  const found = new Map<bigint, PlaceOfResource>()
  for (const resource of resources) for (const place of placesOf.get(resource) ?? []) found.set(place.id, place)
  for (const { src, dst } of steps) for (const end of [ends.get(src), ends.get(dst)]) if (end !== undefined) found.set(end.id, end)
  return [...found.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
}

function bestOf(cases: readonly Case[]): FixDetails['best'] {
  const best = new Map<string, FixDetails['best'][number]>()
  for (const { finding, resource } of cases) {
    if (finding === null || best.has(finding.id)) continue
    best.set(finding.id, { id: finding.id, check: finding.check, title: finding.title, on: resource?.name ?? '' })
    if (best.size === shown.best) break
  }
  return [...best.values()]
}

function withinOf({ evidence, steps }: FixInput, places: readonly PlaceOfResource[]): string[] {
  const spots = [
    ...places.map(({ scope, namespace }) => ({ scope, namespace })),
    ...(evidence?.resources ?? []).filter(({ scope }) => scope !== 'global').map(({ scope, namespace }) => ({ scope, namespace })),
    ...[...(evidence?.scopes ?? []), ...steps.map(({ scope }) => scope)].map((scope) => ({ scope, namespace: null })),
  ]
  return [
    ...new Set(
      spots.flatMap(({ scope, namespace }) => (namespace === null ? [scope] : [scope, `${scope}/${namespace}`, `*/${namespace}`])),
    ),
  ].sort()
}

/** `sign` -1n: of negated numbers, for the greatest. */
function least(values: readonly bigint[], sign = 1n): bigint | null {
  let found: bigint | null = null
  for (const value of values) if (found === null || value < found) found = value
  return found === null ? null : found * sign
}
