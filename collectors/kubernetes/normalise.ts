/** From one Kubernetes object to entities and relations. Pure; what it cannot know (the far end of an owner chain) it leaves to the relations. */
import type { EntityKind, EntityRef, NewEntity, NewRelation, RelationType } from '../../domain/entity.ts'
import { type PodProperties, workloadKinds, type WorkloadProperties } from '../../domain/entity.ts'
import { InputError } from '../../domain/errors.ts'
import { parseEventTime } from '../../domain/event-time.ts'
import type { NewRecord, Piece, SourceContext } from '../collector.ts'
import type { KubernetesObject } from './kubernetes.ts'

type Json = Record<string, unknown>
const record = (value: unknown): Json => (value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Json) : {})
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])
const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null)
const strings = (value: unknown): Record<string, string> =>
  Object.fromEntries(Object.entries(record(value)).filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
const texts = (value: unknown): string[] => list(value).filter((part): part is string => typeof part === 'string')

const singleKinds: Readonly<Record<string, EntityKind>> = {
  Node: 'node',
  Namespace: 'namespace',
  Pod: 'pod',
  Service: 'service',
  ServiceAccount: 'service_account',
  NetworkPolicy: 'network_policy',
}

const longestName = 253
/** A repository’s name is at most 255 characters, a tag 128, a digest 71. */
const longestImage = 512

type Made = { uid: string | null; name: string; namespace: string | null; ref: EntityRef; at: bigint }

export function* normaliseObject(
  raw: KubernetesObject,
  _piece: Piece,
  source: SourceContext,
  deletedNs: bigint | null = null,
): Iterable<NewRecord> {
  const { kind } = raw
  if (kind === undefined) throw new InputError('not a Kubernetes object: it has no "kind"')
  const entityKind = workloadKinds.includes(kind) ? 'workload' : singleKinds[kind]
  if (entityKind === undefined) return
  const metadata = record(raw.metadata)
  const name = text(metadata.name) ?? text(metadata.generateName)
  if (name === null) throw new InputError(`this ${kind} has no metadata.name`)
  const uid = text(metadata.uid)
  for (const [field, value] of [
    ['name', name],
    ['namespace', metadata.namespace],
    ['uid', uid],
  ] as const)
    if (typeof value === 'string' && value.length > longestName)
      throw new InputError(`the metadata.${field} of this ${kind} is longer than ${longestName} characters, which no cluster accepts`)
  const namespace = entityKind === 'node' || entityKind === 'namespace' ? null : (text(metadata.namespace) ?? 'default')
  const key = entityKind === 'node' || entityKind === 'namespace' ? name : (uid ?? `manifest/${kind}/${namespace}/${name}`)
  const made: Made = { uid, name, namespace, ref: { scope: source.scope, kind: entityKind, key }, at: source.receivedNs }
  const created = parseEventTime(text(metadata.creationTimestamp) ?? '') ?? source.receivedNs
  const properties = {
    ...propertiesOf(kind, raw, metadata),
    ...(uid === null && entityKind !== 'node' && entityKind !== 'namespace' ? { declaredOnly: true } : {}),
  }
  const entity: NewEntity = {
    ...made.ref,
    name,
    namespace,
    properties,
    observedNs: source.receivedNs,
    validFromNs: created < source.receivedNs ? created : source.receivedNs,
    deletedNs: deletedNs ?? endOf(kind, raw),
  }
  yield { kind: 'entity', entity }
  if (namespace !== null) yield relation({ scope: source.scope, kind: 'namespace', key: namespace }, 'CONTAINS', made.ref, made.at)
  if (uid === null && entityKind !== 'node' && entityKind !== 'namespace') return
  yield* ownerRelations(metadata, made)
  if (kind === 'Pod') yield* podRecords(raw, made, entity)
}

const relation = (from: EntityRef, type: RelationType, to: EntityRef, observedNs: bigint): NewRecord => ({
  kind: 'relation',
  relation: { from, type, to, observedNs } satisfies NewRelation,
})

/** A pod that ended no longer exists as a place, though its object may linger. */
function endOf(kind: string, raw: KubernetesObject): bigint | null {
  if (kind !== 'Pod') return null
  const status = record(raw.status)
  if (status.phase !== 'Succeeded' && status.phase !== 'Failed') return null
  const ends = list(status.containerStatuses)
    .map((container) => parseEventTime(text(record(record(record(container).state).terminated).finishedAt) ?? ''))
    .filter((end): end is bigint => end !== undefined)
  return ends.length === 0 ? null : ends.reduce((latest, end) => (end > latest ? end : latest))
}

function* ownerRelations(metadata: Json, made: Made): Iterable<NewRecord> {
  for (const owner of list(metadata.ownerReferences).map(record)) {
    const uid = text(owner.uid)
    if (uid !== null && workloadKinds.includes(String(owner.kind)))
      yield relation({ scope: made.ref.scope, kind: 'workload', key: uid }, 'OWNS', made.ref, made.at)
  }
}

function ownerOf(metadata: Json): PodProperties['owner'] {
  const owners = list(metadata.ownerReferences).map(record)
  const owner = owners.find((candidate) => candidate.controller === true) ?? owners[0]
  const uid = text(owner?.uid)
  const name = text(owner?.name)
  return owner === undefined || uid === null || name === null ? null : { kind: String(owner.kind), name, uid }
}

function propertiesOf(kind: string, raw: KubernetesObject, metadata: Json): Json {
  const common = { labels: strings(metadata.labels), annotations: kept(strings(metadata.annotations)) }
  if (kind === 'Pod') return podProperties(raw, metadata)
  const spec = record(raw.spec)
  if (workloadKinds.includes(kind)) {
    const replicas = typeof spec.replicas === 'number' ? spec.replicas : null
    return { ...common, workloadKind: kind, uid: text(metadata.uid) ?? '', replicas, owner: ownerOf(metadata) } satisfies WorkloadProperties
  }
  if (kind === 'Node')
    return {
      ...common,
      uid: text(metadata.uid),
      unschedulable: spec.unschedulable === true,
      kubeletVersion: text(record(record(raw.status).nodeInfo).kubeletVersion),
    }
  if (kind === 'Service')
    return { ...common, type: text(spec.type) ?? 'ClusterIP', selector: strings(spec.selector), clusterIP: text(spec.clusterIP) }
  if (kind === 'NetworkPolicy') return { ...common, podSelector: record(spec.podSelector), policyTypes: texts(spec.policyTypes) }
  return common
}

/** kubectl’s own annotation repeats the whole object, environment values included. */
const kept = (annotations: Record<string, string>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(annotations).filter(
      ([name, value]) => name !== 'kubectl.kubernetes.io/last-applied-configuration' && value.length <= 512,
    ),
  )

const statusesOf = (status: Json): Json[] =>
  [...list(status.containerStatuses), ...list(status.initContainerStatuses), ...list(status.ephemeralContainerStatuses)].map(record)
/** Without the runtime’s prefix, `containerd://`. */
const idOf = (value: unknown): string | null => text(value)?.replace(/^[a-z-]+:\/\//, '') ?? null

function podProperties(raw: KubernetesObject, metadata: Json): PodProperties {
  const spec = record(raw.spec)
  const status = record(raw.status)
  const owner = ownerOf(metadata)
  const statuses = new Map(statusesOf(status).map((entry) => [text(entry.name), entry]))
  const container =
    (init: boolean) =>
    (entry: unknown): PodProperties['containers'][number] => {
      const declared = record(entry)
      const name = text(declared.name) ?? ''
      const seen = statuses.get(name)
      return {
        name,
        image: text(declared.image) ?? '',
        imageId: text(seen?.imageID),
        containerId: idOf(seen?.containerID),
        command: texts(declared.command),
        args: texts(declared.args),
        privileged: record(declared.securityContext).privileged === true,
        init,
      }
    }
  return {
    uid: text(metadata.uid) ?? '',
    phase: text(status.phase),
    node: text(spec.nodeName),
    ip: text(status.podIP),
    serviceAccount: text(spec.serviceAccountName),
    labels: strings(metadata.labels),
    annotations: kept(strings(metadata.annotations)),
    hostNetwork: spec.hostNetwork === true,
    hostPID: spec.hostPID === true,
    // Those of `kubectl debug` are as good a place for an intruder as any.
    containers: [
      ...[...list(spec.containers), ...list(spec.ephemeralContainers)].map(container(false)),
      ...list(spec.initContainers).map(container(true)),
    ],
    owner,
    workload: owner,
  }
}

function* podRecords(raw: KubernetesObject, made: Made, entity: NewEntity): Iterable<NewRecord> {
  const pod = entity.properties as unknown as PodProperties
  if (pod.node !== null) yield relation(made.ref, 'RUNS_ON', { scope: made.ref.scope, kind: 'node', key: pod.node }, made.at)
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

function* containerRecords(
  container: PodProperties['containers'][number],
  id: string,
  made: Made,
  entity: NewEntity,
  deletedNs: bigint | null,
): Iterable<NewRecord> {
  const pod = entity.properties as unknown as PodProperties
  const ref: EntityRef = { scope: made.ref.scope, kind: 'container', key: id }
  const shared = { observedNs: made.at, validFromNs: entity.validFromNs }
  const place = { podUid: pod.uid, podName: made.name, namespace: made.namespace, node: pod.node }
  const properties = { ...place, containerName: container.name, image: container.image }
  yield { kind: 'entity', entity: { ...ref, ...shared, name: container.name, namespace: made.namespace, deletedNs, properties } }
  yield relation(made.ref, 'HAS_CONTAINER', ref, made.at)
  const key = idOf(container.imageId) ?? container.image
  if (key === '' || key.length > longestImage) return
  const image: EntityRef = { scope: made.ref.scope, kind: 'image', key }
  const reference = { reference: container.image, imageId: container.imageId }
  yield {
    kind: 'entity',
    entity: { ...image, ...shared, name: container.image.slice(0, longestImage), namespace: null, deletedNs: null, properties: reference },
  }
  yield relation(ref, 'USES_IMAGE', image, made.at)
}
