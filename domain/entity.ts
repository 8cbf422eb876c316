/**
 * Entities and relations: nodes and edges of the security graph, as a collector saw them.
 * Only `origin: 'inventory'` rows may ever become the target of an action; text in an alert never creates one.
 */
import { z } from 'zod'

export const entityKinds = [
  'cluster',
  'node',
  'namespace',
  'workload',
  'pod',
  'container',
  'image',
  'service_account',
  'service',
  'network_policy',
  'ingress',
  'role',
  'role_binding',
  'secret',
  'package',
  'cloud_account',
  'cloud_resource',
  'identity',
  'internet',
  // Rows of the graph’s own making alone (meetingPoint).
  'endpoint',
  // Never rows: findings are what joins a resource to its CVE or control, and what only alerts saw makes no entity.
  'cve',
  'control',
  'process',
  'file',
] as const
export const EntityKind = z.enum(entityKinds)
export type EntityKind = z.infer<typeof EntityKind>

/** What the object of another kind brings along: not counted as observations of their own. */
export const comesAlong: ReadonlySet<EntityKind> = new Set(['container', 'image', 'cloud_account', 'cloud_resource', 'identity'])

export const relationTypes = [
  'CONTAINS',
  'RUNS_ON',
  'OWNS',
  'HAS_CONTAINER',
  'USES_IMAGE',
  'RUNS_AS',
  'SELECTS',
  'ROUTES_TO',
  'BINDS',
  'GRANTS',
  'MOUNTS',
  'HAS_PACKAGE',
  'ASSUMES',
  'EXPOSES',
  // Of findings and alerts, never rows.
  'AFFECTED_BY',
  'VIOLATES',
  'EXECUTED',
  'OPENED',
  'CONNECTED_TO',
] as const
export const RelationType = z.enum(relationTypes)
export type RelationType = z.infer<typeof RelationType>

/**
 * Names an entity before it has a row: kind + natural key inside a scope. Pods and workloads by UID, containers by full id, nodes and
 * namespaces by name, images by digest else reference. What other objects refer to by name alone (service accounts, roles, bindings,
 * services, ingresses, network policies, secrets) has the key namespace/Kind/name, as findings about it have.
 */
export const EntityRef = z.object({ scope: z.string(), kind: EntityKind, key: z.string() })
export type EntityRef = z.infer<typeof EntityRef>

export const NewEntity = EntityRef.extend({
  name: z.string(),
  namespace: z.string().nullable(),
  properties: z.record(z.string(), z.unknown()).describe('Per kind; PodProperties and friends below'),
  observedNs: z.bigint().describe('When the inventory saw it so'),
  validFromNs: z.bigint().describe('creationTimestamp, else first observation'),
  deletedNs: z.bigint().nullable().describe('When it was seen to be gone'),
})
export type NewEntity = z.infer<typeof NewEntity>

export const NewRelation = z.object({
  from: EntityRef,
  type: RelationType,
  to: EntityRef,
  observedNs: z.bigint(),
  properties: z.record(z.string(), z.unknown()).optional().describe('HAS_PACKAGE: paths, where in the image'),
})
export type NewRelation = z.infer<typeof NewRelation>

/**
 * Two natural keys of one entity: an image’s config digest and its manifest digest. It is a witness’s word, kept as a row of its own, so that
 * it can be taken back. The scope of an image by digest and of a package is "global".
 */
export const NewAlias = EntityRef.extend({
  alsoKey: z.string(),
  because: z.string().describe('Who says so: "trivy: RepoDigests"'),
  observedNs: z.bigint(),
})
export type NewAlias = z.infer<typeof NewAlias>

/** Seen again sooner than this after it was seen last, a relation, a sighting or a path is not written again. */
export const quarterHourNs = 900_000_000_000n

/** A stored entity. `id` is a bigint row id; `firstNs`..`lastNs` is when inventory knew it, `deletedNs` when it went. */
export type Entity = NewEntity & { id: bigint; origin: 'inventory' | 'derived'; sourceId: string | null; firstNs: bigint; lastNs: bigint }

