/** Where a pod stands: its node, its service account, its Secrets, its containers (that before the last restart too), and their images. */
import type { EntityRef, NewEntity, PodProperties } from '../../domain/entity.ts'
import { parseEventTime } from '../../domain/event-time.ts'
import type { NewRecord } from '../collector.ts'
import { containerDigests, containerImage, imageAliases, kubernetesResource } from '../resources.ts'
import { type Json, type Made, record, relation, text } from './fields.ts'
import { idOf, statusesOf } from './pod.ts'

export function* podRecords(raw: Json, made: Made, entity: NewEntity): Iterable<NewRecord> {
  const pod = entity.properties as unknown as PodProperties
  const { scope } = made.ref
  const named = (kind: string, name: string): string => kubernetesResource({ kind, namespace: made.namespace, name }, scope).key
  if (pod.node !== null) yield relation(made.ref, 'RUNS_ON', { scope, kind: 'node', key: pod.node }, made.at)
  if (pod.serviceAccount !== null)
    yield relation(made.ref, 'RUNS_AS', { scope, kind: 'service_account', key: named('ServiceAccount', pod.serviceAccount) }, made.at)
  for (const secret of pod.secrets ?? [])
    yield relation(made.ref, 'MOUNTS', { scope, kind: 'secret', key: named('Secret', secret) }, made.at)
  const former = statusesOf(record(raw.status))
  for (const container of pod.containers) {
    if (container.containerId !== null) yield* containerRecords(container, container.containerId, made, entity, entity.deletedNs)
    // The one before the last restart: its alerts may still be on their way.
    const ended = record(record(former.find((status) => text(status.name) === container.name)?.lastState).terminated)
    const id = idOf(ended.containerID)
    const endedNs = parseEventTime(text(ended.finishedAt) ?? '')
    if (id !== null && id !== container.containerId && endedNs !== undefined) yield* containerRecords(container, id, made, entity, endedNs)
  }
}

type Container = PodProperties['containers'][number]
function* containerRecords(container: Container, id: string, made: Made, entity: NewEntity, deletedNs: bigint | null): Iterable<NewRecord> {
  const pod = entity.properties as unknown as PodProperties
  const ref: EntityRef = { scope: made.ref.scope, kind: 'container', key: id }
  const shared = { observedNs: made.at, validFromNs: entity.validFromNs }
  const place = { podUid: pod.uid, podName: made.name, namespace: made.namespace, node: pod.node }
  const properties = { ...place, containerName: container.name, image: container.image }
  yield { kind: 'entity', entity: { ...ref, ...shared, name: container.name, namespace: made.namespace, deletedNs, properties } }
  yield relation(made.ref, 'HAS_CONTAINER', ref, made.at)
  yield* imageRecords(container, ref, shared)
}

/** By digest wherever the runtime says one: then it is the image that scanners speak of, in any cluster. */
function* imageRecords(
  { image, imageId }: Container,
  container: EntityRef,
  shared: Pick<NewEntity, 'observedNs' | 'validFromNs'>,
): Iterable<NewRecord> {
  const resource = containerImage({ image, imageId }, container.scope)
  if (resource === null) return
  const { kind: _kind, name, namespace, ...named } = resource
  const ref: EntityRef = { kind: 'image', ...named }
  yield { kind: 'entity', entity: { ...ref, ...shared, name, namespace, deletedNs: null, properties: { reference: image, imageId } } }
  yield relation(container, 'USES_IMAGE', ref, shared.observedNs)
  const aliases = imageAliases(
    { ...containerDigests(imageId), repoDigests: [image] },
    'kubernetes: what was asked for, and what runs',
    shared.observedNs,
  )
  for (const alias of aliases) yield { kind: 'alias', alias }
}
