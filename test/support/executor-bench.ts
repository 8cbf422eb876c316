/**
 * A bench for responses: a shop in a simulated cluster behind a tap, its inventory in a database under a scope of its own, and a
 * runner with an executor in this process. Every action the catalogue has, on a target of the shop, with what may be expected of it.
 */
import { FixedClock } from '../../domain/clock.ts'
import { canonicalJson } from '../../domain/canonical-json.ts'
import { DeniedError } from '../../domain/errors.ts'
import { agentPrincipal, type Principal } from '../../domain/principal.ts'
import type { PlannedRequest, Proposal } from '../../domain/proposal.ts'
import { approve, type DecisionRequest } from '../../responses/approve.ts'
import type { Actor } from '../../responses/context.ts'
import type { Runner } from '../../responses/execute.ts'
import { planProposal } from '../../responses/plan-requested.ts'
import { propose } from '../../responses/propose.ts'
import type { Database } from '../../store/database.ts'
import { findEntity } from '../../store/entities.ts'
import { type Arrival, openTap, type Tap } from './executor-tap.ts'
import { inProcessExecutor, podUid, recordInventory, type Shop, startShop } from './shop.ts'

export const person = (id: string, role: Principal['role'] = 'responder'): Principal => ({
  id,
  kind: 'user',
  name: id,
  role,
  personId: id,
  mayApprove: true,
})
export const web = (principal: Principal): Actor => ({ principal, channel: 'web' })
export const agent: Actor = { principal: agentPrincipal, channel: 'system' }
export const ada = web(person('ada'))
export const bob = web(person('bob'))

export type Target = ['pod' | 'workload' | 'node', string]
export type Case = { action: string; target: Target; params: Record<string, unknown>; undoable: boolean; destroysEvidence: boolean }
/** One of each action; a test asserts that the catalogue has no other. */
export const everyAction: readonly Case[] = [
  { action: 'kubernetes.isolate_pod', target: ['pod', podUid], params: {}, undoable: true, destroysEvidence: false },
  { action: 'kubernetes.delete_pod', target: ['pod', podUid], params: {}, undoable: false, destroysEvidence: true },
  {
    action: 'kubernetes.scale_workload',
    target: ['workload', 'deploy-uid-1'],
    params: { replicas: 0 },
    undoable: true,
    destroysEvidence: true,
  },
  { action: 'kubernetes.cordon_node', target: ['node', 'node-1'], params: {}, undoable: true, destroysEvidence: false },
  { action: 'kubernetes.collect_logs', target: ['pod', podUid], params: {}, undoable: false, destroysEvidence: false },
]
export const caseOf = (action: string): Case => everyAction.find((one) => one.action === `kubernetes.${action}`) as Case

export type Bench = { runner: Runner; shop: Shop; tap: Tap; scope: string; clock: FixedClock; stop(): Promise<void> }
let scopes = 0

export async function openBench(
  db: Database,
  over: Parameters<typeof startShop>[1] = {},
  clock = new FixedClock('2026-11-24T12:00:00Z'),
): Promise<Bench> {
  const scope = `bench-${process.pid}-${(scopes += 1)}`
  const shop = await startShop(clock, over)
  const tap = await openTap(shop.cluster)
  await recordInventory(db, clock, scope, over.seed?.objects)
  const executor = inProcessExecutor(tap, clock, shop.keys, shop.policy)
  return {
    shop,
    tap,
    scope,
    clock,
    runner: { db, clock, policy: shop.policy, actionsEnabled: false, executor, privateKey: shop.keys.privateKey },
    stop: async () => {
      await tap.stop()
      await shop.stop()
    },
  }
}

export async function entityId({ runner, scope }: Pick<Bench, 'runner' | 'scope'>, [kind, key]: Target): Promise<string> {
  return String((await findEntity(runner.db, { scope, kind, key }))?.id)
}

/** Proposed and planned: pending, or unplannable. */
export async function planned(
  bench: Bench,
  { action, target, params }: Pick<Case, 'action' | 'target' | 'params'>,
  by: Actor = agent,
  incidentId: string | null = null,
): Promise<Proposal> {
  const { proposal } = await propose(bench.runner, by, {
    action,
    entityId: await entityId(bench, target),
    params,
    reason: 'a reverse shell',
    incidentId,
    investigationId: null,
  })
  return (await planProposal(bench.runner, bench.runner.executor, proposal.id)) as Proposal
}

export async function approved(bench: Bench, what: Case, incidentId: string | null = null): Promise<Proposal> {
  const proposal = await planned(bench, what, agent, incidentId)
  return approve(bench.runner, ada, decision(proposal))
}

export const decision = (proposal: Proposal): DecisionRequest => ({
  proposalId: proposal.id,
  planHash: proposal.planHash ?? '',
  reason: '',
  shownDigest: null,
})

/** The constant word of a refusal, or 'allowed'. */
export const denied = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'allowed',
    (error: unknown) => (error instanceof DeniedError ? error.reason : String(error)),
  )

const verbs: Readonly<Record<string, string>> = { create: 'POST', patch: 'PATCH', apply: 'PATCH', delete: 'DELETE' }
/** A planned request as it must arrive: method, path, and its body in canonical form. A collection's reads change nothing and are left out. */
export const expectedArrivals = (requests: readonly PlannedRequest[]): string[] =>
  requests
    .filter((request) => request.verb !== 'read')
    .map(({ verb, resource, namespace, name, body }) => {
      const [plural, group] = [resource.split('.')[0], resource.split('.').slice(1).join('.')]
      const path = `${group === '' ? '/api/v1' : `/apis/${group}/v1`}${namespace === null ? '' : `/namespaces/${namespace}`}/${plural}${verb === 'create' ? '' : `/${name}`}`
      return `${verbs[verb]} ${path} ${canonicalJson(body ?? {})}`
    })
export const asArrived = (arrivals: readonly Arrival[]): string[] =>
  arrivals.map(({ method, path, body }) => `${method} ${path} ${canonicalJson(JSON.parse(body === '' ? '{}' : body))}`)
