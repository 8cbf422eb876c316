import { z } from 'zod'
import type { PlannedRequest } from '../../../domain/proposal.ts'
import type { ResponseAction } from '../../action.ts'
import { assertApproved } from '../../approved.ts'
import { containerNames, declaredBy, readTarget } from '../../describe.ts'
import { storeEvidence } from '../../evidence.ts'

/** Stores a pod's logs and manifest with the proposal, each with its hash, before rotation or a restart loses them. Changes nothing. */
export const collectLogs: ResponseAction<{ tailLines: z.ZodDefault<z.ZodNumber> }> = {
  name: 'kubernetes.collect_logs',
  title: 'Collect logs',
  description:
    'Reads the logs of every container of a pod, and its manifest without environment values, and stores them with their SHA-256. Changes nothing in the cluster.',
  countermeasure: 'collect',
  impact: 'none',
  destroysEvidence: false,
  targets: ['pod'],
  params: z.strictObject({
    tailLines: z.number().int().min(1).max(100_000).default(5_000).describe('Newest lines of each container’s log'),
  }),
  permissions: [
    { apiGroup: '', resource: 'pods', verbs: ['get'] },
    { apiGroup: '', resource: 'pods/log', verbs: ['get'] },
  ],

  async plan({ tailLines }, target, context) {
    const pod = await readTarget(context.read, target)
    const containers = containerNames(pod)
    const requests = containers.map((container): PlannedRequest => ({
      verb: 'read',
      resource: 'pods',
      namespace: target.namespace,
      name: target.name,
      body: { log: container, tailLines },
    }))
    return {
      declared: declaredBy(pod),
      requests,
      evidenceFirst: [],
      blastRadius: { summary: 'none: nothing is changed', affected: [] },
      summary: `The newest ${tailLines} log lines of ${containers.length} ${containers.length === 1 ? 'container' : 'containers'} of ${target.namespace}/${target.name} will be stored.`,
      diff: containers.map((container) => `  read log of ${container}`).join('\n'),
      warnings: ['Logs can hold personal data and secrets; who may read proposals may read them.'],
      undo: 'Nothing in the cluster changes.',
      undoRequests: [],
    }
  },

  async execute(approved, context) {
    assertApproved(approved)
    const pod = await readTarget(context.read, approved.plan.target)
    const { files, unreadable } = await storeEvidence(context, pod, {
      tailLines: Number(approved.plan.params.tailLines),
      limitBytes: 4_194_304,
    })
    const text = `${files} files are stored, each with its SHA-256.`
    if (unreadable.length === 0) return { status: 'succeeded', text, undo: [] }
    return { status: 'partial', text: `${text} Not read: ${unreadable.join('; ')}.`, undo: [] }
  },

  verify: async () => ({ level: 'effect_observed', text: 'What was read is stored with this proposal.', remaining: [] }),
}
