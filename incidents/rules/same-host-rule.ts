import type { CorrelationRule } from '../rule.ts'
import { minutes } from '../rule.ts'

/** The last resort, for an alert with no other fact: repeats of one rule on one host are one row, not thousands. */
export const sameHostRule: CorrelationRule = {
  name: 'same-host-rule',
  window: minutes(15),
  lastResort: true,
  facts: (alert) => [
    {
      key: `${alert.hostname ?? '-'}/${alert.rule}`,
      label: `repeats of one rule on ${alert.hostname ?? 'an unnamed host'}`,
      inferred: false,
    },
  ],
}
