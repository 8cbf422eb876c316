/** From a case to signals and a verdict, by rules that can be read: which families were seen, and what they weigh together. */
import type { Severity } from '../../domain/severity.ts'
import { severityId } from '../../domain/severity.ts'
import type { Report } from '../../domain/report.ts'
import type { CaseAlert, CaseFile } from '../../incidents/case-file.ts'
import { ofCloud } from '../../incidents/posture-topics.ts'
import { cloudFamily } from './cloud-family.ts'
import { openedByApi, silentWitness } from './silent-witness.ts'
import { personToAsk } from './person-to-ask.ts'
import { usedAtHome } from './used-at-home.ts'
import { families } from './families/registry.generated.ts'
import { type Family, heavier, type Weight, weights } from './family.ts'

/** One family as this case shows it: its heaviest alert stands for it. */
export type Signal = { family: Family; weight: Weight; strongest: CaseAlert; alerts: CaseAlert[] }

export function signalsOf(alerts: readonly CaseAlert[]): Signal[] {
  const signals = new Map<string, Signal>()
  for (const entry of alerts) {
    if (entry.explanation !== null) continue
    const family = familyOf(entry)
    if (family === undefined) continue
    const weight = family.weigh(entry)
    const before = signals.get(family.name)
    if (before === undefined) signals.set(family.name, { family, weight, strongest: entry, alerts: [entry] })
    else {
      before.alerts.push(entry)
      if (heavier(weight, before.weight)) Object.assign(before, { weight, strongest: entry })
    }
  }
  return [...signals.values()].sort(
    (a, b) => weights.indexOf(b.weight) - weights.indexOf(a.weight) || (a.strongest.alert.eventNs < b.strongest.alert.eventNs ? -1 : 1),
  )
}

/** The heaviest that matches, and no second: one alert is one sign, not two. */
function familyOf(entry: CaseAlert): Family | undefined {
  const { alert } = entry
  if (ofCloud(alert)) return families.find((family) => family.ofCloud === true && family.matches(alert)) ?? cloudFamily(alert)
  const matching = families.filter((family) => family.matches(alert))
  const known = matching.filter(({ fallback }) => fallback !== true)
  const [first, ...rest] = known.length > 0 ? known : matching
  return first && rest.reduce((best, family) => (heavier(family.weigh(entry), best.weigh(entry)) ? family : best), first)
}

export type Judgement = Pick<Report, 'verdict' | 'confidence'> & {
  code:
    | 'explained'
    | 'conclusive'
    | 'decisive_and_second'
    | 'witness_silent'
    | 'used_at_home'
    | 'person_to_ask'
    | 'several_supporting'
    | 'events_lost'
    | 'one_sign'
    | 'nothing_read'
}

export function judge(file: CaseFile, signals: readonly Signal[]): Judgement {
  if (file.alerts.length === 0) return { verdict: 'insufficient_data', confidence: 'low', code: 'nothing_read' }
  if (file.explained)
    return {
      verdict: 'benign',
      confidence: file.alerts.every((entry) => entry.alert.process !== null && entry.context.pod !== null) ? 'high' : 'medium',
      code: 'explained',
    }
  const counted = signals.filter((signal) => signal.weight !== 'weak')
  const strongest = counted[0]?.weight
  if (strongest === 'conclusive')
    return { verdict: 'true_positive', confidence: counted.length > 1 ? 'high' : 'medium', code: 'conclusive' }
  if (strongest === 'decisive' && personToAsk(file, counted) !== null)
    return { verdict: 'suspicious', confidence: 'medium', code: 'person_to_ask' }
  if (strongest === 'decisive' && counted.length > 1)
    return { verdict: 'true_positive', confidence: counted.length > 2 ? 'high' : 'medium', code: 'decisive_and_second' }
  if (strongest !== 'decisive' && openedByApi(file, counted) && silentWitness(file) !== null)
    return { verdict: 'insufficient_data', confidence: 'medium', code: 'witness_silent' }
  if (counted.length === 1 && counted[0]?.family.name === 'metadata-service' && usedAtHome(file) !== null)
    return { verdict: 'benign', confidence: 'medium', code: 'used_at_home' }
  if (strongest === 'decisive' || counted.length > 1) return { verdict: 'suspicious', confidence: 'medium', code: 'several_supporting' }
  // One sign that others have too, seen by a sensor that lost what was around it, decides nothing.
  if ((file.lost ?? []).length > 0) return { verdict: 'insufficient_data', confidence: 'low', code: 'events_lost' }
  return {
    verdict: severityAtLeast(file.incident.severityFloor, 'medium') || counted.length === 1 ? 'suspicious' : 'insufficient_data',
    confidence: 'low',
    code: 'one_sign',
  }
}

export const titleOf = ({ family }: Signal): string => family.title
export const severityAtLeast = (severity: Severity, least: Severity): boolean => severityId(severity) >= severityId(least)
