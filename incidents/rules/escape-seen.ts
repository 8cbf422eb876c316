import type { Lead } from '../../domain/alert.ts'
import type { AlertContext } from '../context.ts'
import { endOf, isEscape, nameOf, onHost } from '../origin.ts'
import { type CorrelationRule, type Fact, minutes } from '../rule.ts'

/** An escape (T1611) seen in a pod, and then one on the host of the node it runs on. */
export const escapeSeen: CorrelationRule = {
  name: 'escape-seen',
  window: minutes(15),
  reach: { before: minutes(2), after: minutes(60) },
  facts(alert: Lead, { pod, node }: AlertContext): Fact[] {
    if (!isEscape(alert)) return []
    if (onHost(alert)) return [{ key: `node/${alert.hostname}`, label: `escapes to node ${alert.hostname}`, inferred: false }]
    if (pod === null || node === null) return []
    return [
      {
        key: `node/${node.key}`,
        label: `node ${node.name}, which pod ${nameOf(pod)} runs on and tried to escape to`,
        inferred: true,
        reaches: { rule: 'escape-seen', by: pod.key },
        relation: { from: endOf(pod), type: 'RUNS_ON', to: endOf(node) },
      },
    ]
  },
}
