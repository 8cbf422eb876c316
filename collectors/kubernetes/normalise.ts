/**
 * From one Kubernetes object to entities and relations. Pure; what it cannot know (the far end of an owner chain, whether what a name
 * refers to exists) it leaves to the relations. Whom a selector selects (SELECTS) is left to the graph: it changes with every pod.
 */
import type { EntityKind, NewEntity, RoleBindingProperties, WorkloadProperties } from '../../domain/entity.ts'
import { workloadKinds } from '../../domain/entity.ts'
import { InputError } from '../../domain/errors.ts'
import { parseEventTime } from '../../domain/event-time.ts'
import type { NewRecord, Piece, SourceContext } from '../collector.ts'
import { kubernetesResource } from '../resources.ts'
import { bindingProperties, bindingRelations, roleProperties } from './access.ts'
import { type Json, list, type Made, number, record, relation, text, texts, truth } from './fields.ts'
import type { KubernetesObject } from './kubernetes.ts'
import { labelsAndAnnotations, ownerOf } from './metadata.ts'
import { ingressProperties, ingressRelations, networkPolicyProperties, serviceProperties } from './network.ts'
import { podRecords } from './places.ts'
import { podProperties } from './pod.ts'

/** What a kind of object becomes; `named`: what its key is made of. */
const shapes: Readonly<Record<string, { entity: EntityKind; named: 'uid' | 'name' | 'namespace/Kind/name'; clusterWide?: true }>> = {
  Node: { entity: 'node', named: 'name', clusterWide: true },
  Namespace: { entity: 'namespace', named: 'name', clusterWide: true },
  Pod: { entity: 'pod', named: 'uid' },
  ...Object.fromEntries(workloadKinds.map((kind) => [kind, { entity: 'workload', named: 'uid' } as const])),
  Service: { entity: 'service', named: 'namespace/Kind/name' },
  Ingress: { entity: 'ingress', named: 'namespace/Kind/name' },
  NetworkPolicy: { entity: 'network_policy', named: 'namespace/Kind/name' },
  ServiceAccount: { entity: 'service_account', named: 'namespace/Kind/name' },
  Secret: { entity: 'secret', named: 'namespace/Kind/name' },
  Role: { entity: 'role', named: 'namespace/Kind/name' },
  ClusterRole: { entity: 'role', named: 'namespace/Kind/name', clusterWide: true },
  RoleBinding: { entity: 'role_binding', named: 'namespace/Kind/name' },
  ClusterRoleBinding: { entity: 'role_binding', named: 'namespace/Kind/name', clusterWide: true },
}

export const entityKindOf = (kind: string): EntityKind | undefined => (Object.hasOwn(shapes, kind) ? shapes[kind]?.entity : undefined)

const longestName = 253

export function* normaliseObject(
  raw: KubernetesObject,
  _piece: Piece,
  source: SourceContext,
  deletedNs: bigint | null = null,
): Iterable<NewRecord> {
  const { kind } = raw
  if (kind === undefined) throw new InputError('not a Kubernetes object: it has no "kind"')
  if (entityKindOf(kind) === undefined) return
  const metadata = record(raw.metadata)
  const made = identityOf(kind, metadata, source)
  const declared = made.uid === null && shapes[kind]?.named !== 'name'
  const created = parseEventTime(text(metadata.creationTimestamp) ?? '') ?? source.receivedNs
  const entity: NewEntity = {
    ...made.ref,
    name: made.name,
    namespace: made.namespace,
    properties: { ...propertiesOf(kind, raw, metadata, made), ...(declared ? { declaredOnly: true } : {}) },
    observedNs: source.receivedNs,
    validFromNs: created < source.receivedNs ? created : source.receivedNs,
    deletedNs: deletedNs ?? endOf(kind, raw),
  }
  yield { kind: 'entity', entity }
  if (made.namespace !== null)
    yield relation({ scope: source.scope, kind: 'namespace', key: made.namespace }, 'CONTAINS', made.ref, made.at)
  if (declared) return
  yield* ownerRelations(metadata, made)
  if (kind === 'Pod') yield* podRecords(raw, made, entity)
  if (made.ref.kind === 'role_binding') yield* bindingRelations(entity.properties as unknown as RoleBindingProperties, made)
  if (kind === 'Ingress') yield* ingressRelations(ingressProperties(record(raw.spec)).routes, made)
}

