/**
 * What made the incident possible, as far as posture says: flaws, settings, ways in and steps that fit what was seen, the likeliest first. Pure: the
 * same case gives the same order, whatever the order its records came in. Each candidate says why, what it explains, what to change, and its records.
 */
import type { TacticId } from '../domain/attack.ts'
import type { EvidenceRef } from '../domain/evidence.ts'
import { formatEventTime } from '../domain/event-time.ts'
import type { AttackStep } from '../domain/graph.ts'
import type { InUse } from '../domain/in-use.ts'
import type { Severity } from '../domain/severity.ts'
import { criticalityOf } from '../graph/fixes/criticality.ts'
import { type RiskFacts, type RiskReason, riskOf } from '../graph/fixes/risk.ts'
import type { FindingFacts } from '../store/finding-facts.ts'
import type { CaseAlert } from './case-file.ts'
import { type FlawCause, flawCauses, flawFix, idsOf } from './flaw-causes.ts'
import type { IncidentPosture, PlacedFinding, WayIn } from './posture.ts'
import { settingOf, type Sign, signsOf, type Topic, topicOfStep } from './posture-topics.ts'
import { findingField, stepField, stepId } from './record-field.ts'

export type Cause =
  | FlawCause
  | { is: 'secret'; finding: FindingFacts }
  | { is: 'setting'; finding: FindingFacts }
  | { is: 'way-in'; steps: WayIn }
  /** `findings`: what scanners say of the same. */
  | { is: 'step'; step: AttackStep; findings: FindingFacts[] }

export type RootCause = {
  kind: 'finding' | 'step'
  title: string
  /** In a sentence, with names. */ why: string
  /** 0 to 100. */ score: number
  reasons: Pick<RiskReason, 'code' | 'text'>[]
  /** The signs it explains, in their order. */ relates: Sign[]
  /** The one change that takes it away; of many causes the same when one change takes them all. */ fix: {
    key: string
    text: string
  } | null
  evidence: EvidenceRef[]
  cause: Cause
}

/** How much of a risk counts as a cause: it lies in the very program that did it; it fits; it fits, as many others do; nothing seen speaks for it. */
const weights = { inProgram: 1, fits: 0.8, flawFits: 0.6, nothingSeen: 0.3 } as const
type About = { severity: Severity; alerts: readonly CaseAlert[]; posture: IncidentPosture }

export function rootCauses({ severity, alerts, posture }: About): RootCause[] {
  const around = aroundOf(severity, alerts, posture)
  const causes = [
    ...flawCauses(posture, around.signs),
    ...posture.findings
      .filter(({ finding }) => finding.class === 'secret')
      .map((one) => ({ cause: { is: 'secret', finding: one.finding } as const, at: one.at })),
    ...posture.waysIn.map((steps) => ({ cause: { is: 'way-in', steps } as const, at: [steps.at(-1)?.dst ?? 0n] })),
    ...stepsAndSettings(posture),
  ]
  const found = causes.flatMap(({ cause, at }) => candidate(cause, at, around) ?? [])
  return inOrder(found)
}

