/** The ClusterRoles for people that Kubernetes itself makes in every cluster, as far as steps ask: what a binding to one gives where no record of it is. */
import type { RoleProperties } from '../../domain/entity.ts'

type Rule = RoleProperties['rules'][number]
const rule = (apiGroups: string[], resources: string[], verbs: string[]): Rule => ({
  apiGroups,
  resources,
  verbs,
  resourceNames: [],
  nonResourceURLs: [],
})

const writing = ['create', 'delete', 'deletecollection', 'patch', 'update']
const edit: Rule[] = [
  rule([''], ['pods/attach', 'pods/exec', 'pods/portforward', 'pods/proxy', 'secrets', 'services/proxy'], ['get', 'list', 'watch']),
  rule([''], ['serviceaccounts'], ['impersonate']),
  rule([''], ['pods', 'pods/attach', 'pods/exec', 'pods/portforward', 'pods/proxy'], writing),
  rule([''], ['configmaps', 'persistentvolumeclaims', 'replicationcontrollers', 'secrets', 'serviceaccounts', 'services'], writing),
  rule([''], ['serviceaccounts/token'], ['create']),
  rule(['apps'], ['daemonsets', 'deployments', 'replicasets', 'statefulsets'], writing),
  rule(['batch'], ['cronjobs', 'jobs'], writing),
]

export const builtInRoles: Readonly<Record<string, readonly Rule[]>> = Object.assign(Object.create(null) as object, {
  'cluster-admin': [rule(['*'], ['*'], ['*'])],
  admin: [...edit, rule(['rbac.authorization.k8s.io'], ['rolebindings', 'roles'], [...writing, 'get', 'list', 'watch'])],
  edit,
  // Reads all but Secrets.
  view: [],
})
