import { meetingPoint } from '../../domain/graph.ts'
import { shown, together } from '../evidence.ts'
import type { StepRule } from '../step-rule.ts'
import { techniques } from '../techniques.ts'

/** What runs on a node is in the hands of who has its processes: what they were given, their tokens, their Secrets. */
export const nodeToPods: StepRule = {
  name: 'node-to-pods',
  title: 'Take the pods of the node',
  technique: techniques.filesOnHost,
  unit: 'namespace',
  *steps({ places, scope }) {
    for (const place of places)
      for (const { node, pod, ...during } of place.nodes) {
        const span = together(place, during)
        if (span === null) continue
        yield {
          from: meetingPoint(scope, 'node-processes', node),
          to: place.ref,
          cost: 0,
          precondition: 'someone has the processes of the node',
          because: `${place.title} runs on node ${node}`,
          evidence: [shown(pod, 'properties.node', node)],
          fix: null,
          ...span,
        }
      }
  },
}