/** By score; but first one of each link of the chain: ten flaws of one image must not hide how it is reached, nor the token. */
function inOrder(found: readonly RootCause[]): RootCause[] {
  const sorted = found.toSorted((a, b) => b.score - a.score || compare(a.title, b.title) || compare(a.why, b.why))
  const linkOf = ({ cause }: RootCause): string => (cause.is === 'flaw' || cause.is === 'way-in' ? cause.is : (topicOf(cause) ?? cause.is))
  const links = new Map(sorted.toReversed().map((one) => [linkOf(one), one]))
  const first = new Set(links.values())
  return [...sorted.filter((one) => first.has(one)), ...sorted.filter((one) => !first.has(one))]
}
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** What all candidates of a case share. */
type Around = { facts: RiskFacts; signs: Sign[]; exposed: ReadonlySet<bigint>; /** Of its alerts. */ ids: ReadonlySet<string> }
function aroundOf(severity: Severity, alerts: readonly CaseAlert[], posture: IncidentPosture): Around {
  const workload = alerts.find(({ context }) => context.workload !== null)?.context.workload
  const escapes = posture.steps.some(({ step }) => topicOfStep(step) === 'escape')
  const derived = posture.coverage.derivedAt !== null
  const criticality = criticalityOf(workload?.properties)
  return {
    ids: new Set(alerts.map(({ alert }) => alert.id)),
    signs: signsOf(alerts),
    exposed: new Set(posture.waysIn.map((way) => way.at(-1)?.dst ?? 0n)),
    facts: {
      detection: severity,
      ...(derived ? { blastRadius: posture.reached.length, privilege: escapes ? 'host' : 'plain' } : {}),
      ...(criticality === undefined ? {} : { criticality }),
    },
  }
}

function candidate(cause: Cause, at: readonly bigint[], around: Around): RootCause | null {
  const topic = topicOf(cause)
  const relates = around.signs.filter(
    (sign) => (sign.topic === topic || sameTechnique(cause, sign)) && at.some((id) => idsOf(sign.entry).has(id)),
  )
  // A setting that explains nothing seen is where one could go next, or nothing: no cause.
  if (relates.length === 0 && cause.is !== 'flaw' && cause.is !== 'way-in') return null
  const weight = weightOf(cause, relates, around)
  const exposed = cause.is === 'way-in' || at.some((id) => around.exposed.has(id))
  const risk = riskOf({ ...around.facts, ...factsOf(cause), ...(exposed ? { exposure: 'internet' } : {}) })
  return {
    kind: cause.is === 'way-in' || cause.is === 'step' ? 'step' : 'finding',
    ...wordsOf(cause),
    score: Math.round(risk.score * weight * 10) / 10,
    reasons: [
      ...fitReasons(cause, relates),
      ...risk.reasons.filter(({ code }) => !code.endsWith('_unknown') && !code.endsWith('unlabelled')),
    ],
    relates,
    evidence: evidenceOf(cause, relates),
    cause,
  }
}

function weightOf(cause: Cause, relates: readonly Sign[], { ids }: Around): number {
  if (relates.length === 0) return weights.nothingSeen
  if (cause.is !== 'flaw') return weights.fits
  const seenHere = cause.use?.inUse === true && ids.has(cause.use.alertId)
  return cause.program !== null || seenHere ? weights.inProgram : weights.flawFits
}

function topicOf(cause: Cause): Topic | null {
  if (cause.is === 'flaw' || cause.is === 'way-in') return 'entry'
  if (cause.is === 'secret') return 'credential'
  return cause.is === 'step' ? topicOfStep(cause.step) : (settingOf(wordsOfFinding(cause.finding))?.topic ?? null)
}
const sameTechnique = (cause: Cause, { entry }: Sign): boolean =>
  cause.is === 'step' && entry.alert.techniques.some((id) => id.split('.')[0] === cause.step.technique.id.split('.')[0])

const factsOf = (cause: Cause): RiskFacts => {
  if (cause.is === 'step') return { about: 'setting', tactic: cause.step.technique.tactic as TacticId, ...severityFact(cause.findings[0]) }
  if (cause.is === 'way-in') return { about: 'setting', tactic: 'TA0001', severity: 'high' }
  const { finding } = cause
  if (cause.is !== 'flaw') return { about: 'setting', ...severityFact(finding) }
  return {
    about: 'flaw',
    tactic: 'TA0001',
    ...severityFact(finding),
    ...(finding.kev === null ? {} : { kev: true }),
    ...(finding.epss === null ? {} : { epss: finding.epss }),
    ...(finding.cvss === null ? {} : { cvss: finding.cvss.score }),
    ...useFact(cause.use),
  }
}
const useFact = (use: InUse | null): Pick<RiskFacts, 'inUse'> =>
  use?.inUse === true
    ? { inUse: true }
    : use === null || use.notObservedSinceNs === null
      ? {}
      : { inUse: { notObservedSince: formatEventTime(use.notObservedSinceNs).slice(0, 10) } }
