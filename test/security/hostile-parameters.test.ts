/**
 * Guarantee 5: the model cannot widen. Whatever parameters it forms, what is outside the action's schema or the policy's
 * limits is refused with the reason, when proposed and again by the executor. What is inside is written here a second time.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createExecutor } from '../../apps/executor/run.ts'
import { connect } from '../../clusters/client.ts'
import { systemClock } from '../../domain/clock.ts'
import { DeniedError, FalconerError, InputError } from '../../domain/errors.ts'
import { agentPrincipal } from '../../domain/principal.ts'
import type { ActionTarget } from '../../domain/proposal.ts'
import { newApprovalKeys } from '../../responses/approved.ts'
import { actions } from '../../responses/catalog/catalog.ts'
import { loadPolicy, type Policy } from '../../responses/policy.ts'
import { propose } from '../../responses/propose.ts'
import type { Database } from '../../store/database.ts'
import { findEntity } from '../../store/entities.ts'
import { eachDatabase } from '../support/database.ts'
import { cases, property } from '../support/sizes.ts'
import { podUid, recordInventory } from '../support/shop.ts'

/** `otherwise` is what stands in when it is not given; without it the parameter must be given. */
type Limit = { min: number; max: number; otherwise?: number }
/** What each action takes, and nothing else. A new action is written here by hand: the proof must not ask the code under test. */
const takes: Readonly<Record<string, Readonly<Record<string, Limit>>>> = {
  'kubernetes.collect_logs': { tailLines: { min: 1, max: 100_000, otherwise: 5_000 } },
  'kubernetes.cordon_node': {},
  'kubernetes.delete_pod': { gracePeriodSeconds: { min: 0, max: 300, otherwise: 30 } },
  'kubernetes.isolate_pod': {},
  'kubernetes.scale_workload': { replicas: { min: 0, max: 1_000 } },
}
const kinds: Readonly<Record<string, ActionTarget['kind']>> = { 'kubernetes.cordon_node': 'node', 'kubernetes.scale_workload': 'workload' }
type Params = Record<string, unknown>
type Limits = Policy['actions'][string]['params']

const fits = (action: string, params: Params): boolean =>
  Object.keys(params).every((name) => Object.hasOwn(takes[action] ?? {}, name)) &&
  Object.entries(takes[action] ?? {}).every(([name, { min, max, otherwise }]) => {
    const value = params[name]
    if (value === undefined) return otherwise !== undefined
    return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max
  })
const allowed = (limits: Limits, params: Params): boolean =>
  Object.entries(limits).every(([name, { min, max }]) => {
    const value = params[name]
    return typeof value !== 'number' || ((min === undefined || value >= min) && (max === undefined || value <= max))
  })

const evilNames = [
  'force',
  'namespace',
  'name',
  'uid',
  'entityId',
  'target',
  'propagationPolicy',
  'dryRun',
  'command',
  'image',
  'server',
  'approved',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'replicas ',
  'Replicas',
  'replicas\u0000',
  'taillines',
]
const number = fc.oneof(
  fc.integer({ min: -3, max: 1_005 }),
  fc.constantFrom(0, 1, 50, 51, 999, 1_000, 1_001, 99_999, 100_000, 100_001, -1, 0.5, 1e21, 2 ** 53, -(2 ** 31), 1e308),
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
)
const anything = fc.oneof(
  number,
  number,
  fc.anything({ withBigInt: true }),
  fc.constantFrom('0', '1', 'all', [], [1], {}, null, true, { valueOf: 1 }, { $gt: 0 }, 3n),
)
const name = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('replicas', 'tailLines', 'gracePeriodSeconds') },
  { weight: 2, arbitrary: fc.constantFrom(...evilNames) },
  { weight: 1, arbitrary: fc.string() },
)
/** Own keys only, `__proto__` among them, as JSON makes them. */
const params: fc.Arbitrary<Params> = fc.array(fc.tuple(name, anything), { maxLength: 3 }).map((entries) => {
  const made: Params = {}
  for (const [key, value] of entries) Object.defineProperty(made, key, { value, enumerable: true, configurable: true, writable: true })
  return made
})
const limits: fc.Arbitrary<Limits> = fc.record(
  {
    replicas: fc.record({ min: fc.integer({ min: 0, max: 20 }), max: fc.integer({ min: 20, max: 200 }) }, { requiredKeys: [] }),
    tailLines: fc.record({ max: fc.integer({ min: 1, max: 5_000 }) }),
  },
  { requiredKeys: [] },
)

