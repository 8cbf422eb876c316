import type { CorrelationRule } from '../rule.ts'
import { minutes } from '../rule.ts'

/** Alerts from replicas of one workload: an intruder who restarts a pod, or enters two replicas, stays one incident. */
export const sameWorkload: CorrelationRule = {
  name: 'same-workload',
  window: minutes(30),
  facts: (_alert, context) =>
    context.workload === null
      ? []
      : [
          {
            key: context.workload.key,
            label: `workload ${context.workload.namespace}/${context.workload.name}`,
            inferred: context.inferred,
          },
        ],
}
