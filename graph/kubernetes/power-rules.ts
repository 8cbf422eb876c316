/** Which rights, alone or together, take someone further, and to what: a table. How rights are found is in rights.ts, what comes of them in powers.ts. */
import type { EntityRef } from '../../domain/entity.ts'
import { everyOf } from '../../domain/graph.ts'
import type { FactCode } from '../facts.ts'
import { type Asked, identity, subjectsOf } from './rights.ts'
import type { World } from '../world.ts'

/** The step rules that rights give, by name. */
export type PowerName =
  | 'cluster-admin'
  | 'bind-or-escalate'
  | 'sign-certificate'
  | 'change-admission'
  | 'read-secrets'
  | 'create-pods'
  | 'exec-into-pods'
  | 'mint-token'
  | 'impersonate'
  | 'use-kubelet'

export const ask = (group: string, resource: string, ...verbs: string[]): Asked => ({ group, resource, verbs })
export const core = ''
const rbac = 'rbac.authorization.k8s.io'
const change = ['create', 'update', 'patch']
const bound = (asked: Asked): Asked => ({ ...asked, name: 'cluster-admin' })

type Reach = (world: World, namespace: string | null) => { to: EntityRef; what: string }[]
/** `needs`: all of them; of each any. */
export type PowerRule = { name: PowerName; code: FactCode; right: string; needs: Asked[][]; reach: Reach }

const within = (namespace: string | null): string => (namespace === null ? 'of the cluster' : `of namespace ${namespace}`)
const every =
  (kind: 'secret' | 'pod' | 'service_account', what: string): Reach =>
  ({ scope }, namespace) => [{ to: everyOf(scope, kind, namespace), what: `${what} ${within(namespace)}` }]
export const cluster =
  (what: string): Reach =>
  ({ scope }) => [{ to: { scope, kind: 'cluster', key: scope }, what }]
/** All there is in a namespace; who may in every one has the cluster. */
const whole: Reach = ({ scope }, namespace) => [
  namespace === null
    ? { to: { scope, kind: 'cluster', key: scope }, what: 'give itself every right in the cluster' }
    : { to: { scope, kind: 'namespace', key: namespace }, what: `give itself every right in namespace ${namespace}` },
]
const clusterOnly =
  (reach: Reach): Reach =>
  (world, namespace) =>
    namespace === null ? reach(world, namespace) : []

const ownPods: Reach = (world, namespace) => [
  { to: everyOf(world.scope, 'service_account', namespace), what: `run pods as any service account ${within(namespace)}` },
  { to: everyOf(world.scope, 'secret', namespace), what: `run pods that take in any Secret ${within(namespace)}` },
  ...(mayLeaveContainers(world, namespace)
    ? [{ to: everyOf(world.scope, 'node', null), what: 'run a pod that has the files of its node in it' }]
    : []),
]

/** Pod security admission refuses pods that lead to the node; where a namespace is not recorded nothing is known to refuse them. */
export function mayLeaveContainers({ namespaces }: World, namespace: string | null): boolean {
  const refuses = (labels: Readonly<Record<string, string>> | undefined): boolean =>
    ['baseline', 'restricted'].includes(labels?.['pod-security.kubernetes.io/enforce'] ?? '')
  if (namespace !== null) return !refuses(namespaces.get(namespace))
  return namespaces.size === 0 || [...namespaces.values()].some((labels) => !refuses(labels))
}