export const DeclaredContainer = z.object({
  name: z.string(),
  image: z.string(),
  imageId: z.string().nullable(),
  containerId: z.string().nullable().describe('Full id without the runtime prefix'),
  command: z.array(z.string()),
  args: z.array(z.string()),
  privileged: z.boolean(),
  init: z.boolean(),
  /** Not there: recorded before these were looked at. Null: the object does not say, so what the cluster takes for granted holds. */
  security: z
    .object({
      capabilitiesAdded: z.array(z.string()),
      capabilitiesDropped: z.array(z.string()),
      runAsUser: z.number().nullable().describe('The pod’s where the container says none'),
      runAsNonRoot: z.boolean().nullable().describe('The pod’s where the container says none'),
      allowPrivilegeEscalation: z.boolean().nullable(),
      readOnlyRootFilesystem: z.boolean().nullable(),
    })
    .optional(),
  ports: z
    .array(z.object({ name: z.string().nullable(), port: z.number(), protocol: z.string(), hostPort: z.number().nullable() }))
    .optional(),
})
export type DeclaredContainer = z.infer<typeof DeclaredContainer>

/** A directory or file of the node that a pod has in it, and where. */
export const HostPath = z.object({
  path: z.string(),
  volume: z.string(),
  mounts: z.array(z.object({ container: z.string(), path: z.string(), readOnly: z.boolean() })),
})
export type HostPath = z.infer<typeof HostPath>

/** properties of kind 'pod'. */
export const PodProperties = z.object({
  uid: z.string(),
  phase: z.string().nullable(),
  node: z.string().nullable(),
  ip: z.string().nullable(),
  serviceAccount: z.string().nullable(),
  labels: z.record(z.string(), z.string()),
  annotations: z.record(z.string(), z.string()),
  hostNetwork: z.boolean(),
  hostPID: z.boolean(),
  hostIPC: z.boolean().optional(),
  automountServiceAccountToken: z.boolean().nullable().optional().describe('Null: what its service account says holds'),
  hostPaths: z.array(HostPath).optional(),
  secrets: z.array(z.string()).optional().describe('Names of the Secrets it takes in as files or environment'),
  containers: z.array(DeclaredContainer),
  owner: z.object({ kind: z.string(), name: z.string(), uid: z.string() }).nullable().describe('Nearest owner'),
  workload: z
    .object({ kind: z.string(), name: z.string(), uid: z.string() })
    .nullable()
    .describe('Top of the owner chain; itself null for a bare pod'),
})
export type PodProperties = z.infer<typeof PodProperties>
/** properties of kind 'workload'. */
export const WorkloadProperties = z.object({
  template: PodProperties.optional().describe('What its pods are made as; not there: recorded before this was looked at'),
  workloadKind: z.string().describe('Deployment, StatefulSet, DaemonSet, Job, CronJob, ReplicaSet'),
  uid: z.string(),
  replicas: z.number().nullable(),
  labels: z.record(z.string(), z.string()),
  annotations: z.record(z.string(), z.string()),
  owner: z.object({ kind: z.string(), name: z.string(), uid: z.string() }).nullable(),
})
export type WorkloadProperties = z.infer<typeof WorkloadProperties>
const Named = z.object({ kind: z.string(), name: z.string(), namespace: z.string().nullable() })
/** properties of kind 'role': a Role or a ClusterRole. */
export const RoleProperties = z.object({
  roleKind: z.string(),
  rules: z.array(
    z.object({
      apiGroups: z.array(z.string()),
      resources: z.array(z.string()),
      resourceNames: z.array(z.string()),
      nonResourceURLs: z.array(z.string()),
      verbs: z.array(z.string()),
    }),
  ),
})
export type RoleProperties = z.infer<typeof RoleProperties>
/** properties of kind 'role_binding': a RoleBinding or a ClusterRoleBinding. Users and groups are known only from here. */
export const RoleBindingProperties = z.object({ bindingKind: z.string(), role: Named.nullable(), subjects: z.array(Named) })
export type RoleBindingProperties = z.infer<typeof RoleBindingProperties>
/** properties of kind 'container'. */
export const ContainerProperties = z.object({
  podUid: z.string(),
  podName: z.string(),
  namespace: z.string(),
  containerName: z.string(),
  image: z.string(),
  node: z.string().nullable(),
})
export type ContainerProperties = z.infer<typeof ContainerProperties>

export const workloadKinds: readonly string[] = [
  'Deployment',
  'ReplicaSet',
  'StatefulSet',
  'DaemonSet',
  'Job',
  'CronJob',
  'ReplicationController',
]

/** A sensor reports a pod's last acts after inventory saw it go, and its clock may be off: this much on both sides. */
export const graceNs = 120_000_000_000n
/** Whether inventory knew it to exist at that moment of event time. */
export const existedAt = (entity: Pick<Entity, 'validFromNs' | 'deletedNs'>, atNs: bigint): boolean =>
  entity.validFromNs <= atNs + graceNs && (entity.deletedNs === null || entity.deletedNs >= atNs - graceNs)
