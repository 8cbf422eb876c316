/**
 * Whether a model is asked about an incident that the playbook has read. Pure. The bill follows incidents, not alerts: one that only grows is not asked
 * about again, one that brings something new is, ever less often. What is not asked about is none the less shown, with the reason.
 */
import type { Incident } from '../domain/incident.ts'
import type { Report, Verdict } from '../domain/report.ts'
import { type Severity, severityId } from '../domain/severity.ts'
import type { Triaged } from '../domain/triage.ts'

/** How the incident was when a model was last asked, and how often one has been. */
export type Asked = { at: Date; times: number; severity: Severity; rules: readonly string[]; entityIds: readonly bigint[] }
/** How it was when a model for triage looked first and saw no need of more; `said`: why, as a clause of ours. */
export type Spared = Omit<Asked, 'times'> & { said: string }
/** What a person lately said of the same rules in the same place. */
export type JudgedAlike = { verdict: Verdict; at: Date; incident: string }
export type TriageCase = {
  incident: Pick<Incident, 'state' | 'severity' | 'rules' | 'entityIds'>
  /** The playbook’s newest. */ report: Pick<Report, 'verdict' | 'confidence'>
  judged: JudgedAlike | null
  asked: Asked | null
  spared: Spared | null
  /** The month’s money is spent; in words. */ capped: string | null
}
export type TriageRules = { minSeverity: Severity; againMinutes: number }

/** Below it incidents are not read without being asked for. */
export const leastSeverity: Severity = 'medium'
/** What the playbook says when it is not sure. */
export const isUnsure = ({ verdict, confidence }: TriageCase['report']): boolean => undecided.has(verdict) || confidence === 'low'
const undecided: ReadonlySet<Verdict> = new Set(['unknown', 'suspicious', 'insufficient_data'])
const longestMs = 24 * 3_600_000

export function triage(one: TriageCase, rules: TriageRules, now: Date): Triaged {
  const { incident, report, judged, asked, spared, capped } = one
  const spare = (code: Triaged['code'], reason: string): Triaged => ({ outcome: 'spare', code, reason, dueAt: null })
  if (incident.state === 'closed') return spare('closed', 'it is closed')
  // Nothing else makes the playbook say so.
  if (report.verdict === 'benign') return spare('explained', 'inventory explains all of it')
  if (judged !== null)
    return spare(
      'judged',
      `on ${day(judged.at)} a person judged the same rules in the same place: ${words(judged.verdict)} (${judged.incident})`,
    )
  const wanted = worthIt(one, rules)
  if (wanted.outcome === 'spare') return wanted
  if (asked !== null) {
    const news = newSince(incident, asked)
    if (news === null)
      return spare('nothing_new', `it was asked on ${minute(asked.at)}, and since then nothing but more of the same has come`)
    const dueAt = new Date(asked.at.getTime() + Math.min(longestMs, rules.againMinutes * 60_000 * 2 ** Math.min(asked.times - 1, 20)))
    if (dueAt > now)
      return {
        outcome: 'later',
        code: 'interval',
        reason: `it was asked on ${minute(asked.at)}, and is asked again from ${minute(dueAt)} on: ${news}`,
        dueAt,
      }
    return capped === null
      ? { outcome: 'ask', code: 'grown', reason: `since it was last asked, ${news}`, dueAt: null }
      : spare('capped', capped)
  }
  // What is new since then is not looked at first again: it is investigated.
  if (spared !== null && wanted.code === 'undecided' && newSince(incident, spared) === null)
    return spare('looked', `on ${minute(spared.at)} ${spared.said}`)
  return capped === null ? wanted : spare('capped', capped)
}

/** Whether a model for triage looks at it before it is investigated, where the playbook is not sure of it. */
export const looksFirst = ({ severity }: Pick<Incident, 'severity'>, upTo: Severity | undefined): boolean =>
  upTo !== undefined && severityId(severity) <= severityId(upTo)

function worthIt({ incident, report }: TriageCase, { minSeverity }: TriageRules): Triaged {
  const said = `the playbook says ${words(report.verdict)} with ${report.confidence} confidence`
  if (severityId(incident.severity) >= severityId(minSeverity))
    return { outcome: 'ask', code: 'severe', reason: `it is ${incident.severity}`, dueAt: null }
  if (severityId(incident.severity) < severityId(leastSeverity))
    return {
      outcome: 'spare',
      code: 'small',
      reason: `it is ${incident.severity}, and below ${leastSeverity} a model is asked only by people`,
      dueAt: null,
    }
  if (isUnsure(report))
    return {
      outcome: 'ask',
      code: 'undecided',
      reason: `the playbook is not sure: ${words(report.verdict)}, ${report.confidence} confidence`,
      dueAt: null,
    }
  return { outcome: 'spare', code: 'sure', reason: `${said}, and ${incident.severity} is below ${minSeverity}`, dueAt: null }
}

/** What is new in kind, not in number; null: nothing is. */
function newSince(incident: TriageCase['incident'], asked: Pick<Asked, 'severity' | 'rules' | 'entityIds'>): string | null {
  const rules = new Set(asked.rules)
  const places = new Set(asked.entityIds)
  const [newRules, newPlaces] = [
    incident.rules.filter((one) => !rules.has(one)).length,
    incident.entityIds.filter((one) => !places.has(one)).length,
  ]
  const news = [
    ...(severityId(incident.severity) > severityId(asked.severity) ? [`it has become ${incident.severity}`] : []),
    ...(newRules > 0 ? [`${newRules} ${newRules === 1 ? 'rule is' : 'rules are'} new`] : []),
    ...(newPlaces > 0 ? [`${newPlaces} ${newPlaces === 1 ? 'place is' : 'places are'} new`] : []),
  ]
  return news.length === 0 ? null : news.join(', ')
}

const words = (verdict: Verdict): string => verdict.replaceAll('_', ' ')
const day = (at: Date): string => at.toISOString().slice(0, 10)
const minute = (at: Date): string => `${at.toISOString().slice(0, 16).replace('T', ' ')} UTC`
