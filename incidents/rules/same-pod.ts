import type { CorrelationRule } from '../rule.ts'
import { minutes } from '../rule.ts'

/**
 * Alerts from one pod: by UID when inventory knows it, and by name, so that an alert which came before its
 * inventory record still meets those that came after.
 */
export const samePod: CorrelationRule = {
  name: 'same-pod',
  window: minutes(60),
  facts: (alert, context) => {
    const place = context.pod === null ? alert.pod : { namespace: context.pod.namespace ?? '', name: context.pod.name }
    if (place === null) return []
    const label = `pod ${place.namespace}/${place.name}`
    const byName = { key: `name/${place.namespace}/${place.name}`, label, inferred: context.pod !== null && context.inferred }
    return context.pod === null ? [byName] : [byName, { key: `uid/${context.pod.key}`, label, inferred: context.inferred }]
  },
}
