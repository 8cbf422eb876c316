/**
 * Risk: how much something matters now, computed from plain facts; no model ranks. Factors multiply and each is a reason with a code.
 * Making one fact worse never lowers the score. What was not observed is said and lies between the best and the worst that could have been.
 * Exploitability stands on evidence in a strict order: KEV lists it, then EPSS, then CVSS; `moreExploitable` is that order, exactly.
 */
import { type Severity, severities } from '../../domain/severity.ts'
import { type TacticId, tacticOrder, tactics, tacticTitle } from '../../domain/attack.ts'
import type { Criticality } from './criticality.ts'

/** Each left out: not observed, which is neither good nor bad. */
export type RiskFacts = {
  /** Worst alert of a live incident on it; null: a sensor watches, and no live incident is on it. */ detection?: Severity | null
  /** Stage of what was detected, else of the step it makes possible: the furthest one. */ tactic?: TacticId
  /** `setting`: nobody needs an exploit for it, so lists of exploited flaws say nothing of it. `step`: an attack step, by what it leads to. Else a flaw in software. */
  about?: 'flaw' | 'setting' | 'step'
  /** KEV lists it; false: a snapshot was there and does not. */ kev?: boolean
  /** 0 to 1. */ epss?: number
  /** 0 to 10. */ cvss?: number
  /** As scanners rate it: what holds where there is no CVSS. */ severity?: Severity
  /** Dates of the snapshots that `kev` and `epss` are of. */ kevAsOf?: string
  epssAsOf?: string
  /** Seen at run time; else since when nothing of it was seen, which is not “unused”. */ inUse?: true | { notObservedSince: string }
  exposure?: Exposure
  /** What opens it to the internet, or the path to it. */ door?: Door
  /** Inventory has it; not there: nobody says where it runs. `without`: of its namespace no Service and no Ingress was recorded. */
  recorded?: 'whole' | 'without'
  privilege?: Privilege
  /** How many things whoever has it could go on to take. */ blastRadius?: number
  criticality?: Criticality
  /** Of a flaw: whether a version without it is known. */ fixKnown?: boolean
}
/** `isolated`: looked at, and nothing reaches it. `path`: nothing offers it outside, but attack steps lead to it from there. */
export type Exposure = 'isolated' | 'cluster' | 'path' | 'internet'
/** `by`: what offers it, or what the path goes in by. */
export type Door = { by: string; shownBy: ShownBy | null; /** Of a path how long it is. */ moves?: number }
/** A field of a record of inventory. */
export type ShownBy = { entity: string; path: string; value: string }
/** `host`: what holds it holds the node or the cluster. `elevated`: rights or capabilities beyond the usual. */
export type Privilege = 'plain' | 'elevated' | 'host'

export type RiskReason = { code: string; text: string; factor: number; shownBy?: ShownBy }
export type Risk = { score: number; level: Severity; reasons: RiskReason[] }

/** `score` 0 to 100, not rounded: it orders. The same facts give the same risk. */
export function riskOf(facts: RiskFacts): Risk {
  const reasons = [
    detection(facts),
    stage(facts),
    ...exploitability(facts),
    use(facts),
    exposure(facts),
    privilege(facts),
    blastRadius(facts),
    criticality(facts),
    fixKnown(facts),
  ].filter((one) => one !== null)
  const product = reasons.reduce((all, { factor }) => all * factor, 1)
  const score = (100 * product) / (product + ordinary)
  return { score, level: levelOf(score), reasons }
}
/** A product of this much is in the middle of the scale. */
const ordinary = 3

export const levelOf = (score: number): Severity =>
  score >= 85 ? 'critical' : score >= 60 ? 'high' : score >= 30 ? 'medium' : score >= 10 ? 'low' : 'informational'

/** Sorts the most exploitable first: KEV before all others; then EPSS, where there is none what CVSS makes of it; then CVSS. 0: the same evidence. */
export const moreExploitable = (a: Exploitability, b: Exploitability): number =>
  Number(b.kev === true) - Number(a.kev === true) || probability(b) - probability(a) || cvssOf(b) - cvssOf(a)
