import { z } from 'zod'
import type { PlannedRequest } from '../../../domain/proposal.ts'
import type { ResponseAction } from '../../action.ts'
import { declaredBy, place, readTarget } from '../../describe.ts'
import { sendAll } from '../../send-all.ts'
import { Unplannable } from '../../unplannable.ts'

/** Marks a node unschedulable: nothing new starts on a node that may be taken over. What runs there goes on running. */
export const cordonNode: ResponseAction = {
  name: 'kubernetes.cordon_node',
  title: 'Cordon node',
  description:
    'Marks a node unschedulable, so that no new pod starts on it. Pods already there keep running: it contains nothing by itself. Undone by uncordoning.',
  countermeasure: 'harden',
  impact: 'low',
  destroysEvidence: false,
  targets: ['node'],
  params: z.strictObject({}),
  permissions: [
    { apiGroup: '', resource: 'nodes', verbs: ['get', 'list', 'patch'] },
    { apiGroup: '', resource: 'pods', verbs: ['list'] },
  ],

  async plan(_params, target, context) {
    const node = await readTarget(context.read, target)
    if (node.spec?.unschedulable === true) throw new Unplannable(`${place(target)} is already cordoned.`)
    const request: PlannedRequest = {
      verb: 'patch',
      resource: 'nodes',
      namespace: null,
      name: target.name,
      body: { metadata: { uid: target.uid }, spec: { unschedulable: true } },
    }
    await context.rehearse(request)
    const pods = await context.read.list('pods', null, { fieldSelector: `spec.nodeName=${target.name}` })
    const others = (await context.read.list('nodes', null)).filter(
      (other) => other.metadata.name !== target.name && other.spec?.unschedulable !== true,
    ).length
    return {
      declared: declaredBy(node),
      requests: [request],
      evidenceFirst: [],
      blastRadius: {
        summary: `1 node takes no new pods; its ${pods.length} pods keep running`,
        affected: [{ kind: 'Node', namespace: null, name: target.name }],
      },
      summary: `Node ${target.name} will take no new pods.`,
      diff: `  Node ${target.name}\n+ unschedulable: true`,
      warnings: others === 0 ? ['No other node takes pods: nothing new can start in this cluster.'] : [],
      undo: 'The node is made schedulable again.',
      undoRequests: [
        {
          verb: 'patch',
          resource: 'nodes',
          namespace: null,
          name: target.name,
          body: { metadata: { uid: target.uid }, spec: { unschedulable: node.spec?.unschedulable ?? null } },
        },
      ],
    }
  },

  execute: (approved, context) => sendAll(approved, context, 'The node is marked unschedulable.'),

  async verify({ target }, context) {
    const node = await context.read.get('nodes', null, target.name)
    if (node === null || node.metadata.uid !== target.uid) return { level: 'none', text: 'The node no longer exists.', remaining: [] }
    return node.spec?.unschedulable === true
      ? { level: 'effect_observed', text: 'The node is unschedulable.', remaining: ['pods that were on it keep running'] }
      : { level: 'none', text: 'The node still takes pods.', remaining: ['the node is not cordoned'] }
  },
}
