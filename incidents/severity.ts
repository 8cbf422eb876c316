/**
 * Severity of an incident: a pure function of what its rules said, each step explained. The result is also the
 * floor: nobody but a person can go below it, and no analyst's words enter here.
 */
import { tacticOrder, tacticTitle } from '../domain/attack.ts'
import type { SeverityReason } from '../domain/incident.ts'
import { type Priority, type Severity, maxSeverity, prioritySeverity, severityId } from '../domain/severity.ts'

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

export function assess(groups: readonly RuleGroup[]): { severity: Severity; reasons: SeverityReason[] } {
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
