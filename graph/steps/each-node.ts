import { everyOf, meetingPoint } from '../../domain/graph.ts'
import { shown, titled, together } from '../evidence.ts'
import type { StepRule } from '../step-rule.ts'
import { techniques } from '../techniques.ts'

/** Some node, it is not known which: it may be any. */
export const eachNode: StepRule = {
  name: 'each-node',
  title: 'Be on one of all nodes',
  technique: techniques.escapeToHost,
  unit: 'nodes',
  *steps({ scope, nodes }) {
    for (const node of nodes) {
      const span = together(node)
      if (span === null) continue
      const common = { cost: 0, precondition: 'none', because: `${titled('Node', node)} is one of them`, fix: null, ...span }
      const evidence = [shown(node, 'name', node.name)]
      yield { ...common, from: everyOf(scope, 'node', null), to: { scope, kind: 'node', key: node.key }, evidence }
      for (const what of ['node-network', 'node-processes', 'node-memory'] as const)
        yield { ...common, from: meetingPoint(scope, what, null), to: meetingPoint(scope, what, node.key), evidence }
    }
  },
}