const target = (kind: ActionTarget['kind']): ActionTarget => ({
  kind,
  scope: 's',
  entityId: '1',
  namespace: kind === 'node' ? null : 'shop',
  name: 'n',
  uid: 'u',
  workloadKind: kind === 'workload' ? 'Deployment' : null,
})

/** A database that knows one entity and notes when anything is written. */
function oneEntity(kind: ActionTarget['kind']): Database & { written: boolean } {
  const properties =
    kind === 'node'
      ? { uid: 'u' }
      : kind === 'workload'
        ? { uid: 'u', workloadKind: 'Deployment', replicas: 1, labels: {}, annotations: {}, owner: null }
        : {
            uid: 'u',
            phase: null,
            node: null,
            ip: null,
            serviceAccount: null,
            labels: {},
            annotations: {},
            hostNetwork: false,
            hostPID: false,
            containers: [],
            owner: null,
            workload: null,
          }
  const row = {
    id: 1n,
    scope: 's',
    kind,
    key: 'u',
    name: 'n',
    namespace: kind === 'node' ? null : 'shop',
    properties,
    origin: 'inventory',
    source_id: null,
    first_ns: 0n,
    last_ns: 0n,
    valid_from_ns: 0n,
    deleted_ns: null,
  }
  const database = {
    kind: 'embedded' as const,
    written: false,
    query: async () => [row] as never,
    transaction: async () => {
      database.written = true
      throw new DeniedError('reached', 'the request was let through')
    },
    close: async () => {},
  }
  return database
}

const outcome = async (work: Promise<unknown>): Promise<FalconerError | null> =>
  work.then(
    () => null,
    (error: unknown) => {
      if (error instanceof FalconerError) return error
      throw error
    },
  )

