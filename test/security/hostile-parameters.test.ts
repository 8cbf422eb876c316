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
import { newApprovalKeys } from '../../responses/approved.ts'
import { actions } from '../../responses/catalog/catalog.ts'
import { actionPolicy, loadPolicy, type Policy } from '../../responses/policy.ts'
import { propose } from '../../responses/propose.ts'
import { findEntity } from '../../store/entities.ts'
import { eachDatabase } from '../support/database.ts'
import { allowed, defaulted, fits, kinds, limits, oneEntity, params, takes, target } from '../support/hostile-parameters.ts'
import { cases, property } from '../support/sizes.ts'
import { podUid, recordInventory } from '../support/shop.ts'

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

  it('guarantee 5: schema and policy are kept to the last whole number, on both sides', async () => {
    for (const [action, named] of Object.entries(takes))
      for (const [name, { min, max }] of Object.entries(named)) {
        const within = { min: min + 2, max: max - 2 }
        const allowing: Policy = {
          ...policy,
          actions: { ...policy.actions, [action]: { ...actionPolicy(policy, action), params: { [name]: within } } },
        }
        for (const [value, expected] of [
          [min - 1, 'input'],
          [min, 'policy'],
          [min + 1, 'policy'],
          [min + 2, 'reached'],
          [max - 2, 'reached'],
          [max - 1, 'policy'],
          [max, 'policy'],
          [max + 1, 'input'],
        ] as const) {
          const db = oneEntity(kinds[action] ?? 'pod')
          const error = await outcome(
            propose({ db, clock: systemClock, policy: allowing, actionsEnabled: false }, by, {
              action,
              entityId: '1',
              params: { [name]: value },
              reason: '',
              incidentId: null,
              investigationId: null,
            }),
          )
          expect(error instanceof DeniedError ? error.reason : error?.code, `${action} ${name}=${value}`).toBe(expected)
        }
      }
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
