/**
 * Severity as in OCSF (severity_id), and how Falco's eight priorities map onto it.
 */
import { z } from 'zod'

export const severities = ['informational', 'low', 'medium', 'high', 'critical'] as const
export const Severity = z.enum(severities)
export type Severity = z.infer<typeof Severity>

/** OCSF severity_id: 1 informational … 5 critical. */
export const severityId = (severity: Severity): number => severities.indexOf(severity) + 1
export const severityFromId = (id: number): Severity =>
  severities[Math.min(Math.max(Math.trunc(id), 1), severities.length) - 1] ?? 'informational'
export const maxSeverity = (a: Severity, b: Severity): Severity => (severityId(a) >= severityId(b) ? a : b)

/** Falco's priorities, most urgent first; the index is syslog's number. */
export const priorities = ['Emergency', 'Alert', 'Critical', 'Error', 'Warning', 'Notice', 'Informational', 'Debug'] as const
export const Priority = z.enum(priorities)
export type Priority = z.infer<typeof Priority>

/** Reads a priority in any case; rules write INFO where alerts say Informational. Undefined when it is none. */
export function parsePriority(text: string): Priority | undefined {
  const wanted = text.trim().toLowerCase()
  if (wanted === 'info') return 'Informational'
  return priorities.find((priority) => priority.toLowerCase() === wanted)
}

export const prioritySeverity: Record<Priority, Severity> = {
  Emergency: 'critical',
  Alert: 'critical',
  Critical: 'critical',
  Error: 'high',
  Warning: 'medium',
  Notice: 'low',
  Informational: 'informational',
  Debug: 'informational',
}