describe('parameters', () => {
  const policy = loadPolicy()
  const by = { principal: agentPrincipal, channel: 'system' as const }
  const executorOf = (allowing: Policy) =>
    createExecutor({
      kubeConfig: connect({ kubeconfig: nowhere }),
      policy: allowing,
      publicKey: newApprovalKeys().publicKey,
      actionsEnabled: false,
      scope: null,
      clock: systemClock,
    })

  it('guarantee 5: what each action takes is written here for every action there is', () => {
    expect(Object.keys(takes).sort()).toEqual(actions.map((action) => action.name).sort())
  })

  it('guarantee 5: parameters outside schema or policy are refused with the reason, and nothing is written', async ({ task }) => {
    const counts = { through: 0, schema: 0, policy: 0 }
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...actions.map((one) => one.name)), params, limits, async (action, given, within) => {
        const allowing: Policy = {
          ...policy,
          actions: { ...policy.actions, [action]: { ...(policy.actions[action] as Policy['actions'][string]), params: within } },
        }
        const kind = kinds[action] ?? 'pod'
        const db = oneEntity(kind)
        const context = { db, clock: systemClock, policy: allowing, actionsEnabled: false }
        const error = await outcome(
          propose(context, by, { action, entityId: '1', params: given, reason: '', incidentId: null, investigationId: null }),
        )
        const expected = !fits(action, given) ? 'schema' : !allowed(within, defaulted(action, given)) ? 'policy' : 'through'
        counts[expected] += 1
        expect(db.written).toBe(expected === 'through')
        if (expected === 'through') {
          expect((error as DeniedError).reason).toBe('reached')
          return
        }
        if (expected === 'policy') {
          expect(error).toMatchObject({ code: 'denied', reason: 'policy' })
          expect(error?.message).toMatch(/^(replicas|tailLines|gracePeriodSeconds) is \d+; the policy allows (\d+|any) to (\d+|any)\.$/)
        } else {
          expect(error).toBeInstanceOf(InputError)
          expect(error?.message).toMatch(new RegExp(`^The parameters of ${action} are not right: .+: .+`, 's'))
          const wrong =
            Object.keys(given).find((key) => !Object.hasOwn(takes[action] ?? {}, key)) ?? Object.keys(takes[action] ?? {})[0] ?? ''
          expect(error?.message).toContain(wrong)
        }
        expect(
          await outcome(executorOf(allowing).plan({ action, params: given, target: target(kind) })),
          'the executor refuses it too',
        ).toBeInstanceOf(DeniedError)
      }),
      property(10_000),
    )
    for (const [kind, count] of Object.entries(counts)) expect(count, `${kind} was among the cases`).toBeGreaterThan(cases(10_000) / 50)
    expect(Object.prototype).not.toHaveProperty('approved')
    expect(({} as { replicas?: unknown }).replicas).toBeUndefined()
    Object.assign(task.meta, { cases: cases(10_000) })
  })

  it('guarantee 5: parameters that are no object are refused', async () => {
    for (const given of [null, undefined, 'replicas=0', 0, true, [], [{ replicas: 0 }], () => ({ replicas: 0 })])
      for (const { name: action } of actions) {
        const db = oneEntity(kinds[action] ?? 'pod')
        const context = { db, clock: systemClock, policy, actionsEnabled: false }
        const error = await outcome(
          propose(context, by, { action, entityId: '1', params: given as never, reason: '', incidentId: null, investigationId: null }),
        )
        expect(error, `${action} with ${String(given)}`).toBeInstanceOf(InputError)
        expect(db.written).toBe(false)
      }
  })

  it('guarantee 5: an action the policy does not list is off, whatever its name is made of', async () => {
    for (const action of [
      ...actions.map((one) => one.name),
      '__proto__',
      'constructor',
      'toString',
      'kubernetes.exec',
      ' kubernetes.isolate_pod',
      'kubernetes.isolate_pod\u0000',
      'KUBERNETES.ISOLATE_POD',
    ]) {
      const context = {
        db: oneEntity(kinds[action] ?? 'pod'),
        clock: systemClock,
        policy: { ...policy, actions: {} },
        actionsEnabled: false,
      }
      const error = await outcome(
        propose(context, by, { action, entityId: '1', params: { replicas: 1 }, reason: '', incidentId: null, investigationId: null }),
      )
      expect(error?.message, action).toMatch(/There is no action|does not allow|are not right/)
      expect(context.db.written).toBe(false)
    }
  })
})

const defaulted = (action: string, given: Params): Params => {
  const made = { ...given }
  for (const [name, { otherwise }] of Object.entries(takes[action] ?? {}))
    if (made[name] === undefined && otherwise !== undefined) made[name] = otherwise
  return made
}
/** Nothing listens there: a plan that came as far as asking the cluster would fail as unreachable, not as refused. */
const nowhere = JSON.stringify({
  apiVersion: 'v1',
  kind: 'Config',
  'current-context': 'none',
  clusters: [{ name: 'none', cluster: { server: 'http://127.0.0.1:1', 'insecure-skip-tls-verify': true } }],
  users: [{ name: 'none', user: { token: 'none' } }],
  contexts: [{ name: 'none', context: { cluster: 'none', user: 'none' } }],
})

eachDatabase('parameters that are let through', (database) => {
  it('guarantee 5: are stored as given, with the action’s defaults and nothing else', async () => {
    const policy = loadPolicy()
    const scope = `parameters-${database().kind}`
    await recordInventory(database(), systemClock, scope)
    const context = { db: database(), clock: systemClock, policy, actionsEnabled: false }
    const keys: Record<string, string> = { pod: podUid, workload: 'deploy-uid-1', node: 'node-1' }
    for (const { name: action } of actions) {
      const kind = kinds[action] ?? 'pod'
      const entity = await findEntity(database(), { scope, kind, key: keys[kind] ?? '' })
      const given = action === 'kubernetes.scale_workload' ? { replicas: 50 } : {}
      const { proposal } = await propose(
        context,
        { principal: agentPrincipal, channel: 'system' },
        { action, entityId: String(entity?.id), params: given, reason: '', incidentId: null, investigationId: null },
      )
      expect(proposal.params).toEqual(defaulted(action, given))
    }
  })
})
