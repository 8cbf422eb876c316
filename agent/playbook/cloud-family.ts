/** A call in a cloud as a family of detections of its own, one for each tactic: what it weighs is what the author of its rule gave it. */
import type { Alert } from '../../domain/alert.ts'
import { severityId } from '../../domain/severity.ts'
import { calledAs, wasRefused } from './cloud.ts'
import { cloudSign } from './cloud-signs.ts'
import type { Family } from './family.ts'

export function cloudFamily(of: Alert): Family {
  const { title, because } = cloudSign(of)
  return {
    name: `cloud-${title.replaceAll(' ', '-')}`,
    title,
    because,
    matches: () => true,
    // That a call which was refused was tried is a sign all the same.
    weigh: ({ alert }) => {
      if (severityId(alert.severity) < severityId('medium')) return 'weak'
      return severityId(alert.severity) >= severityId('high') && !wasRefused(alert) ? 'decisive' : 'supporting'
    },
    tell: calledAs,
  }
}
