import { type CorrelationRule, type Fact, minutes } from '../rule.ts'

/**
 * Alerts from one pod: by UID when inventory knows it, and by name, so that an alert which came before its
 * inventory record still meets those that came after.
 */
export const samePod: CorrelationRule = {
  name: 'same-pod',
  window: minutes(60),
  facts: (alert, context) => {
    const named = (place: { namespace: string; name: string }, inferred: boolean): Fact => ({
      key: `name/${place.namespace}/${place.name}`,
      label: `pod ${place.namespace}/${place.name}`,
      inferred,
    })
    const said = alert.pod === null ? [] : [named(alert.pod, false)]
    if (context.pod === null) return said
    const place = named({ namespace: context.pod.namespace ?? '', name: context.pod.name }, context.inferred)
    return [...said, place, { ...place, key: `uid/${context.pod.key}` }]
  },
}
