/** Reads the world of one unit from the store: its records, and those of the whole scope that they refer to by name. */
import { type Entity, type EntityKind, PodProperties, WorkloadProperties } from '../domain/entity.ts'
import { entitiesOfUnit } from '../store/attack-steps.ts'
import type { Queryable } from '../store/database.ts'
import type { Unit } from '../store/graph-units.ts'
import type { UnitKind } from './step-rule.ts'
import type { Place, World } from './world.ts'

export const unitKind = (unit: string): UnitKind => (unit.startsWith('namespace/') ? 'namespace' : (unit as UnitKind))

/** What rules of this kind of unit read besides the namespace’s own records. */
const wide: Readonly<Record<UnitKind, readonly EntityKind[]>> = {
  namespace: ['node', 'namespace'],
  access: ['role', 'role_binding', 'service_account', 'namespace', 'identity'],
  nodes: ['node'],
  cloud: ['service_account', 'identity', 'cloud_account', 'cloud_resource', 'node'],
}

export async function readWorld(db: Queryable, { scope, unit }: Unit): Promise<World> {
  const kind = unitKind(unit)
  const namespace = kind === 'namespace' ? unit.slice('namespace/'.length) : null
  const own = namespace === null ? [] : await entitiesOfUnit(db, scope, { namespace })
  const all = [...own, ...(await entitiesOfUnit(db, scope, { kinds: wide[kind] }))]
  const of = (wanted: EntityKind): Entity[] => [...new Map(all.filter((one) => one.kind === wanted).map((one) => [one.id, one])).values()]
  return {
    scope,
    namespace,
    places: placesOf(own),
    services: of('service'),
    ingresses: of('ingress'),
    policies: of('network_policy'),
    accounts: of('service_account'),
    secrets: of('secret'),
    nodes: of('node'),
    roles: of('role'),
    bindings: of('role_binding'),
    namespaces: new Map(of('namespace').map((one) => [one.name, (one.properties.labels ?? {}) as Record<string, string>])),
    annotations: (of('namespace').find((one) => one.name === namespace)?.properties.annotations ?? {}) as Record<string, string>,
    identities: of('identity'),
    cloud: [...of('cloud_account'), ...of('cloud_resource')],
    weaknesses: () => undefined,
  }
}

/** Pods under the top of their owner chain; workloads that have no pod by their template. What lies in the middle of a chain is no place. */
export function placesOf(entities: readonly Entity[]): Place[] {
  const workloads = new Map(
    entities.flatMap((entity) => {
      const parsed = entity.kind === 'workload' ? WorkloadProperties.safeParse(entity.properties).data : undefined
      return parsed === undefined ? [] : [[parsed.uid === '' ? entity.key : parsed.uid, { entity, properties: parsed }] as const]
    }),
  )
  const top = (owner: { uid: string } | null): Entity | null => {
    let found: Entity | null = null
    for (let at = owner, depth = 0; at !== null && depth < 8; depth += 1) {
      const next = workloads.get(at.uid)
      if (next === undefined) break
      found = next.entity
      at = next.properties.owner
    }
    return found
  }
  const places = new Map<bigint, { entity: Entity; pods: Place['pods'] }>()
  const placeAt = (entity: Entity): Place['pods'] => {
    const place = places.get(entity.id) ?? { entity, pods: [] }
    places.set(entity.id, place)
    return place.pods
  }
  for (const entity of entities) {
    const properties = entity.kind === 'pod' ? PodProperties.safeParse(entity.properties).data : undefined
    if (properties !== undefined) placeAt(top(properties.owner) ?? entity).push({ entity, properties })
  }
  for (const { entity, properties } of workloads.values())
    if (properties.template !== undefined && top(properties.owner) === null) placeAt(entity)
  return [...places.values()].flatMap(placeFrom)
}

function placeFrom({ entity, pods }: { entity: Entity; pods: Place['pods'] }): Place[] {
  const alive = pods.filter((pod) => pod.entity.deletedNs === null)
  const newest = (alive.length > 0 ? alive : pods).toSorted((a, b) =>
    a.entity.validFromNs < b.entity.validFromNs
      ? 1
      : a.entity.validFromNs > b.entity.validFromNs
        ? -1
        : a.entity.key < b.entity.key
          ? -1
          : 1,
  )[0]
  const workload = WorkloadProperties.safeParse(entity.properties).data
  const spec = newest?.properties ?? workload?.template
  if (spec === undefined) return []
  const kind = entity.kind === 'pod' ? 'Pod' : (workload?.workloadKind ?? 'workload')
  return [
    {
      ref: { scope: entity.scope, kind: entity.kind, key: entity.key },
      title: `${kind} ${entity.namespace}/${entity.name}`,
      entity,
      spec,
      specOf: newest?.entity ?? entity,
      pods,
      declaredOnly: entity.properties.declaredOnly === true,
      fromNs: entity.validFromNs,
      untilNs: entity.deletedNs,
    },
  ]
}
