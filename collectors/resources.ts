/**
 * What findings are about, named alike whichever scanner speaks: the same image, object of Kubernetes or cloud resource has the same key.
 * Pure. Identity of images: the config digest, else the manifest digest (both are the same in every cluster), else the reference.
 */
import { isIdentityArn } from '../domain/cloud.ts'
import type { NewAlias } from '../domain/entity.ts'
import type { ResourceRef } from '../domain/finding.ts'

const digestPattern = /sha256:[0-9a-f]{64}/
/** The digest in `repo@sha256:…`, `docker-pullable://…` or by itself; null when there is none. */
export const digestIn = (text: string | null | undefined): string | null => digestPattern.exec(text ?? '')?.[0] ?? null

export type ImageNames = {
  /** Of its configuration: what Docker and scanners call the image’s id. */ configDigest?: string | null
  manifestDigest?: string | null
  reference: string
}

export function imageResource(names: ImageNames, scope: string): ResourceRef {
  const digest = digestIn(names.configDigest) ?? digestIn(names.manifestDigest) ?? digestIn(names.reference)
  const name = names.reference === '' ? (digest ?? 'image') : names.reference
  return digest === null
    ? { kind: 'image', scope, key: fullReference(name), name, namespace: null }
    : { kind: 'image', scope: 'global', key: digest, name, namespace: null }
}

/**
 * What a container runs, by what its status says or, before it ran, by what it asks for. `repository@sha256:…` is what was pulled; a digest by itself
 * is the image’s configuration. Null: it names none.
 */
export const containerDigests = (imageId: string | null): Omit<ImageNames, 'reference'> =>
  imageId?.includes('@') === true ? { manifestDigest: imageId } : { configDigest: imageId }
export const containerImage = ({ image, imageId }: { image: string; imageId: string | null }, scope: string): ResourceRef | null =>
  (image === '' && digestIn(imageId) === null) || image.length > longestImage
    ? null
    : imageResource({ ...containerDigests(imageId), reference: image }, scope)
/** A repository’s name is at most 255 characters, a tag 128, a digest 71. */
const longestImage = 512

/** `nginx`, `library/nginx:latest` and `index.docker.io/library/nginx:latest` are one image. */
function fullReference(reference: string): string {
  const own = reference.replace(/^(?:index\.|registry-1\.)?docker\.io\//, '').replace(/^library\/(?=[^/]+$)/, '')
  const last = own.slice(own.lastIndexOf('/') + 1)
  return /^[\w.-]+$/.test(last) && !/\.tar(\.gz)?$/.test(last) ? `${own}:latest` : own
}

/** That the digests a scanner gives are one image: its key first. `because`: who says so. */
export function imageAliases(
  names: Omit<ImageNames, 'reference'> & { repoDigests?: readonly string[] },
  because: string,
  observedNs: bigint,
): NewAlias[] {
  const digests = [names.configDigest, names.manifestDigest, ...(names.repoDigests ?? [])].map(digestIn).filter((one) => one !== null)
  const [key, ...others] = [...new Set(digests)]
  return key === undefined ? [] : others.map((alsoKey) => ({ scope: 'global', kind: 'image', key, alsoKey, because, observedNs }))
}

/** The cluster itself: in every scope there is one. `name`: as its scanner calls it. */
export const clusterResource = (scope: string, name?: string | null): ResourceRef => ({
  kind: 'cluster',
  scope,
  key: scope,
  name: name == null || name === '' ? scope : name,
  namespace: null,
})

/** A file in an image, a repository or a folder: secrets and misconfigurations are found in files. */
export function fileResource(path: string, within: ResourceRef): ResourceRef {
  const own = path.replace(/^(?:\.?\/)+/, '')
  return own === '' ? within : { kind: 'file', scope: within.scope, key: `${within.key}:${own}`, name: own, namespace: null }
}

const kinds = new Map<string, ResourceRef['kind']>(
  Object.entries({
    Deployment: 'workload',
    ReplicaSet: 'workload',
    StatefulSet: 'workload',
    DaemonSet: 'workload',
    Job: 'workload',
    CronJob: 'workload',
    ReplicationController: 'workload',
    Pod: 'pod',
    ServiceAccount: 'service_account',
    Role: 'role',
    ClusterRole: 'role',
    Service: 'service',
    Ingress: 'ingress',
    NetworkPolicy: 'network_policy',
    Secret: 'secret',
    Node: 'node',
    Namespace: 'namespace',
  } as const),
)
const clusterWide = new Set(['Node', 'Namespace', 'ClusterRole', 'ClusterRoleBinding', 'PersistentVolume', 'CustomResourceDefinition'])

/** An object of Kubernetes, as `namespace/Kind/name`; what has no namespace, or is in none, as `-/Kind/name`. */
export function kubernetesResource(object: { kind: string; namespace: string | null; name: string }, scope: string): ResourceRef {
  const namespace = clusterWide.has(object.kind) || object.namespace === '' ? null : object.namespace
  return {
    kind: kinds.get(object.kind) ?? 'kubernetes_object',
    scope,
    key: `${namespace ?? '-'}/${object.kind}/${object.name}`,
    name: object.name,
    namespace,
  }
}

/** A resource of a cloud, or an identity in it: by its ARN (or the provider’s own full id) wherever there is one, else by name within its account. */
export function cloudResource(id: string, name: string, scope: string): ResourceRef {
  const global = /^arn:aws[\w-]*:|^\/subscriptions\/|^\/\/[\w.-]+\.googleapis\.com\//.test(id)
  return { kind: isIdentityArn(id) ? 'identity' : 'cloud_resource', scope: global ? 'global' : scope, key: id, name, namespace: null }
}
