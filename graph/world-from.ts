/** From records to the world of one unit: who runs what is put together, and everything stands in one order, whatever the order it came in. Pure. */
import { type Entity, type EntityKind, PodProperties, WorkloadProperties } from '../domain/entity.ts'
import { isEveryOf } from '../domain/graph.ts'
import { refOf } from './evidence.ts'
import { isDeclaredOnly, type Place, type World } from './world.ts'

export function worldFrom(
  { scope, namespace }: Pick<World, 'scope' | 'namespace'>,
  records: readonly Entity[],
  weaknesses: World['weaknesses'] = () => undefined,
): World {
  const unique = [...new Map(records.map((one) => [`${one.kind}\n${one.scope}\n${one.key}`, one])).entries()]
  const all = unique.filter(([, one]) => isRecord(one)).sort(([a], [b]) => (a < b ? -1 : 1))
  const of = (...kinds: EntityKind[]): Entity[] => all.flatMap(([, one]) => (kinds.includes(one.kind) ? [one] : []))
  return {
    scope,
    namespace,
    places: placesOf(of('workload', 'pod').filter((one) => namespace === null || one.namespace === namespace)),
    services: of('service'),
    ingresses: of('ingress'),
    policies: of('network_policy'),
    accounts: of('service_account'),
    secrets: of('secret'),
    nodes: of('node'),
    roles: of('role'),
    bindings: of('role_binding'),
    namespaces: namespacesOf(namespace, of('namespace')),
    annotations: (of('namespace').find(({ name }) => name === namespace)?.properties.annotations ?? {}) as Record<string, string>,
    identities: of('identity'),
    cloud: of('cloud_account', 'cloud_resource'),
    weaknesses,
  }
}

/** Bare rows, made for the ends of relations and steps, say nothing, except that a node, an identity or something of a cloud was named. */
const isRecord = (entity: Entity): boolean =>
  !isEveryOf(entity) && (entity.origin === 'inventory' || ['node', 'identity', 'cloud_account', 'cloud_resource'].includes(entity.kind))

/** Every namespace has the label of its name, and that of the unit exists even if nobody listed it. */
function namespacesOf(own: string | null, records: readonly Entity[]): World['namespaces'] {
  const named = (name: string, labels: unknown): [string, Record<string, string>] => [
    name,
    { ...(labels as Record<string, string> | undefined), 'kubernetes.io/metadata.name': name },
  ]
  return new Map([
    ...(own === null ? [] : [named(own, {})]),
    ...records.filter(({ deletedNs }) => deletedNs === null).map((one) => named(one.name, one.properties.labels)),
  ])
}

type Running = Place['pods'][number]
type Found = { entity: Entity; pods: Running[] }

/** Pods under the top of their owner chain; workloads that have no pod by their template. What lies in the middle of a chain is no place. */
function placesOf(entities: readonly Entity[]): Place[] {
  const workloads = new Map(
    entities.flatMap((entity) => {
      const properties = entity.kind === 'workload' ? WorkloadProperties.safeParse(entity.properties).data : undefined
      return properties === undefined ? [] : [[properties.uid === '' ? entity.key : properties.uid, { entity, properties }] as const]
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
  const places = new Map<Entity, Found>()
  const placeAt = (entity: Entity): Running[] => {
    const place = places.get(entity) ?? { entity, pods: [] }
    places.set(entity, place)
    return place.pods
  }
  for (const entity of entities) {
    const properties = entity.kind === 'pod' ? PodProperties.safeParse(entity.properties).data : undefined
    if (properties !== undefined) placeAt(top(properties.owner) ?? entity).push({ entity, properties })
  }
  for (const { entity, properties } of workloads.values())
    if (properties.template !== undefined && top(properties.owner) === null && mayRun(entity, properties)) placeAt(entity)
  return [...places.values()].flatMap(placeFrom).sort((a, b) => (a.ref.kind + a.ref.key < b.ref.kind + b.ref.key ? -1 : 1))
}

/** Scaled to nothing, nobody can be in it; what is only declared may be applied any time. */
const mayRun = (entity: Entity, { replicas }: WorkloadProperties): boolean => isDeclaredOnly(entity) || replicas !== 0

function placeFrom({ entity, pods }: Found): Place[] {
  const workload = WorkloadProperties.safeParse(entity.properties).data
  const newest = newestOf(pods)
  const spec = newest?.properties ?? workload?.template
  if (spec === undefined) return []
  const kind = entity.kind === 'pod' ? 'Pod' : (workload?.workloadKind ?? 'Workload')
  const namespace = entity.namespace ?? 'default'
  return [
    {
      ref: refOf(entity),
      title: `${kind} ${namespace}/${entity.name}`,
      name: `${namespace}/${kind}/${entity.name}`,
      namespace,
      entity,
      spec,
      specOf: newest?.entity ?? entity,
      specPath: newest === undefined ? 'properties.template' : 'properties',
      pods,
      nodes: nodesOf(pods),
      declaredOnly: isDeclaredOnly(entity),
      fromNs: entity.validFromNs,
      untilNs: entity.deletedNs,
    },
  ]
}

/** Of those that run, if any does, the youngest. */
function newestOf(pods: readonly Running[]): Running | undefined {
  const alive = pods.filter(({ entity }) => entity.deletedNs === null)
  return (alive.length > 0 ? alive : pods).reduce<Running | undefined>(
    (best, pod) => (best === undefined || isNewer(pod.entity, best.entity) ? pod : best),
    undefined,
  )
}
const isNewer = (a: Entity, b: Entity): boolean => (a.validFromNs === b.validFromNs ? a.key < b.key : a.validFromNs > b.validFromNs)

function nodesOf(pods: readonly Running[]): Place['nodes'] {
  const byNode = Map.groupBy(
    pods.filter(({ properties }) => properties.node !== null),
    ({ properties }) => properties.node as string,
  )
  return [...byNode.entries()]
    .map(([node, found]) => ({
      node,
      pod: (newestOf(found) as Running).entity,
      fromNs: found.reduce(
        (least, { entity }) => (entity.validFromNs < least ? entity.validFromNs : least),
        found[0]?.entity.validFromNs ?? 0n,
      ),
      untilNs: found.some(({ entity }) => entity.deletedNs === null)
        ? null
        : found.reduce((most, { entity }) => ((entity.deletedNs ?? 0n) > most ? (entity.deletedNs as bigint) : most), 0n),
    }))
    .sort((a, b) => (a.node < b.node ? -1 : 1))
}
