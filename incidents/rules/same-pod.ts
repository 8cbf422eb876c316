import type { CorrelationRule } from '../rule.ts'
import { minutes } from '../rule.ts'

/** Alerts from one pod: by UID when inventory knows it, else by the name the sensor wrote. */
export const samePod: CorrelationRule = {
  name: 'same-pod',
  window: minutes(60),
  facts: (alert, context) => {
    if (context.pod !== null) return [{ key: `uid/${context.pod.key}`, label: `pod ${context.pod.namespace}/${context.pod.name}`, inferred: context.inferred }]
    return alert.pod === null ? [] : [{ key: `name/${alert.pod.namespace}/${alert.pod.name}`, label: `pod ${alert.pod.namespace}/${alert.pod.name}`, inferred: false }]
  },
}
