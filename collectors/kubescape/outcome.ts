/** What Kubescape’s status of a control means; v3 writes it as a word and as an object, v4 as an object. Pure. */
import { InputError } from '../../domain/errors.ts'
import type { NewFinding } from '../../domain/finding.ts'
import { cut, proseOf } from '../words.ts'
import type { Control, Summary } from './shape.ts'

type Said = Pick<Summary, 'status' | 'statusInfo'>
const told = ({ status, statusInfo }: Said): NonNullable<Said['statusInfo']> =>
  statusInfo ?? (typeof status === 'string' ? { status } : (status ?? {}))
export const wordOf = (said: Said): string => (told(said).status ?? (typeof said.status === 'string' ? said.status : '')).toLowerCase()

export function outcomeOf(control: Control): Pick<NewFinding, 'outcome' | 'outcomeReason'> {
  const { subStatus, info } = told(control)
  const outcomeReason = proseOf([subStatus, info].filter((one) => one).join(': '), 1_000)
  switch (wordOf(control)) {
    case 'failed':
      return { outcome: 'fail', outcomeReason: null }
    case 'passed':
      if (/exception/i.test(subStatus ?? '')) return { outcome: 'muted', outcomeReason }
      // Also what is irrelevant: to Kubescape it passes, while “not applicable” would speak for every other scanner.
      return { outcome: 'pass', outcomeReason }
    case 'excluded':
      return { outcome: 'muted', outcomeReason }
    // It was not looked at: a person has to.
    case 'skipped':
      return { outcome: 'manual', outcomeReason }
    default:
      throw new InputError(`status “${cut(wordOf(control), 40)}” of ${control.controlID}: expected failed, passed or skipped`)
  }
}
