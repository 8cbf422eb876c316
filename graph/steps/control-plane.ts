import { strings } from '../../collectors/kubernetes/fields.ts'
import { shown, titled, together } from '../evidence.ts'
import type { StepRule } from '../step-rule.ts'
import { techniques } from '../techniques.ts'

const marks = [
  'node-role.kubernetes.io/control-plane',
  'node-role.kubernetes.io/master',
  'node-role.kubernetes.io/etcd',
  'node-role.kubernetes.io/controlplane',
]

/** On a node of the control plane lie the keys that sign for anyone, and the database of the cluster. */
export const controlPlane: StepRule = {
  name: 'control-plane',
  title: 'Take the keys of the control plane',
  technique: techniques.privateKeys,
  unit: 'nodes',
  *steps({ scope, nodes }) {
    for (const node of nodes) {
      const mark = marks.find((label) => Object.hasOwn(strings(node.properties.labels), label))
      const span = together(node)
      if (mark === undefined || span === null) continue
      yield {
        from: { scope, kind: 'node', key: node.key },
        to: { scope, kind: 'cluster', key: scope },
        cost: 1,
        precondition: 'someone is root on it',
        because: `${titled('Node', node)} runs the control plane`,
        evidence: [shown(node, `properties.labels["${mark}"]`, strings(node.properties.labels)[mark] ?? '')],
        fix: null,
        ...span,
      }
    }
  },
}
