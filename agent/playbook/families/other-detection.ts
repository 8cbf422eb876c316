import { prioritySeverity, severityId } from '../../../domain/severity.ts'
import type { Family } from '../family.ts'
import { cite } from '../sentence.ts'

/** A rule the playbook does not know: weighed by the priority its author gave it. */
export const otherDetection: Family = {
  name: 'other-detection',
  title: 'a detection this playbook has no chapter for',
  fallback: true,
  matches: () => true,
  weigh: ({ alert }) =>
    severityId(prioritySeverity[alert.priority]) >= 5
      ? 'decisive'
      : severityId(prioritySeverity[alert.priority]) === 4
        ? 'supporting'
        : 'weak',
  tell: ({ alert }) => [
    'rule ',
    cite(alert, 'rule'),
    ' fired',
    ...(alert.process?.cmdline == null ? [] : [' for ', cite(alert, 'process.cmdline')]),
  ],
  because: 'its author gave it this priority',
}