function identityOf(kind: string, metadata: Json, { scope, receivedNs }: SourceContext): Made {
  const name = text(metadata.name) ?? text(metadata.generateName)
  if (name === null) throw new InputError(`this ${kind} has no metadata.name`)
  const uid = text(metadata.uid)
  for (const [field, value] of Object.entries({ name, namespace: metadata.namespace, uid }))
    if (typeof value === 'string' && value.length > longestName)
      throw new InputError(`the metadata.${field} of this ${kind} is longer than ${longestName} characters, which no cluster accepts`)
  const { entity = 'pod', named, clusterWide } = shapes[kind] ?? {}
  const namespace = clusterWide === true ? null : (text(metadata.namespace) ?? 'default')
  const byName = named === 'name' ? name : kubernetesResource({ kind, namespace, name }, scope).key
  // A manifest never stands for what a cluster reported under the same name.
  const key = named === 'name' ? name : uid === null ? `manifest/${kind}/${namespace ?? '-'}/${name}` : named === 'uid' ? uid : byName
  return { uid, name, namespace, ref: { scope, kind: entity, key }, at: receivedNs }
}

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
    if (uid !== null && workloadKinds.includes(text(owner.kind) ?? ''))
      yield relation({ scope: made.ref.scope, kind: 'workload', key: uid }, 'OWNS', made.ref, made.at)
  }
}

function propertiesOf(kind: string, raw: KubernetesObject, metadata: Json, made: Made): Json {
  const spec = record(raw.spec)
  // Of a Secret nothing but its name: what people write into its annotations may be what is in it.
  if (kind === 'Secret') return { uid: made.uid }
  if (kind === 'Pod') return podProperties(raw, metadata)
  const common = { ...labelsAndAnnotations(metadata), uid: made.uid }
  if (workloadKinds.includes(kind))
    return {
      ...common,
      workloadKind: kind,
      uid: made.uid ?? '',
      replicas: number(spec.replicas),
      owner: ownerOf(metadata),
      ...templateOf(kind, spec),
    } satisfies WorkloadProperties
  switch (kind) {
    case 'Node':
      return { ...common, ...nodeProperties(spec, record(raw.status)) }
    case 'Service':
      return { ...common, ...serviceProperties(spec, record(raw.status)) }
    case 'Ingress':
      return { ...common, ...ingressProperties(spec) }
    case 'NetworkPolicy':
      return { ...common, ...networkPolicyProperties(spec) }
    case 'ServiceAccount':
      return { ...common, automountServiceAccountToken: truth(raw.automountServiceAccountToken) }
    case 'Role':
    case 'ClusterRole':
      return { ...common, ...roleProperties(kind, raw) }
    case 'RoleBinding':
    case 'ClusterRoleBinding':
      return { ...common, ...bindingProperties(kind, raw, made.namespace) }
    default:
      return common
  }
}

/** What its pods are made as: of a CronJob, what the pods of its jobs are. It has no name of its own, no node and no state. */
function templateOf(kind: string, spec: Json): Pick<WorkloadProperties, 'template'> {
  const template = record((kind === 'CronJob' ? record(record(spec.jobTemplate).spec) : spec).template)
  return Object.keys(record(template.spec)).length === 0
    ? {}
    : { template: podProperties({ spec: template.spec }, { ...record(template.metadata), uid: null, ownerReferences: [] }) }
}

const nodeProperties = (spec: Json, status: Json): Json => ({
  unschedulable: spec.unschedulable === true,
  kubeletVersion: text(record(status.nodeInfo).kubeletVersion),
  containerRuntime: text(record(status.nodeInfo).containerRuntimeVersion),
  osImage: text(record(status.nodeInfo).osImage),
  providerId: text(spec.providerID),
  addresses: texts(list(status.addresses).map((address) => record(address).address)),
})