const severityFact = (finding: FindingFacts | undefined): RiskFacts => (finding?.severity == null ? {} : { severity: finding.severity })

/** Steps, each with what scanners say of the same setting of the same place; and what they say of others. */
function stepsAndSettings({ steps, findings }: IncidentPosture): { cause: Cause; at: bigint[] }[] {
  const settings = findings.filter(({ finding }) => finding.class === 'misconfiguration' || finding.class === 'compliance')
  const told = new Set<PlacedFinding>()
  const causes = steps.map(({ step, at }) => {
    const setting = settingOf(`${step.type} ${step.because}`)?.name
    const same = settings.filter(
      (one) => setting !== undefined && settingOf(wordsOfFinding(one.finding))?.name === setting && one.at.some((id) => at.includes(id)),
    )
    for (const one of same) told.add(one)
    return { cause: { is: 'step' as const, step, findings: same.map(({ finding }) => finding) }, at }
  })
  const others = settings.filter((one) => !told.has(one)).map(({ finding, at }) => ({ cause: { is: 'setting' as const, finding }, at }))
  return [...causes, ...others]
}
const wordsOfFinding = ({ title, check }: FindingFacts): string => `${title} ${check}`

function wordsOf(cause: Cause): Pick<RootCause, 'title' | 'why' | 'fix'> {
  if (cause.is === 'way-in') {
    const because = cause.steps.map((step) => step.because)
    const fix = cause.steps.find((step) => step.fix !== null)?.fix ?? null
    return {
      title: `Reached from the internet: ${because.at(-1)}`,
      why: because.join('; then '),
      fix: fix && { key: fix.key, text: fix.text },
    }
  }
  if (cause.is === 'step') {
    const { because, technique, fix } = cause.step
    return { title: `${technique.name}: ${because}`, why: because, fix: fix && { key: fix.key, text: fix.text } }
  }
  const { finding } = cause
  const { resource, check, package: found } = finding
  if (cause.is === 'flaw') {
    const title = `${check} in ${found?.name ?? 'a package'} of image ${resource.name}`
    return { title, why: `${title} can be used over the network`, fix: flawFix(cause) }
  }
  const title = `${finding.title} (${check}) of ${resource.kind.replaceAll('_', ' ')} ${resource.name}`
  const remediation = finding.remediation ?? null
  return { title, why: title, fix: remediation === null ? null : { key: `${check}/${resource.key}`, text: remediation } }
}

function fitReasons(cause: Cause, relates: readonly Sign[]): RootCause['reasons'] {
  const reasons: RootCause['reasons'] = []
  if (cause.is === 'flaw' && cause.program !== null)
    reasons.push({ code: 'in_application', text: 'the package belongs to the application that the server program runs' })
  for (const shows of new Set(relates.map((sign) => sign.shows))) reasons.push({ code: 'fits', text: `fits that ${shows}` })
  return reasons
}

/** Its own records, and the first alert it explains. */
function evidenceOf(cause: Cause, relates: readonly Sign[]): EvidenceRef[] {
  const findings = cause.is === 'step' ? cause.findings : cause.is === 'way-in' ? [] : [cause.finding]
  const steps = cause.is === 'way-in' ? cause.steps : cause.is === 'step' ? [cause.step] : []
  const [first] = relates
  return [
    ...steps.map((step): EvidenceRef => ({ record: 'step', id: stepId(step), path: 'because', value: stepField(step, 'because') })),
    ...findings.map((one): EvidenceRef => ({ record: 'finding', id: one.id, path: 'check', value: findingField(one, 'check') })),
    ...(first === undefined ? [] : [{ record: 'alert', id: first.entry.alert.id, path: null, value: null } as const]),
  ]
}
