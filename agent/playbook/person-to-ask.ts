/**
 * A person opened the terminal in which all of it was typed: the cluster’s audit log names them. Whether it was they, at their work, or somebody with
 * their credentials, no record says; they can.
 */
import type { CaseAlert, CaseFile } from '../../incidents/case-file.ts'
import type { Signal } from './weigh.ts'

/** The request that opened it; null: nobody with a name did, or not all of it came from there. */
export function personToAsk({ omitted }: CaseFile, signals: readonly Signal[]): CaseAlert | null {
  const counted = signals.filter(({ weight }) => weight !== 'weak')
  const opened = counted.find(({ family }) => family.name === 'exec-through-api')
  const [first] = opened?.alerts ?? []
  if (omitted > 0 || opened === undefined || first === undefined || !opened.alerts.every(isOfPerson)) return null
  const rest = counted.filter((signal) => signal !== opened).flatMap(({ alerts }) => alerts)
  return rest.every((entry) => isTypedIn(entry, first)) ? first : null
}

/** Of the API server’s own and of workloads the names begin so; nobody in particular is one of them. */
const isOfPerson = ({ alert: { fields } }: CaseAlert): boolean =>
  typeof fields['ka.user.name'] === 'string' && fields['ka.user.name'] !== '' && !fields['ka.user.name'].startsWith('system:')

const isTypedIn = ({ alert, context }: CaseAlert, opened: CaseAlert): boolean =>
  alert.process?.terminal === true &&
  alert.eventNs >= opened.alert.eventNs &&
  context.pod !== null &&
  context.pod.id === opened.context.pod?.id
