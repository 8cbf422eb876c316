import { meetingPoint } from '../../domain/graph.ts'
import { shown, titled, together } from '../evidence.ts'
import type { StepRule } from '../step-rule.ts'
import { techniques } from '../techniques.ts'

/** Whoever has a node has what runs on it and what its network is trusted with. */
export const onNode: StepRule = {
  name: 'on-node',
  title: 'Take what runs on the node',
  technique: techniques.containerCommand,
  unit: 'nodes',
  *steps({ scope, nodes }) {
    for (const node of nodes) {
      const span = together(node)
      if (span === null) continue
      for (const what of ['node-processes', 'node-network'] as const)
        yield {
          from: { scope, kind: 'node', key: node.key },
          to: meetingPoint(scope, what, node.key),
          cost: 0,
          precondition: 'someone is root on it',
          because: `root on ${titled('Node', node)} has all that runs on it`,
          evidence: [shown(node, 'name', node.name)],
          fix: null,
          ...span,
        }
    }
  },
}
