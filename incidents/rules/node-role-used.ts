import type { Lead } from '../../domain/alert.ts'
import { existedAt } from '../../domain/entity.ts'
import type { AlertContext, Inventory } from '../context.ts'
import { asksMetadata, endOf, fieldOf, isEscape, nameOf, onHost } from '../origin.ts'
import { type CorrelationRule, type Fact, minutes, nothingReached, type Reached, waitFor } from '../rule.ts'

/**
 * A node's cloud role used in the cloud, after somebody on that node, or in a pod on it, asked the metadata service for its credentials, or took
 * the node.
 */
export const nodeRoleUsed: CorrelationRule = {
  name: 'node-role-used',
  window: minutes(60),
  reach: { before: minutes(2), after: minutes(60) },
  facts(alert: Lead, { node, pod }: AlertContext): Fact[] {
    if (node === null) return []
    const asked = asksMetadata(alert)
    if (!asked && !(onHost(alert) && isEscape(alert))) return []
    if (pod === null && !onHost(alert)) return []
    const who = pod === null ? `on node ${node.name}` : `from pod ${nameOf(pod)} on node ${node.name}`
    return [
      {
        key: `node/${node.key}`,
        label: asked
          ? `credentials of node ${node.name}, which were asked for ${who}`
          : `credentials of node ${node.name}, which was taken`,
        inferred: true,
        reaches: { rule: 'node-role-used', by: `${node.scope}/${pod?.key ?? 'host'}` },
        relation: pod === null ? undefined : { from: endOf(pod), type: 'RUNS_ON', to: endOf(node) },
      },
    ]
  },
  async reached(alert: Lead, _context: AlertContext, inventory: Inventory): Promise<Reached> {
    if (alert.sensorSource !== 'aws_cloudtrail') return nothingReached
    const instance = /^arn:aws[\w-]*:sts::\d+:assumed-role\/[^/]+\/(i-[0-9a-f]{8,17})$/.exec(fieldOf(alert, 'ct.user.arn') ?? '')?.[1]
    if (instance === undefined) return nothingReached
    const nodes = (await inventory.nodesByInstance(instance, alert.eventNs)).filter((one) => existedAt(one, alert.eventNs))
    const waits = [waitFor.instance(instance)]
    const [node, second] = nodes
    if (node === undefined || second !== undefined) return { facts: [], waits }
    const label = `credentials of node ${node.name}, which is instance ${instance}`
    return { facts: [{ key: `node/${node.key}`, scope: node.scope, label, inferred: false }], waits }
  },
}
