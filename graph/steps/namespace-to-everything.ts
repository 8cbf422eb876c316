import { everyOf } from '../../domain/graph.ts'
import { shown } from '../evidence.ts'
import { mayLeaveContainers } from '../kubernetes/power-rules.ts'
import type { StepRule } from '../step-rule.ts'
import { techniques } from '../techniques.ts'

/** Every right in a namespace: its Secrets, its accounts, its pods, and, unless admission refuses them, pods that lead to a node. */
export const namespaceToEverything: StepRule = {
  name: 'namespace-to-everything',
  title: 'Take everything in the namespace',
  technique: techniques.validAccounts,
  unit: 'namespace',
  *steps(world) {
    const { scope, namespace } = world
    const witness = world.places[0]?.entity ?? world.secrets[0] ?? world.accounts[0]
    if (namespace === null || witness === undefined) return
    const all = (['secret', 'pod', 'service_account'] as const).map((kind) => everyOf(scope, kind, namespace))
    for (const to of mayLeaveContainers(world, namespace) ? [...all, everyOf(scope, 'node', null)] : all)
      yield {
        from: { scope, kind: 'namespace', key: namespace },
        to,
        cost: to.kind === 'node' ? 1 : 0,
        precondition: 'someone has every right in it',
        because: `it is in namespace ${namespace}, or can be run there`,
        evidence: [shown(witness, 'namespace', namespace)],
        fix: null,
        fromNs: witness.validFromNs,
        untilNs: null,
      }
  },
}
