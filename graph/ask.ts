/** Questions to the graph, answered with names and reasons. Bounded: what was left out is said. The model never ranks: order is cost, then length, then ids. */
import { type Entity, type EntityKind, type RelationType, WorkloadProperties } from '../domain/entity.ts'
import { InputError, NotFoundError } from '../domain/errors.ts'
import { type AttackStep, cartographyLabel, internet, isEveryOf } from '../domain/graph.ts'
import { stepsAmong } from '../store/attack-steps.ts'
import type { Queryable } from '../store/database.ts'
import { getEntities } from '../store/entities.ts'
import { type AsOf, blastCounts, blastRadius, type Edge, edgesAmong, neighbours, type Reached } from '../store/graph.ts'
import { nodesNamed } from '../store/graph-nodes.ts'

export type NamedNode = {
  id: bigint
  kind: EntityKind
  /** As Cartography calls it, else our words for the kind; of a workload its own: Deployment. */ label: string
  /** "Deployment shop/checkout" */ title: string
  scope: string
  name: string
  namespace: string | null
  /** No collector reports it: the internet, "every Secret of …", or what others only refer to. */ derived: boolean
  /** A manifest says so; no cluster reported it. */ declaredOnly: boolean
  gone: boolean
}

export function namedNode(entity: Entity): NamedNode {
  const { id, kind, scope } = entity
  const { name, namespace } = placed(entity)
  return {
    id,
    kind,
    label: cartographyLabel[kind] ?? kindAsWritten(entity),
    title: titleOf(entity),
    scope,
    name,
    namespace,
    derived: entity.origin === 'derived',
    declaredOnly: entity.properties.declaredOnly === true,
    gone: entity.deletedNs !== null,
  }
}

function titleOf(entity: Entity): string {
  if (entity.kind === 'internet' || entity.kind === 'endpoint' || isEveryOf(entity)) return entity.name
  const { name, namespace } = placed(entity)
  return `${kindAsWritten(entity)} ${namespace === null ? name : `${namespace}/${name}`}`
}

/** Of what others only refer to, as they do: shop/Secret/ledger is in a namespace though no collector reported it. */
function placed({ origin, key, name, namespace }: Entity): Pick<Entity, 'name' | 'namespace'> {
  const told = origin === 'derived' ? /^([^/]+)\/(?:Secret|ServiceAccount)\/([^/*]+)$/.exec(key) : null
  return told === null ? { name, namespace } : { namespace: told[1] ?? null, name: told[2] ?? name }
}

/** As Kubernetes writes it, where it has it: sentences of steps do so too. */
const kindAsWritten = ({ kind, properties }: Entity): string =>
  kind === 'workload'
    ? (WorkloadProperties.safeParse(properties).data?.workloadKind ?? 'workload')
    : (kubernetesKind[kind] ?? kind.replaceAll('_', ' '))
const kubernetesKind: Readonly<Partial<Record<EntityKind, string>>> = {
  node: 'Node',
  namespace: 'Namespace',
  pod: 'Pod',
  service: 'Service',
  ingress: 'Ingress',
  service_account: 'ServiceAccount',
  role: 'Role',
  role_binding: 'RoleBinding',
  secret: 'Secret',
  network_policy: 'NetworkPolicy',
}

/** The one node a person means. Throws NotFoundError, or InputError that names the candidates when there are several, as `shown` shows a name. */
export async function nodeNamed(db: Queryable, text: string, scope?: string, shown = (name: string): string => name): Promise<Entity> {
  const found = await nodesNamed(db, text, { scope, limit: 12 })
  const now = found.filter((one) => one.deletedNs === null)
  const [only, second] = now.length > 0 ? now : found.slice(0, 1)
  if (only === undefined)
    throw new NotFoundError(
      `Nothing in the graph is called “${shown(text)}”${scope === undefined ? '' : ` in ${shown(scope)}`}. Give kind/namespace/name, as deployment/shop/checkout, or an id.`,
    )
  if (second !== undefined)
    throw new InputError(
      `“${shown(text)}” may be ${now.map((one) => `${one.id} (${shown(titleOf(one))} in ${one.scope})`).join(', ')}. Give one of these ids, or name its cluster.`,
    )
  return only
}

/** Where paths begin unless told otherwise; undefined: nothing is known to be reachable from there. */
export async function internetNode(db: Queryable): Promise<Entity | undefined> {
  return (await nodesNamed(db, internet.key, { limit: 1 }))[0]
}

export type NeighbourhoodAnswer = { nodes: (NamedNode & { depth: number })[]; relations: Edge[]; steps: AttackStep[]; more: boolean }

export async function neighbourhood(
  db: Queryable,
  centre: readonly bigint[],
  options: AsOf & { depth: number; limit: number; types?: readonly RelationType[] },
): Promise<NeighbourhoodAnswer> {
  const reached = await neighbours(db, centre, options)
  const kept = reached.slice(0, options.limit)
  const ids = kept.map(({ id }) => id)
  return {
    nodes: await named(db, kept),
    relations: (await edgesAmong(db, ids, options)).filter(({ type }) => options.types === undefined || options.types.includes(type)),
    steps: options.types === undefined ? await stepsAmong(db, ids, options.atNs) : [],
    more: reached.length > options.limit,
  }
}

export type BlastAnswer = {
  counts: { kind: string; count: number; depth: number }[]
  nodes: (NamedNode & { depth: number })[]
  more: boolean
}

export async function blast(
  db: Queryable,
  from: readonly bigint[],
  options: AsOf & { depth: number; limit: number },
): Promise<BlastAnswer> {
  const reached = await blastRadius(db, from, options)
  return {
    counts: await blastCounts(db, from, options),
    nodes: await named(db, reached.slice(0, options.limit)),
    more: reached.length > options.limit,
  }
}

async function named(db: Queryable, reached: readonly Reached[]): Promise<(NamedNode & { depth: number })[]> {
  const entities = await byId(
    db,
    reached.map(({ id }) => id),
  )
  return reached.flatMap(({ id, depth }) => {
    const entity = entities.get(id)
    return entity === undefined ? [] : [{ ...namedNode(entity), depth }]
  })
}

export async function byId(db: Queryable, ids: readonly bigint[]): Promise<Map<bigint, Entity>> {
  return new Map((await getEntities(db, ids)).map((entity) => [entity.id, entity]))
}
