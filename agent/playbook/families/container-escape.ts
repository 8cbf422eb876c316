import type { Alert } from '../../../domain/alert.ts'
import { type Family, hasTechnique, ruleSays } from '../family.ts'
import { cite, citeEntity } from '../sentence.ts'

/** A process's own input and output. Servers reopen them for their logs, and rules about the runtime's files take it for more. */
const ownStream = /^\/proc\/self\/fd\/[012]$/

/** The runtime itself, on its way into a container: by its file where the sensor tells one, for a name can be chosen. */
const startsContainers = ({ process }: Alert): boolean =>
  process !== null &&
  /^runc(:\[\d:(PARENT|CHILD|INIT)\])?$/.test(process.name ?? '') &&
  ((process.exepath ?? '') === '' ? process.parentName === null : (process.exepath ?? '').endsWith('/runc'))

/** A step out of the container, onto its node. */
export const containerEscape: Family = {
  name: 'container-escape',
  title: 'a step from the container to its node',
  matches: (alert) =>
    hasTechnique(alert, 'T1611') || ruleSays(alert, /escape|release_agent|debugfs|host sensitive path|sensitive mount|unshare|nsenter/i),
  weigh: ({ alert }) => {
    if (ownStream.test(alert.file ?? '')) return 'weak'
    if (ruleSays(alert, /release_agent|escape/i)) return 'conclusive'
    if (startsContainers(alert)) return 'weak'
    return ruleSays(alert, /mount container|unshare/i) ? 'supporting' : 'decisive'
  },
  tell: ({ alert, context: { node } }) => [
    'the process ',
    cite(alert, 'process.cmdline'),
    ...(node === null ? [] : [' on node ', citeEntity(node, 'name')]),
    ...(alert.file === null ? [] : [' touched ', cite(alert, 'file')]),
    ownStream.test(alert.file ?? '')
      ? ', its own output, which servers do for their logs'
      : startsContainers(alert)
        ? ' as the runtime does when it starts a container'
        : ', a known way out of a container',
  ],
  because: 'no workload needs a way out of its container',
  reachesHost: true,
}
