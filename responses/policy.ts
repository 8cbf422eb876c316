/**
 * The response policy: which actions are on, on what, approved by whom, for how long. Read from YAML once, strictly.
 * Asked when something is proposed, approved, claimed, and again by the executor. It can only refuse, never allow more.
 */
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { z } from 'zod'
import { ConfigError, DeniedError } from '../domain/errors.ts'
import { type Principal, Role, roleAtLeast } from '../domain/principal.ts'
import type { ActionTarget, Plan } from '../domain/proposal.ts'

const ActionPolicy = z.strictObject({
  quorum: z.number().int().min(1).max(10),
  approvers: Role.refine((role) => roleAtLeast(role, 'responder'), 'only responder or administrator may approve'),
  proposerExcluded: z.boolean(),
  /** Not said, it is high: a policy written before chat could approve lets nothing be approved there. */
  impact: z.enum(['normal', 'high']).optional(),
  params: z.record(z.string(), z.strictObject({ min: z.number().optional(), max: z.number().optional() })),
})
export const Policy = z.strictObject({
  version: z.literal(1),
  protectedNamespaces: z.array(z.string()),
  protectedLabels: z.record(z.string(), z.string()),
  decideWithinMinutes: z.number().positive().max(10_080),
  startWithinMinutes: z.number().positive().max(1_440),
  agentProposalsPerHour: z.number().int().min(0),
  maxAffected: z.number().int().min(1),
  actions: z.record(z.string(), ActionPolicy),
})
export type Policy = z.infer<typeof Policy>
export type ActionPolicy = z.infer<typeof ActionPolicy>

const defaultFile = new URL('policy.default.yaml', import.meta.url)

/** Reads a policy file, or the built-in one. Throws ConfigError naming every problem. */
export function loadPolicy(path?: string): Policy {
  let given: unknown
  try {
    given = parse(readFileSync(path ?? defaultFile, 'utf8'))
  } catch (error) {
    throw new ConfigError(`The policy ${path ?? ''} cannot be read: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    })
  }
  const parsed = Policy.safeParse(given)
  if (parsed.success) return parsed.data
  throw new ConfigError(
    `The policy ${path ?? 'responses/policy.default.yaml'} cannot be used:\n${parsed.error.issues.map((issue) => `  ${issue.path.join('.') || 'file'}: ${issue.message}`).join('\n')}`,
  )
}

/** What the policy says of this action. Throws DeniedError `policy` when it is off. */
export function actionPolicy(policy: Policy, action: string): ActionPolicy {
  const found = Object.hasOwn(policy.actions, action) ? policy.actions[action] : undefined
  if (found === undefined) throw new DeniedError('policy', `The policy does not allow ${action}.`)
  return found
}

/** Of high impact: approved on the page alone, where all of it can be read, never in chat. */
export const pageOnly = (policy: Policy, action: string): boolean => actionPolicy(policy, action).impact !== 'normal'

/** Before planning: is this action on, its target not protected, its parameters within limits? Throws DeniedError `policy`. */
export function checkProposal(policy: Policy, action: string, params: Record<string, unknown>, target: ActionTarget): void {
  const { params: limits } = actionPolicy(policy, action)
  if (target.namespace !== null && policy.protectedNamespaces.includes(target.namespace))
    throw new DeniedError('policy', `The namespace ${target.namespace} is protected by policy.`)
  for (const [name, { min, max }] of Object.entries(limits)) {
    const value = params[name]
    if (typeof value !== 'number') continue
    if ((min !== undefined && value < min) || (max !== undefined && value > max))
      throw new DeniedError('policy', `${name} is ${value}; the policy allows ${min ?? 'any'} to ${max ?? 'any'}.`)
  }
}

/** After planning: does it touch a protected part, or too much? Throws DeniedError `policy`. */
export function checkPlan(policy: Policy, plan: Plan): void {
  checkProposal(policy, plan.action, plan.params, plan.target)
  for (const [name, value] of Object.entries(policy.protectedLabels))
    if (plan.declared.labels[name] === value)
      throw new DeniedError('policy', `The target is labelled ${name}=${value}, which the policy protects.`)
  const { affected } = plan.blastRadius
  if (affected.length > policy.maxAffected)
    throw new DeniedError('policy', `It would affect ${affected.length} objects; the policy allows ${policy.maxAffected}.`)
  const shielded = affected.find((one) => one.namespace !== null && policy.protectedNamespaces.includes(one.namespace))
  if (shielded !== undefined)
    throw new DeniedError('policy', `It would affect ${shielded.kind} ${shielded.namespace}/${shielded.name}, in a protected namespace.`)
}

/** May this person decide on this proposal? Throws DeniedError `entitlement` or `proposer`. */
export function checkApprover(policy: Policy, proposal: { action: string; proposedBy: { personId: string } }, principal: Principal): void {
  const { approvers, proposerExcluded } = actionPolicy(policy, proposal.action)
  if (!principal.mayApprove)
    throw new DeniedError('entitlement', 'Only a signed-in person may approve: tokens, agents and the command line may not.')
  if (!roleAtLeast(principal.role, approvers))
    throw new DeniedError('entitlement', `Approving this needs the role ${approvers}; yours is ${principal.role}.`)
  if (proposerExcluded && proposal.proposedBy.personId === principal.personId)
    throw new DeniedError('proposer', 'You proposed this; the policy wants somebody else to approve it.')
}
