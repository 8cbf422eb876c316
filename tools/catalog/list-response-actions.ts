import { z } from 'zod'
import { Role } from '../../domain/principal.ts'
import { actions } from '../../responses/catalog/catalog.ts'
import { tool } from '../tool.ts'

const impacts = ['none', 'low', 'disruptive', 'destructive'] as const

/** The response catalogue with what the policy says of each. */
export const listResponseActionsTool = tool({
  name: 'list_response_actions',
  toolset: 'respond',
  title: 'List response actions',
  description:
    'Every action that can be proposed: what it does, on what, its parameters (JSON Schema), its impact, and whether the policy allows it. Ask it before propose_action. Nothing here runs anything. Example: {"target":"pod"}',
  input: z.object({ target: z.enum(['pod', 'workload', 'node']).optional().describe('Only those that act on this') }),
  output: z.object({
    actions: z.array(
      z.object({
        name: z.string(),
        description: z.string(),
        countermeasure: z.enum(['isolate', 'evict', 'restore', 'harden', 'collect']),
        impact: z.enum(impacts),
        destroysEvidence: z.boolean(),
        targets: z.array(z.enum(['pod', 'workload', 'node'])),
        params: z.record(z.string(), z.unknown()).describe('JSON Schema of `params`'),
        allowed: z
          .object({ approvals: z.number(), approvers: Role, proposerMayApprove: z.boolean(), limits: z.record(z.string(), z.unknown()) })
          .nullable()
          .describe('How many people of which role must approve; null: the policy does not allow it'),
      }),
    ),
    protectedNamespaces: z.array(z.string()).describe('Never touched, whoever approves'),
    runsOn: z.enum(['all clusters', 'simulated clusters only']).describe('Where approved actions are carried out'),
  }),
  access: 'read',
  permission: 'proposals.read',
  listed: false,
  run: async ({ target }, { responses: { policy, actionsEnabled } }) => ({
    actions: actions
      .filter(({ targets }) => target === undefined || targets.includes(target))
      .map(({ name, description, countermeasure, impact, destroysEvidence, targets, params }) => {
        const { $schema: _dialect, ...schema } = z.toJSONSchema(params, { io: 'input' })
        const allowed = Object.hasOwn(policy.actions, name) ? policy.actions[name] : undefined
        return {
          name,
          description,
          countermeasure,
          impact,
          destroysEvidence,
          targets: [...targets],
          params: schema,
          allowed:
            allowed === undefined
              ? null
              : {
                  approvals: allowed.quorum,
                  approvers: allowed.approvers,
                  proposerMayApprove: !allowed.proposerExcluded,
                  limits: allowed.params,
                },
        }
      }),
    protectedNamespaces: policy.protectedNamespaces,
    runsOn: actionsEnabled ? ('all clusters' as const) : ('simulated clusters only' as const),
  }),
})
