import { z } from 'zod'
import type { KubernetesJson, ReadClient } from '../../../clusters/contract.ts'
import type { ActionTarget, PlannedRequest } from '../../../domain/proposal.ts'
import type { ResponseAction } from '../../action.ts'
import { assertApproved } from '../../approved.ts'
import { declaredBy, place, readTarget, resourceOf } from '../../describe.ts'
import { evidenceFirst } from '../../evidence.ts'
import { sendAll } from '../../send-all.ts'
import { Unplannable } from '../../unplannable.ts'

const scalable = ['Deployment', 'StatefulSet', 'ReplicaSet']
const patch = (target: ActionTarget, replicas: number): PlannedRequest => ({
  verb: 'patch',
  resource: resourceOf(target),
  namespace: target.namespace,
  name: target.name,
  body: { metadata: { uid: target.uid }, spec: { replicas } },
})
const replicasOf = (object: KubernetesJson): number => (typeof object.spec?.replicas === 'number' ? object.spec.replicas : 1)

/** Sets how many replicas a workload has; to zero, to stop it. Pods that may go are read first, so their logs stay. */
export const scaleWorkload: ResponseAction<{ replicas: z.ZodNumber }> = {
  name: 'kubernetes.scale_workload',
  title: 'Scale workload',
  description:
    'Sets the number of replicas of a Deployment, StatefulSet or ReplicaSet; zero stops it. Logs of its pods are stored before any is removed. Undone by setting the former number; the old pods do not come back.',
  countermeasure: 'evict',
  impact: 'destructive',
  destroysEvidence: true,
  targets: ['workload'],
  params: z.strictObject({ replicas: z.number().int().min(0).max(1_000).describe('Replicas it shall have') }),
  permissions: [
    { apiGroup: 'apps', resource: 'deployments', verbs: ['get', 'patch'] },
    { apiGroup: 'apps', resource: 'statefulsets', verbs: ['get', 'patch'] },
    { apiGroup: 'apps', resource: 'replicasets', verbs: ['get', 'patch'] },
    { apiGroup: '', resource: 'pods', verbs: ['list'] },
    { apiGroup: '', resource: 'pods/log', verbs: ['get'] },
  ],

  async plan({ replicas }, target, context) {
    if (!scalable.includes(target.workloadKind ?? ''))
      throw new Unplannable(`A ${target.workloadKind ?? 'workload'} cannot be scaled; only ${scalable.join(', ')} can.`)
    const workload = await readTarget(context.read, target)
    const before = replicasOf(workload)
    if (before === replicas) throw new Unplannable(`${place(target)} already has ${replicas} replicas.`)
    const request = patch(target, replicas)
    await context.rehearse(request)
    const pods = await podsOf(context.read, workload)
    const owner = workload.metadata.ownerReferences?.[0]
    return {
      declared: declaredBy(workload),
      requests: [request],
      evidenceFirst: replicas < before ? pods.slice(0, podLimit).map((pod) => `manifest and logs of ${pod.metadata.name}`) : [],
      blastRadius: {
        summary:
          replicas === 0 ? `all ${pods.length} pods stop: the service is down until it is scaled up` : `${before} → ${replicas} replicas`,
        affected: [
          { kind: target.workloadKind ?? 'workload', namespace: target.namespace, name: target.name },
          ...(replicas < before ? pods.map((pod) => ({ kind: 'Pod', namespace: target.namespace, name: pod.metadata.name })) : []),
        ],
      },
      summary: `${place(target)} will have ${replicas} replicas instead of ${before}.`,
      diff: `  ${place(target)}\n- replicas: ${before}\n+ replicas: ${replicas}`,
      warnings: [
        ...(owner === undefined ? [] : [`${place(target)} is managed by ${owner.kind} ${owner.name}, which may set the number back.`]),
        ...(pods.length > podLimit && replicas < before
          ? [`Logs of ${podLimit} of its ${pods.length} pods are stored; those of the others are lost.`]
          : []),
        'An autoscaler or a GitOps controller may set the number back.',
      ],
      undo: `The number of replicas is set back to ${before}; pods that were removed do not come back, new ones start.`,
      undoRequests: [patch(target, before)],
    }
  },

  async execute(approved, context) {
    assertApproved(approved)
    const { target } = approved.plan
    const workload = await readTarget(context.read, target)
    const before = replicasOf(workload)
    const going = Number(approved.plan.params.replicas) < before ? (await podsOf(context.read, workload)).slice(0, podLimit) : []
    const missing = await evidenceFirst(context, going, { tailLines: 5_000, limitBytes: 1_048_576 })
    return missing ?? sendAll(approved, context, 'The API server accepted the new number of replicas.')
  },

  async verify(plan, context) {
    const wanted = Number(plan.params.replicas)
    for (let attempt = 0; ; attempt += 1) {
      const workload = await context.read.get(resourceOf(plan.target), plan.target.namespace, plan.target.name)
      if (workload === null || workload.metadata.uid !== plan.target.uid)
        return { level: 'none', text: 'The workload no longer exists.', remaining: [] }
      if (replicasOf(workload) !== wanted)
        return {
          level: 'none',
          text: `The workload declares ${replicasOf(workload)} replicas, not ${wanted}.`,
          remaining: ['the number was not changed, or something set it back'],
        }
      const running = (await podsOf(context.read, workload)).length
      if (running === wanted) return { level: 'effect_observed', text: `The workload has ${running} pods, as declared.`, remaining: [] }
      if (attempt === 80)
        return {
          level: 'applied',
          text: `The workload declares ${wanted} replicas; ${running} pods exist.`,
          remaining: ['pods are still starting or stopping'],
        }
      await context.wait(500)
    }
  },

  // Fewer replicas may be the intruder’s among those that are left.
  contains: (plan) => plan.params.replicas === 0,
}

const podLimit = 20

async function podsOf(read: ReadClient, workload: KubernetesJson): Promise<KubernetesJson[]> {
  const selector = (workload.spec?.selector as { matchLabels?: Record<string, string> } | undefined)?.matchLabels ?? {}
  const labelSelector = Object.entries(selector)
    .map(([name, value]) => `${name}=${value}`)
    .join(',')
  return labelSelector === '' ? [] : read.list('pods', workload.metadata.namespace ?? 'default', { labelSelector })
}
