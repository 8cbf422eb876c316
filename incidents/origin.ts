/** Whose act a record tells of: the one workload that pods of an account, or behind an address, belong to. Never one of several. */
import type { Lead } from '../domain/alert.ts'
import { type Entity, type EntityRef, PodProperties } from '../domain/entity.ts'
import type { ExplainingRelation } from '../domain/incident.ts'
import { type Inventory, mostAsked } from './context.ts'
import type { Fact } from './rule.ts'

/** Without the grace that a sensor's clock gets: an address is somebody else's the moment after. */
export const livedAt = (entity: Pick<Entity, 'validFromNs' | 'deletedNs'>, atNs: bigint): boolean =>
  entity.validFromNs <= atNs && (entity.deletedNs === null || entity.deletedNs >= atNs)

export const specOf = (pod: Entity): PodProperties | undefined => PodProperties.safeParse(pod.properties).data

/** The top of each pod's owner chain, or the pod itself, each once. Null: too many to look through. */
export async function placesOf(pods: readonly Entity[], inventory: Inventory): Promise<Entity[] | null> {
  if (pods.length >= mostAsked) return null
  // Pods of one nearest owner have the same top.
  const byOwner = new Map(pods.map((pod) => [specOf(pod)?.owner?.uid ?? pod.key, pod]))
  const places = await Promise.all([...byOwner.values()].map((pod) => placeOf(pod, inventory)))
  return [...new Map(places.map((place) => [place.id, place])).values()]
}

export async function placeOf(pod: Entity, inventory: Inventory): Promise<Entity> {
  return (await inventory.ownersOf(pod)).filter((owner) => owner.kind === 'workload').at(-1) ?? pod
}

export const nameOf = ({ namespace, name }: Pick<Entity, 'namespace' | 'name'>): string =>
  namespace === null ? name : `${namespace}/${name}`

/** A fact that reaches alerts of this pod, or of this workload: those that same-pod and same-workload say are of it. */
export const reaching = (place: Entity, by: string, told: Pick<Fact, 'label' | 'inferred' | 'relation'>): Fact => ({
  key: place.kind === 'pod' ? `uid/${place.key}` : place.key,
  scope: place.scope,
  reaches: { rule: place.kind === 'pod' ? 'same-pod' : 'same-workload', by },
  ...told,
})

export const endOf = (end: Entity | EntityRef): ExplainingRelation['from'] => ({
  scope: end.scope,
  kind: end.kind,
  key: end.key.slice(0, 300),
  id: 'id' in end ? end.id.toString() : null,
})

/** A field's text as an audit source wrote it; Falco writes `<NA>` for what it does not know. */
export function fieldOf(alert: Lead, name: string): string | null {
  const value = alert.fields?.[name]
  return typeof value === 'string' && value !== '' && value !== '<NA>' ? value : null
}

/** Where an instance asks for its own credentials. */
const metadata: ReadonlySet<string> = new Set(['169.254.169.254', 'fd00:ec2::254'])
export const asksMetadata = ({ connection }: Pick<Lead, 'connection'>): boolean => metadata.has(connection?.serverIp ?? '')

/** An escape from a container to its node. */
export const isEscape = ({ techniques }: Pick<Lead, 'techniques'>): boolean =>
  techniques.some((technique) => technique === 'T1611' || technique.startsWith('T1611.'))
export const onHost = ({ container, pod, hostname }: Lead): boolean => container === null && pod === null && hostname !== null
