import type { EntityRef } from '../../domain/entity.ts'
import { fixed, shown } from '../evidence.ts'
import { instanceOf } from '../read-cloud.ts'
import type { StepRule } from '../step-rule.ts'
import { techniques } from '../techniques.ts'

/** A node is an instance, and the metadata service gives whoever is on it the credentials of its role. */
export const nodeCloudRole: StepRule = {
  name: 'node-cloud-role',
  title: 'Read the role of the node from the metadata service',
  technique: techniques.instanceMetadata,
  unit: 'cloud',
  *steps({ scope, nodes, assumptions = [] }) {
    for (const node of nodes) {
      const instance = instanceOf(node)
      const from: EntityRef = { scope, kind: 'node', key: node.key }
      for (const taken of instance === undefined ? [] : assumptions.filter(({ fromName }) => fromName === instance))
        yield {
          from,
          to: taken.to,
          cost: 1,
          precondition: 'code runs on the node, or in a pod that reaches its metadata service',
          because: `node ${node.name} is instance ${instance}, for which role ${taken.toName} was taken`,
          evidence: [
            shown(from, 'properties.providerId', node.properties.providerId),
            shown(taken.from, 'relations.ASSUMES', `activity ${taken.activity}`),
          ],
          fix: fixed(`node-role/${taken.to.key}`, `Let role ${taken.toName} do less; ask for IMDSv2 with one hop`, taken.to),
          fromNs: taken.fromNs > node.validFromNs ? taken.fromNs : node.validFromNs,
          untilNs: node.deletedNs,
        }
    }
  },
}