export const powerRules: readonly PowerRule[] = [
  {
    name: 'read-secrets',
    code: 'reads_secrets',
    right: 'read Secrets',
    needs: [[ask(core, 'secrets', 'get', 'list', 'watch')]],
    reach: every('secret', 'read every Secret'),
  },
  {
    name: 'create-pods',
    code: 'creates_pods',
    right: 'create pods',
    needs: [
      [
        ask(core, 'pods', 'create'),
        ask(core, 'replicationcontrollers', ...change),
        ...['deployments', 'daemonsets', 'statefulsets', 'replicasets'].map((resource) => ask('apps', resource, ...change)),
        ask('batch', 'jobs', 'create'),
        ask('batch', 'cronjobs', ...change),
      ],
    ],
    reach: ownPods,
  },
  {
    name: 'exec-into-pods',
    code: 'execs_into_pods',
    right: 'run commands in pods',
    needs: [
      [
        ask(core, 'pods/exec', 'create', 'get'),
        ask(core, 'pods/attach', 'create', 'get'),
        ask(core, 'pods/ephemeralcontainers', 'update', 'patch'),
        ask(core, 'pods', 'update', 'patch'),
      ],
    ],
    reach: every('pod', 'run commands in every pod'),
  },
  {
    name: 'use-kubelet',
    code: 'uses_kubelets',
    right: 'use kubelets',
    needs: [[ask(core, 'nodes/proxy', 'get', 'create')]],
    reach: clusterOnly(every('pod', 'run commands through the kubelet in every pod')),
  },
  {
    name: 'mint-token',
    code: 'mints_tokens',
    right: 'make tokens',
    needs: [[ask(core, 'serviceaccounts/token', 'create')]],
    reach: every('service_account', 'make tokens of every service account'),
  },
  {
    name: 'mint-token',
    code: 'mints_tokens',
    right: 'make token Secrets',
    needs: [[ask(core, 'secrets', 'create')], [ask(core, 'secrets', 'get', 'list', 'watch')]],
    reach: every('service_account', 'make Secrets with tokens of every service account'),
  },
  {
    name: 'impersonate',
    code: 'impersonates',
    right: 'impersonate accounts',
    needs: [[ask(core, 'serviceaccounts', 'impersonate')]],
    reach: every('service_account', 'act as every service account'),
  },
  {
    name: 'impersonate',
    code: 'impersonates',
    right: 'impersonate groups',
    needs: [
      [{ ...ask(core, 'groups', 'impersonate'), name: 'system:masters' }],
      [ask(core, 'users', 'impersonate'), ask(core, 'serviceaccounts', 'impersonate')],
    ],
    reach: clusterOnly(cluster('act as group system:masters')),
  },
  {
    name: 'impersonate',
    code: 'impersonates',
    right: 'impersonate users',
    needs: [[ask(core, 'users', 'impersonate')]],
    reach: clusterOnly((world) =>
      [...subjectsOf(world).values()].flatMap(({ kind, name, grants }) =>
        kind === 'User' && grants.length > 0 ? [{ to: identity(world.scope, 'User', name), what: `act as User ${name}` }] : [],
      ),
    ),
  },
  {
    name: 'bind-or-escalate',
    code: 'escalates_rights',
    right: 'bind roles',
    needs: [[ask(rbac, 'rolebindings', ...change)], [bound(ask(rbac, 'clusterroles', 'bind')), ask(rbac, 'roles', 'bind')]],
    reach: whole,
  },
  {
    name: 'bind-or-escalate',
    code: 'escalates_rights',
    right: 'bind roles everywhere',
    needs: [[ask(rbac, 'clusterrolebindings', ...change)], [bound(ask(rbac, 'clusterroles', 'bind'))]],
    reach: clusterOnly(whole),
  },
  {
    name: 'bind-or-escalate',
    code: 'escalates_rights',
    right: 'escalate roles',
    needs: [[ask(rbac, 'roles', ...change)], [ask(rbac, 'roles', 'escalate')]],
    reach: whole,
  },
  {
    name: 'bind-or-escalate',
    code: 'escalates_rights',
    right: 'escalate roles everywhere',
    needs: [[ask(rbac, 'clusterroles', ...change)], [ask(rbac, 'clusterroles', 'escalate')]],
    reach: clusterOnly(whole),
  },
  {
    name: 'sign-certificate',
    code: 'escalates_rights',
    right: 'sign certificates',
    needs: [
      [ask('certificates.k8s.io', 'certificatesigningrequests', 'create')],
      [ask('certificates.k8s.io', 'certificatesigningrequests/approval', 'update', 'patch')],
      [{ ...ask('certificates.k8s.io', 'signers', 'approve'), name: 'kubernetes.io/kube-apiserver-client' }],
    ],
    reach: clusterOnly(cluster('have a certificate signed for any user')),
  },
  {
    name: 'change-admission',
    code: 'changes_admission',
    right: 'change admission',
    needs: [[ask('admissionregistration.k8s.io', 'mutatingwebhookconfigurations', ...change)]],
    reach: clusterOnly(cluster('change whatever anyone creates in the cluster')),
  },
]
