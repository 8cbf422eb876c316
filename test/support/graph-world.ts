/** Steps of a few objects of Kubernetes, derived without a database: as a collector records them, unit by unit. */
import { KubernetesObject } from '../../collectors/kubernetes/kubernetes.ts'
import { normaliseObject } from '../../collectors/kubernetes/normalise.ts'
import type { Entity } from '../../domain/entity.ts'
import type { NewStep } from '../../domain/graph.ts'
import { stepsOf } from '../../graph/derive.ts'
import { unitKind } from '../../graph/read-world.ts'
import type { World } from '../../graph/world.ts'
import { worldFrom } from '../../graph/world-from.ts'

export type Json = Record<string, unknown>
export const at = 1_790_000_000_000_000_000n

export function entitiesOf(objects: readonly Json[], scope = 'lab'): Entity[] {
  const source = { sourceId: null, sourceName: 's', scope, receivedNs: at }
  const records = objects.flatMap((object) => [
    ...normaliseObject(KubernetesObject.parse(object), { raw: object, bytes: new Uint8Array(), at: '' }, source),
  ])
  return records.flatMap((one, index) =>
    one.kind === 'entity'
      ? [{ ...one.entity, id: BigInt(index), origin: 'inventory' as const, sourceId: null, firstNs: at, lastNs: at }]
      : [],
  )
}

/** The world of a namespace, with the roles and bindings of all. */
export function worldOf(objects: readonly Json[], namespace: string | null = 'default', weaknesses?: World['weaknesses']): World {
  return worldFrom(
    { scope: 'lab', namespace },
    entitiesOf(objects).filter((one) => isWide(one) || one.namespace === namespace),
    weaknesses,
  )
}
const isWide = ({ kind }: Entity): boolean => ['namespace', 'node', 'role', 'role_binding', 'service_account'].includes(kind)

/** Every unit’s, in the order of their ends. */
export function allSteps(objects: readonly Json[], weaknesses?: World['weaknesses']): NewStep[] {
  const namespaces = new Set(entitiesOf(objects).flatMap(({ namespace }) => namespace ?? []))
  const units = [...[...namespaces].map((name) => `namespace/${name}`), 'access', 'nodes', 'cloud']
  return units
    .flatMap((unit) =>
      stepsOf(worldOf(objects, unit.startsWith('namespace/') ? unit.slice('namespace/'.length) : null, weaknesses), unitKind(unit)),
    )
    .sort((a, b) => (said(a) < said(b) ? -1 : 1))
}

/** "escape-privileged: pod uid-web → node node-1" */
export const said = ({ type, from, to }: NewStep): string => `${type}: ${from.kind} ${from.key} → ${to.kind} ${to.key}`

export const named = (kind: string, name: string, over: Json = {}, namespace = 'default'): Json => ({
  kind,
  metadata: { name, namespace, uid: `uid-${name}`, creationTimestamp: '2026-08-01T00:00:00Z' },
  ...over,
})

/** Everything that can be reached from these by following steps. */
export function reached(steps: readonly NewStep[], from: readonly { kind: string; key: string }[]): Set<string> {
  const out = Map.groupBy(steps, (step) => `${step.from.kind} ${step.from.key}`)
  const seen = new Set(from.map(({ kind, key }) => `${kind} ${key}`))
  for (const one of seen) for (const { to } of out.get(one) ?? []) seen.add(`${to.kind} ${to.key}`)
  return seen
}