export type Exploitability = Pick<RiskFacts, 'kev' | 'epss' | 'cvss' | 'severity'>

/**
 * KEV: 4.3 to 7. Else EPSS: 0.3 to 3; where EPSS does not know it, CVSS: 0.4 to 2. That no list of exploited flaws was given is no word that
 * it is not on one.
 */
export function exploitFactor(facts: Exploitability): number {
  const probable = 0.3 + 2.7 * Math.sqrt(probability(facts))
  return facts.kev === true ? 4 + probable : facts.kev === false ? probable : 1.1 * probable
}
/** EPSS, else the place of its CVSS among EPSS scores. */
const probability = (facts: Exploitability): number =>
  facts.epss === undefined ? ((bySeverity(cvssOf(facts)) - 0.3) / 2.7) ** 2 : within(facts.epss, 1)
const bySeverity = (cvss: number): number => 0.4 + 0.16 * cvss
/** Where no CVSS was given, the middle of what the scanner’s word stands for; where none rates it, the middle of all. */
const cvssOf = ({ cvss, severity }: Exploitability): number =>
  cvss === undefined
    ? severity === undefined
      ? 5
      : { informational: 1, low: 2.5, medium: 5.5, high: 8, critical: 9.5 }[severity]
    : within(cvss, 10)
const within = (value: number, most: number): number => Math.min(Math.max(value, 0), most)

function exploitability(facts: RiskFacts): RiskReason[] {
  const rated =
    facts.cvss === undefined
      ? facts.severity === undefined
        ? 'nobody rates it'
        : `scanners rate it ${facts.severity}`
      : `CVSS ${facts.cvss}`
  if (facts.about === 'setting')
    return [{ code: 'needs_no_exploit', text: `a setting, no exploit is needed; ${rated}`, factor: bySeverity(cvssOf(facts)) }]
  if (facts.about === 'step')
    return [{ code: 'attack_step', text: `an attack step to ${worth[facts.severity ?? 'low']}`, factor: bySeverity(cvssOf(facts)) }]
  const factor = exploitFactor(facts)
  const epss = facts.epss === undefined ? 'no EPSS score was given' : `EPSS ${facts.epss}${of(facts.epssAsOf)}`
  if (facts.kev === true) return [{ code: 'kev_listed', text: `known to be exploited: KEV${of(facts.kevAsOf)} lists it; ${epss}`, factor }]
  const kev = facts.kev === undefined ? 'no KEV list was given that could say' : `KEV${of(facts.kevAsOf)} does not list it`
  const code =
    facts.epss !== undefined
      ? 'epss'
      : facts.cvss !== undefined
        ? 'cvss'
        : facts.severity !== undefined
          ? 'rated'
          : 'exploitability_unknown'
  return [{ code, text: `${facts.epss === undefined ? `${rated}; ${epss}` : `${epss}; ${rated}`}; ${kev}`, factor }]
}
/** What a step leads to, by how much that is worth. */
const worth: Readonly<Record<Severity, string>> = {
  critical: 'a node or the cluster',
  high: 'rights in the cluster or in a cloud',
  medium: 'a secret or an account',
  low: 'another place',
  informational: 'another place, through a flaw',
}
const of = (date: string | undefined): string => (date === undefined ? '' : ` of ${date}`)

function detection({ detection: seen }: RiskFacts): RiskReason {
  if (seen === undefined) return { code: 'detection_unknown', text: 'no sensor is known to watch it', factor: 1 }
  if (seen === null) return { code: 'no_live_incident', text: 'a sensor watches it, and no live incident is on it', factor: 0.9 }
  const factor = [1.2, 1.5, 2, 3, 4][severities.indexOf(seen)] as number
  return { code: 'live_incident', text: `on the path of a live incident, of ${seen} severity`, factor }
}

