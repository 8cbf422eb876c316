import { z } from 'zod'
import type { PlannedRequest } from '../../../domain/proposal.ts'
import type { ResponseAction } from '../../action.ts'
import { assertApproved } from '../../approved.ts'
import { containerNames, declaredBy, place, readTarget } from '../../describe.ts'
import { evidenceFirst } from '../../evidence.ts'
import { isGoing } from '../../in-place.ts'
import { sendAll } from '../../send-all.ts'
import { Unplannable } from '../../unplannable.ts'

const everySeconds = 0.5

/** Deletes one pod, by UID: another pod of the same name is never deleted in its stead. Logs and manifest are stored first. */
export const deletePod: ResponseAction<{ gracePeriodSeconds: z.ZodDefault<z.ZodNumber> }> = {
  name: 'kubernetes.delete_pod',
  title: 'Delete pod',
  description:
    'Deletes one pod; its owner, if it has one, starts a fresh one. Ends processes and removes the container’s files: logs and the manifest are stored first. Cannot be undone.',
  countermeasure: 'evict',
  impact: 'destructive',
  destroysEvidence: true,
  targets: ['pod'],
  params: z.strictObject({
    gracePeriodSeconds: z.number().int().min(0).max(300).default(30).describe('Seconds the pod is given to stop by itself'),
  }),
  permissions: [
    { apiGroup: '', resource: 'pods', verbs: ['get', 'delete'] },
    { apiGroup: '', resource: 'pods/log', verbs: ['get'] },
  ],

  async plan({ gracePeriodSeconds }, target, context) {
    const pod = await readTarget(context.read, target)
    const namespace = target.namespace ?? 'default'
    if (pod.metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined)
      throw new Unplannable(`${place(target)} is a static pod: its node runs it from a file, and deleting it here would stop nothing.`)
    if (isGoing(pod)) throw new Unplannable(`${place(target)} is being deleted already.`)
    const request: PlannedRequest = {
      verb: 'delete',
      resource: 'pods',
      namespace,
      name: target.name,
      body: { apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds, preconditions: { uid: target.uid } },
    }
    await context.rehearse(request)
    const owner = pod.metadata.ownerReferences?.[0]
    return {
      declared: declaredBy(pod),
      requests: [request],
      evidenceFirst: [`the manifest of ${target.name}`, ...containerNames(pod).map((name) => `the log of container ${name}`)],
      blastRadius: {
        summary:
          owner === undefined
            ? '1 pod, which nothing will replace'
            : `1 pod; its ${owner.kind} ${owner.name} ${owner.kind === 'Job' ? 'may start' : 'starts'} another`,
        affected: [{ kind: 'Pod', namespace, name: target.name }],
      },
      summary: `Pod ${namespace}/${target.name} will be deleted after its logs and manifest are stored.`,
      diff: `- Pod ${namespace}/${target.name} (UID ${target.uid})`,
      warnings: [
        ...(owner === undefined
          ? [`${place(target)} has no owner: nothing starts it again.`]
          : ['The replacement runs the same image and configuration: if that is how the intruder came in, the door stays open.']),
        'Memory, running processes and files written inside the container are lost.',
      ],
      undo: null,
      undoRequests: [],
    }
  },

  async execute(approved, context) {
    assertApproved(approved)
    const pod = await readTarget(context.read, approved.plan.target)
    const missing = await evidenceFirst(context, [pod], { tailLines: 10_000, limitBytes: 4_194_304 })
    return missing ?? sendAll(approved, context, 'The API server accepted the deletion.')
  },

  async verify({ target, params }, context) {
    // As long as the pod may take, and then a moment; not longer than a minute.
    const most = Math.ceil(Math.min(65, Number(params.gracePeriodSeconds) + 5) / everySeconds)
    for (let attempt = 0; ; attempt += 1) {
      const pod = await context.read.get('pods', target.namespace, target.name)
      if (pod === null || pod.metadata.uid !== target.uid)
        return {
          level: 'effect_observed',
          text: 'The pod no longer exists.',
          remaining: pod === null ? [] : ['another pod has its name now; it was not examined'],
        }
      if (!isGoing(pod) && attempt > 0)
        return { level: 'none', text: 'The pod still exists and is not being deleted.', remaining: ['the pod is still running'] }
      if (attempt === most)
        return { level: 'accepted', text: 'The pod is being deleted but still exists.', remaining: ['its processes may still be running'] }
      await context.wait(everySeconds * 1_000)
    }
  },

  contains: () => true,
}
