import { everyOf } from '../../domain/graph.ts'
import { shown } from '../evidence.ts'
import type { StepRule } from '../step-rule.ts'
import { techniques } from '../techniques.ts'

/** Every right in a cluster: all Secrets, all accounts, all pods, and a pod on any node. */
export const clusterToEverything: StepRule = {
  name: 'cluster-to-everything',
  title: 'Take everything in the cluster',
  technique: techniques.validAccounts,
  unit: 'access',
  *steps({ scope, bindings, roles, accounts }) {
    const witness = bindings[0] ?? roles[0] ?? accounts[0]
    if (witness === undefined) return
    for (const kind of ['secret', 'service_account', 'pod', 'node'] as const)
      yield {
        from: { scope, kind: 'cluster', key: scope },
        to: everyOf(scope, kind, null),
        cost: 0,
        precondition: 'someone is its administrator',
        because: `it is in cluster ${scope}`,
        evidence: [shown(witness, 'scope', scope)],
        fix: null,
        fromNs: witness.validFromNs,
        untilNs: null,
      }
  },
}
