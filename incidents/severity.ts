/**
 * Severity of an incident: a pure function of what its rules said, each step explained. The result is also the
 * floor: nobody but a person can go below it, and no analyst's words enter here.
 */
import { tacticOrder, tacticTitle } from '../domain/attack.ts'
import type { SeverityReason } from '../domain/incident.ts'
import { type Priority, type Severity, maxSeverity, prioritySeverity, severityFromId, severityId } from '../domain/severity.ts'
import { visible } from '../domain/untrusted.ts'
import { isToldApart, isUsual, type Normal, nothingKnown, whoSaid } from './baseline.ts'

/** Alerts of an incident, grouped by rule. */
export type RuleGroup = {
  rule: string
  priority: Priority
  tactics: string[]
  techniques: string[]
  count: number
  firstNs: bigint
  lastNs: bigint
}

export type Assessment = { severity: Severity; reasons: SeverityReason[] }

/** `normal`: what was usual before the incident began. */
export const assess = (groups: readonly RuleGroup[], normal: Normal = nothingKnown): Assessment =>
  weighNormal(gravity(groups), groups, normal)

function gravity(groups: readonly RuleGroup[]): Assessment {
  const reasons: SeverityReason[] = []
  let severity: Severity = 'informational'
  const raise = (code: string, to: Severity, text: string): void => {
    if (severityId(to) <= severityId(severity) && reasons.length > 0) return
    severity = maxSeverity(severity, to)
    reasons.push({ code, text, severity })
  }
  const worst = groups.toSorted(
    (a, b) => severityId(prioritySeverity[b.priority]) - severityId(prioritySeverity[a.priority]) || (a.rule < b.rule ? -1 : 1),
  )[0]
  if (worst === undefined) return { severity, reasons: [{ code: 'no_alerts', text: 'no alerts', severity }] }
  raise('rule_priority', prioritySeverity[worst.priority], `its most urgent rule, “${worst.rule}”, has priority ${worst.priority}`)

  const techniques = new Set(groups.flatMap((group) => group.techniques))
  if (techniques.has('T1611')) raise('escape', 'high', 'a technique of escaping to the host (T1611) is among them')
  const tactics = [...new Set(groups.flatMap((group) => group.tactics))].sort((a, b) => tacticOrder(a) - tacticOrder(b))
  const named = tactics.map(tacticTitle).join(', ')
  if (tactics.includes('TA0002') && tactics.includes('TA0011'))
    raise('execution_and_control', 'high', 'execution and command-and-control were seen together')
  if (tactics.includes('TA0002') && tactics.includes('TA0006'))
    raise('execution_and_credentials', 'high', 'execution and credential access were seen together')
  if (tactics.length >= 4)
    raise(
      'four_tactics',
      severityId(severity) >= severityId('high') ? 'critical' : 'high',
      `it spans ${tactics.length} ATT&CK tactics: ${named}`,
    )
  else if (tactics.length === 3) raise('three_tactics', 'high', `it spans three ATT&CK tactics: ${named}`)
  else if (tactics.length === 2) raise('two_tactics', 'medium', `it spans two ATT&CK tactics: ${named}`)
  return { severity, reasons }
}

/** Escape to the host, and the taking of what opens other doors: however usual, never less. */
const neverUsual = ['T1611', 'T1003', 'T1528', 'T1552', 'T1555', 'T1606']

/**
 * What happened just so on most days before is one step less, and so is what a person called harmless: all of it, by the same processes in the same
 * places. Whoever keeps at something for a week, or is taken for somebody else once, gains that one step and no more (docs/adr/0014).
 */
function weighNormal({ severity, reasons }: Assessment, groups: readonly RuleGroup[], normal: Normal): Assessment {
  if (normal.newPlaces.length > 0) return { severity, reasons: [...reasons, newHere(normal, severity)] }
  const known = new Set(normal.here.map(({ rule }) => rule))
  if (!normal.whole || !groups.every(({ rule }) => known.has(rule)) || isGrave(severity, groups)) return { severity, reasons }
  const less = severityFromId(severityId(severity) - 1)
  if (!normal.here.every(isUsual)) {
    if (normal.harmless === null || !normal.here.every(isToldApart)) return { severity, reasons }
    const text = `${whoSaid(normal.harmless, 'the same')}: all of it was seen there, by the same processes in the same places`
    return { severity: less, reasons: [...reasons, { code: 'called_harmless', text, severity: less }] }
  }
  const least = normal.here.toSorted(
    (a, b) => a.usual.days / a.usual.ofDays - b.usual.days / b.usual.ofDays || a.usual.count - b.usual.count,
  )[0]
  const text = `${normal.here.length === 1 ? '' : 'all of it is usual here, the least usual of it: '}${least?.usual.text ?? ''}`
  return { severity: less, reasons: [...reasons, { code: 'usual_here', text, severity: less }] }
}

function isGrave(severity: Severity, groups: readonly RuleGroup[]): boolean {
  const tactics = new Set(groups.flatMap((group) => group.tactics))
  const techniques = groups.flatMap((group) => group.techniques.map((one) => one.split('.')[0] ?? one))
  return severity === 'critical' || (severity === 'high' && tactics.size >= 2) || techniques.some((one) => neverUsual.includes(one))
}

function newHere({ newPlaces: [first = '', ...more], watchedDays }: Normal, severity: Severity): SeverityReason {
  const place = first === '' ? 'a source that names no place' : visible(first, 120)
  const others = more.length === 0 ? '' : `, nor of ${more.length} other ${more.length === 1 ? 'place' : 'places'}`
  const text = `nothing was reported of ${place}${others} on the ${watchedDays} ${watchedDays === 1 ? 'day' : 'days'} watched before`
  return { code: 'new_here', text, severity }
}
