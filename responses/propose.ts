/**
 * Proposing: from an inventory record to a request for a plan. The target is an entity row, by id, with the UID inventory
 * recorded; no text of an alert or a model ever names it. A refusal says why, and nothing is written.
 */
import type { Entity } from '../domain/entity.ts'
import { PodProperties, WorkloadProperties } from '../domain/entity.ts'
import { DeniedError, InputError } from '../domain/errors.ts'
import type { ActionTarget, Proposal } from '../domain/proposal.ts'
import { getEntity } from '../store/entities.ts'
import { countProposedSince, insertProposal, lastProposed } from '../store/proposals.ts'
import { getAction } from './catalog/catalog.ts'
import { type Actor, audit, type ResponseContext } from './context.ts'
import { actionPolicy, checkProposal } from './policy.ts'

export type ProposalRequest = {
  action: string
  entityId: string
  params: Record<string, unknown>
  reason: string
  incidentId: string | null
  investigationId: string | null
}
export type StillUnplannable = (before: Proposal) => Promise<boolean>

/**
 * Records the request, or answers the open proposal for the same. With `stillUnplannable`: also the one that this incident was told cannot be planned,
 * while that is so for the same reason. Throws InputError or DeniedError.
 */
export async function propose(
  context: ResponseContext,
  actor: Actor,
  request: ProposalRequest,
  stillUnplannable?: StillUnplannable,
): Promise<{ proposal: Proposal; created: boolean }> {
  const action = getAction(request.action)
  const entity = await getEntity(context.db, request.entityId)
  if (entity === undefined)
    throw new InputError('The target is not an inventory record. Only what a collector of inventory recorded can be acted on.')
  const target = targetOf(entity)
  if (!action.targets.includes(target.kind))
    throw new InputError(`${action.name} acts on a ${action.targets.join(' or ')}, not on a ${target.kind}.`)
  const params = action.params.safeParse(request.params)
  if (!params.success)
    throw new InputError(
      `The parameters of ${action.name} are not right: ${params.error.issues.map((issue) => `${issue.path.join('.') || 'parameters'}: ${issue.message}`).join('; ')}`,
    )
  checkProposal(context.policy, action.name, params.data as Record<string, unknown>, target)
  const before =
    stillUnplannable === undefined || request.incidentId === null
      ? undefined
      : await lastProposed(context.db, {
          incidentId: request.incidentId,
          action: action.name,
          params: params.data as Record<string, unknown>,
          target,
        })
  if (before?.state === 'unplannable' && (await stillUnplannable?.(before)) === true) return { proposal: before, created: false }
  const { principal } = actor
  const now = context.clock.now()
  return context.db.transaction(async (tx) => {
    const most = context.policy.agentProposalsPerHour
    // Whoever calls over MCP is a model, whatever it signed in as.
    const isModel = principal.kind === 'agent' || actor.channel === 'mcp'
    if (isModel && (await countProposedSince(tx, target.scope, principal.kind, new Date(now.getTime() - 3_600_000))) >= most)
      throw new DeniedError(
        'burst',
        `${principal.kind === 'agent' ? 'Agents' : 'Tools and tokens'} have made ${most} proposals for this cluster within the hour, which is all the policy allows.`,
      )
    const inserted = await insertProposal(
      tx,
      {
        incidentId: request.incidentId,
        investigationId: request.investigationId,
        action: action.name,
        params: params.data as Record<string, unknown>,
        target,
        reason: request.reason,
        proposedBy: { id: principal.id, kind: principal.kind, name: principal.name, personId: principal.personId },
        quorum: actionPolicy(context.policy, action.name).quorum,
      },
      now,
    )
    if (inserted.created)
      await audit(tx, context, actor, 'proposal requested', inserted.proposal, {
        action: action.name,
        params: params.data,
        target,
        reason: request.reason,
      })
    return inserted
  })
}

/** The entity as a target. Throws InputError when it may not be one: not from inventory, without a UID, or gone. */
export function targetOf(entity: Entity): ActionTarget {
  const refuse = (why: string): never => {
    throw new InputError(
      `${entity.kind} ${entity.namespace === null ? '' : `${entity.namespace}/`}${entity.name} cannot be acted on: ${why}.`,
    )
  }
  if (entity.origin !== 'inventory') refuse('it is known only by name, inventory never recorded it')
  if (entity.properties.declaredOnly === true) refuse('only its manifest is known, no cluster reported it')
  if (entity.deletedNs !== null) refuse('inventory saw it go')
  const base = { scope: entity.scope, entityId: entity.id.toString(), namespace: entity.namespace, name: entity.name, workloadKind: null }
  if (entity.kind === 'pod')
    return { ...base, kind: 'pod', uid: PodProperties.safeParse(entity.properties).data?.uid ?? refuse('inventory has no UID for it') }
  if (entity.kind === 'workload') {
    const workload = WorkloadProperties.safeParse(entity.properties).data
    return {
      ...base,
      kind: 'workload',
      uid: workload?.uid || refuse('inventory has no UID for it'),
      workloadKind: workload?.workloadKind ?? null,
    }
  }
  if (entity.kind === 'node')
    return {
      ...base,
      kind: 'node',
      namespace: null,
      uid: typeof entity.properties.uid === 'string' ? entity.properties.uid : refuse('inventory has no UID for it'),
    }
  return refuse(`no action takes a ${entity.kind}`)
}
