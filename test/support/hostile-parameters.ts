/**
 * What actions take, written by hand a second time, and everything a model may form instead: the proof that parameters cannot
 * be widened must not ask the code under test. Also a database that knows one entity and notes when anything is written.
 */
import fc from 'fast-check'
import { DeniedError } from '../../domain/errors.ts'
import type { ActionTarget } from '../../domain/proposal.ts'
import type { Policy } from '../../responses/policy.ts'
import type { Database } from '../../store/database.ts'

/** `otherwise` is what stands in when it is not given; without it the parameter must be given. */
type Limit = { min: number; max: number; otherwise?: number }
/** What each action takes, and nothing else. A new action is written here by hand: the proof must not ask the code under test. */
export const takes: Readonly<Record<string, Readonly<Record<string, Limit>>>> = {
  'kubernetes.collect_logs': { tailLines: { min: 1, max: 100_000, otherwise: 5_000 } },
  'kubernetes.cordon_node': {},
  'kubernetes.delete_pod': { gracePeriodSeconds: { min: 0, max: 300, otherwise: 30 } },
  'kubernetes.isolate_pod': {},
  'kubernetes.scale_workload': { replicas: { min: 0, max: 1_000 } },
}
export const kinds: Readonly<Record<string, ActionTarget['kind']>> = {
  'kubernetes.cordon_node': 'node',
  'kubernetes.scale_workload': 'workload',
}
export type Params = Record<string, unknown>
type Limits = Policy['actions'][string]['params']

export const fits = (action: string, params: Params): boolean =>
  Object.keys(params).every((name) => Object.hasOwn(takes[action] ?? {}, name)) &&
  Object.entries(takes[action] ?? {}).every(([name, { min, max, otherwise }]) => {
    const value = params[name]
    if (value === undefined) return otherwise !== undefined
    return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max
  })
export const allowed = (limits: Limits, params: Params): boolean =>
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
  fc.integer({ min: 0, max: 25 }),
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
export const params: fc.Arbitrary<Params> = fc.array(fc.tuple(name, anything), { maxLength: 3 }).map((entries) => {
  const made: Params = {}
  for (const [key, value] of entries) Object.defineProperty(made, key, { value, enumerable: true, configurable: true, writable: true })
  return made
})
export const limits: fc.Arbitrary<Limits> = fc.record(
  {
    replicas: fc.record({ min: fc.integer({ min: 0, max: 20 }), max: fc.integer({ min: 20, max: 200 }) }, { requiredKeys: [] }),
    tailLines: fc.record({ max: fc.integer({ min: 1, max: 5_000 }) }),
  },
  { requiredKeys: [] },
)

export const target = (kind: ActionTarget['kind']): ActionTarget => ({
  kind,
  scope: 's',
  entityId: '1',
  namespace: kind === 'node' ? null : 'shop',
  name: 'n',
  uid: 'u',
  workloadKind: kind === 'workload' ? 'Deployment' : null,
})

/** A database that knows one entity and notes when anything is written. */
export function oneEntity(kind: ActionTarget['kind']): Database & { written: boolean } {
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

/** With what stands in for parameters that were not given. */
export const defaulted = (action: string, given: Params): Params => {
  const made = { ...given }
  for (const [name, { otherwise }] of Object.entries(takes[action] ?? {}))
    if (made[name] === undefined && otherwise !== undefined) made[name] = otherwise
  return made
}
