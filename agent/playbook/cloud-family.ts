/** A call in a cloud as a family of detections of its own, one for each tactic: what it weighs is what the author of its rule gave it. */
import type { Alert } from '../../domain/alert.ts'
import { severityId } from '../../domain/severity.ts'
import { calledAs } from './cloud.ts'
import { cloudSign } from './cloud-signs.ts'
import type { Family } from './family.ts'

export function cloudFamily(alert: Alert): Family {
  const sign = cloudSign(alert)
  return {
    name: `cloud-${sign.title.replaceAll(' ', '-')}`,
    ...sign,
    matches: () => true,
    // A call that was refused changed nothing; that it was tried is a sign all the same.
    weigh: ({ alert: { severity, fields } }) =>
      severityId(severity) < severityId('medium')
        ? 'weak'
        : severityId(severity) >= severityId('high') && fields['ct.error'] === undefined
          ? 'decisive'
          : 'supporting',
    tell: calledAs,
  }
}