/** Said only where there is one: that nothing was detected is said above. */
function stage({ tactic }: RiskFacts): RiskReason | null {
  if (tactic === undefined) return null
  return {
    code: 'stage',
    text: `it belongs to the stage ${tacticTitle(tactic)}`,
    factor: 0.8 + (0.8 * tacticOrder(tactic)) / (tactics.length - 1),
  }
}

function use({ inUse }: RiskFacts): RiskReason {
  if (inUse === true) return { code: 'in_use', text: 'seen in use at run time', factor: 2 }
  return {
    code: 'use_not_observed',
    text: inUse === undefined ? 'nobody watched whether it is in use' : `not observed in use since ${inUse.notObservedSince}`,
    factor: 1,
  }
}

/** Somebody at a door that is open is more than both: told in one sentence, with what opens it. */
function exposure({ exposure: how, door, detection: seen, recorded }: RiskFacts): RiskReason {
  const shownBy = door?.shownBy == null ? {} : { shownBy: door.shownBy }
  const by = door === undefined ? '' : ` by ${door.by}`
  switch (how) {
    case undefined:
      return { code: 'exposure_unknown', text: unknownExposure[recorded ?? 'nowhere'], factor: 1 }
    case 'internet':
      return seen == null
        ? { code: 'internet_reachable', text: `reachable from the internet${by}`, factor: 2.5, ...shownBy }
        : { code: 'alert_at_the_door', text: `reachable from the internet${by}, and an alert is at this door`, factor: 3.75, ...shownBy }
    case 'path': {
      const far = door?.moves === undefined ? '' : `, in ${door.moves} moves`
      return { code: 'internet_path', text: `attack steps lead to it from the internet${by}${far}`, factor: 1.6, ...shownBy }
    }
    case 'cluster':
      return {
        code: 'cluster_reachable',
        text: `reachable from inside the cluster${recorded === 'without' ? noWayInRecorded : ''}`,
        factor: 1.1,
      }
    case 'isolated':
      return { code: 'isolated', text: 'nothing known reaches it', factor: 0.5 }
  }
}
const noWayInRecorded = '; of its namespace no Service or Ingress was recorded, which is not to say that the internet does not reach it'
const unknownExposure = {
  nowhere: 'no inventory says where it runs, so not what can reach it',
  whole: 'no record says what can reach it: it declares no port, and no network policy selects it',
  without: `no record says what can reach it: it declares no port${noWayInRecorded}`,
}

function privilege({ privilege: what }: RiskFacts): RiskReason {
  switch (what) {
    case undefined:
      return { code: 'privilege_unknown', text: 'no inventory says what it may do', factor: 1 }
    case 'host':
      return { code: 'takes_host', text: 'what holds it can take the node or the cluster', factor: 2 }
    case 'elevated':
      return { code: 'elevated', text: 'has rights beyond the usual', factor: 1.5 }
    case 'plain':
      return { code: 'plain', text: 'has no rights beyond the usual', factor: 0.8 }
  }
}

function blastRadius({ blastRadius: many }: RiskFacts): RiskReason {
  if (many === undefined) return { code: 'blast_radius_unknown', text: 'what could be taken from it was not derived', factor: 1 }
  const factor = 0.8 + 0.4 * Math.log10(1 + within(many, 1_000))
  return { code: 'blast_radius', text: many === 1 ? 'leads on to one more thing' : `leads on to ${many} more things`, factor }
}

function criticality({ criticality: label }: RiskFacts): RiskReason {
  if (label === undefined) return { code: 'criticality_unlabelled', text: 'nobody labelled how critical it is', factor: 1 }
  return { code: `criticality_${label}`, text: `labelled ${label}`, factor: { low: 0.7, medium: 1.1, high: 1.5, critical: 2 }[label] }
}

/** Lower, for nothing but a way around helps; said only where it is so. */
function fixKnown({ fixKnown: known }: RiskFacts): RiskReason | null {
  return known === false ? { code: 'no_fixed_version', text: 'no fixed version is known', factor: 0.5 } : null
}
