import type { CorrelationRule } from '../rule.ts'
import { minutes } from '../rule.ts'

/** Alerts from one container. Falco's twelve characters and the full id are the same container. */
export const sameContainer: CorrelationRule = {
  name: 'same-container',
  window: minutes(60),
  facts: (alert) =>
    alert.container === null
      ? []
      : [{ key: `${alert.container.id.slice(0, 12)}`, label: `container ${alert.container.id.slice(0, 12)}`, inferred: false }],
}
