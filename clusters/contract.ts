/**
 * What actions may ask of a cluster. Reading and writing are two clients: only the executor is ever given the second.
 * Requests are data (PlannedRequest), so that what a person approved is, byte for byte, what is sent.
 */
import { FalconerError } from '../domain/errors.ts'
import type { PlannedRequest } from '../domain/proposal.ts'

export type KubernetesJson = {
  apiVersion?: string
  kind?: string
  metadata: {
    name: string
    namespace?: string
    uid?: string
    resourceVersion?: string
    labels?: Record<string, string>
    annotations?: Record<string, string>
    ownerReferences?: { kind: string; name: string; uid: string; controller?: boolean }[]
  }
  spec?: Record<string, unknown>
  status?: Record<string, unknown>
}

export interface ReadClient {
  /** Null when there is no such object. */
  get(resource: string, namespace: string | null, name: string): Promise<KubernetesJson | null>
  list(resource: string, namespace: string | null, options?: { labelSelector?: string; fieldSelector?: string }): Promise<KubernetesJson[]>
  /** All of them, and the version at which the list was true: a watch goes on from there. */
  listAt(resource: string): Promise<{ items: KubernetesJson[]; resourceVersion: string }>
  podLog(namespace: string, name: string, container: string, options: { tailLines: number; limitBytes: number }): Promise<string>
}

export interface WriteClient {
  /** Sends one planned request. With `dryRun` the API server checks everything and changes nothing. */
  send(request: PlannedRequest, options?: { dryRun?: boolean }): Promise<KubernetesJson>
}

/** The API server's own refusal. `status` is the HTTP code: 404 gone, 409 conflict or precondition, 403 forbidden. */
export class KubernetesApiError extends FalconerError {
  readonly status: number
  constructor(status: number, message: string, options?: ErrorOptions) {
    super('kubernetes', message, options)
    this.status = status
  }
}

/** Connections of a pod as somebody observed them; `not_observed` where nobody does. */
export interface FlowObserver {
  connections(podUid: string): Promise<Flow[] | 'not_observed'>
}
export type Flow = { peer: string; port: number; direction: 'in' | 'out'; state: 'open' | 'closed' }

type Resource = { group: string; version: string; kind: string; namespaced: boolean }

/** Resources Falconer knows, by `plural[.group]`. */
export const resources: Readonly<Record<string, Resource>> = {
  pods: { group: '', version: 'v1', kind: 'Pod', namespaced: true },
  nodes: { group: '', version: 'v1', kind: 'Node', namespaced: false },
  namespaces: { group: '', version: 'v1', kind: 'Namespace', namespaced: false },
  services: { group: '', version: 'v1', kind: 'Service', namespaced: true },
  serviceaccounts: { group: '', version: 'v1', kind: 'ServiceAccount', namespaced: true },
  replicationcontrollers: { group: '', version: 'v1', kind: 'ReplicationController', namespaced: true },
  'deployments.apps': { group: 'apps', version: 'v1', kind: 'Deployment', namespaced: true },
  'replicasets.apps': { group: 'apps', version: 'v1', kind: 'ReplicaSet', namespaced: true },
  'statefulsets.apps': { group: 'apps', version: 'v1', kind: 'StatefulSet', namespaced: true },
  'daemonsets.apps': { group: 'apps', version: 'v1', kind: 'DaemonSet', namespaced: true },
  'jobs.batch': { group: 'batch', version: 'v1', kind: 'Job', namespaced: true },
  'cronjobs.batch': { group: 'batch', version: 'v1', kind: 'CronJob', namespaced: true },
  'networkpolicies.networking.k8s.io': { group: 'networking.k8s.io', version: 'v1', kind: 'NetworkPolicy', namespaced: true },
  'ingresses.networking.k8s.io': { group: 'networking.k8s.io', version: 'v1', kind: 'Ingress', namespaced: true },
  'roles.rbac.authorization.k8s.io': { group: 'rbac.authorization.k8s.io', version: 'v1', kind: 'Role', namespaced: true },
  'clusterroles.rbac.authorization.k8s.io': { group: 'rbac.authorization.k8s.io', version: 'v1', kind: 'ClusterRole', namespaced: false },
  'rolebindings.rbac.authorization.k8s.io': { group: 'rbac.authorization.k8s.io', version: 'v1', kind: 'RoleBinding', namespaced: true },
  'clusterrolebindings.rbac.authorization.k8s.io': {
    group: 'rbac.authorization.k8s.io',
    version: 'v1',
    kind: 'ClusterRoleBinding',
    namespaced: false,
  },
}

/** One part of an address. What would be another address, or none (`..` is the part above), is no name of an object in any cluster. */
export function segment(name: string): string {
  if (!name.isWellFormed()) throw new KubernetesApiError(404, 'no object has a name that is not well-formed Unicode')
  if (name === '' || name === '.' || name === '..') throw new KubernetesApiError(404, `no object has the name “${name}”`)
  return encodeURIComponent(name)
}

/** `/apis/apps/v1/namespaces/shop/deployments/checkout`; every part is encoded, so that a name is only ever a name. */
export function resourcePath(resource: string, namespace: string | null, name?: string): string {
  const known = resources[resource]
  if (known === undefined) throw new KubernetesApiError(400, `unknown resource ${resource}`)
  const root = known.group === '' ? `/api/${known.version}` : `/apis/${known.group}/${known.version}`
  const place = namespace === null ? '' : `/namespaces/${segment(namespace)}`
  return `${root}${place}/${resource.split('.')[0]}${name === undefined ? '' : `/${segment(name)}`}`
}
