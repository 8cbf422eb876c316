import { describe, expect, it } from 'vitest'
import { type Json, named, worldOf } from '../../test/support/graph-world.ts'
import { powersOf } from './powers.ts'
import { subjectsOf } from './rights.ts'

const rule = (resources: string | string[], verbs: string, over: Json = {}): Json => ({
  apiGroups: [''],
  resources: [resources].flat(),
  verbs: verbs.split(' '),
  ...over,
})
const rbac = { apiGroups: ['rbac.authorization.k8s.io'] }
const robot = { kind: 'ServiceAccount', name: 'robot', namespace: 'default' }
const role = (rules: Json[]): Json => named('ClusterRole', 'r', { rules })
const wide = (name: string, subjects: Json[] = [robot]): Json =>
  named('ClusterRoleBinding', `wide-${name}`, { roleRef: { kind: 'ClusterRole', name }, subjects })
const narrow = (name: string, subjects: Json[] = [robot], kind = 'ClusterRole'): Json =>
  named('RoleBinding', `narrow-${name}`, { roleRef: { kind, name }, subjects })
const may = (...objects: Json[]): string[] => {
  const world = worldOf([named('ServiceAccount', 'robot'), ...objects], null)
  const subjects = [...subjectsOf(world).values()]
  return [
    ...new Set(
      subjects.flatMap((one) => powersOf(world, one).map(({ name, to }) => `${one.kind} ${one.name} ${name} → ${to.kind} ${to.key}`)),
    ),
  ].sort()
}
const robotMay = (...objects: Json[]): string[] => may(...objects).map((one) => one.replace('ServiceAccount robot ', ''))

describe('rights that take someone further', () => {
  it.each<[string, Json[], string[]]>([
    ['get Secrets everywhere', [role([rule('secrets', 'get')]), wide('r')], ['read-secrets → secret -/Secret/*']],
    ['watch Secrets in a namespace', [role([rule('secrets', 'watch')]), narrow('r')], ['read-secrets → secret default/Secret/*']],
    ['write Secrets', [role([rule('secrets', 'update patch delete')]), wide('r')], []],
    [
      'one Secret by name',
      [role([rule('secrets', 'get', { resourceNames: ['db'] })]), narrow('r')],
      ['read-secrets → secret default/Secret/db'],
    ],
    ['Secrets of another API group', [role([rule('secrets', 'get', { apiGroups: ['x'] })]), wide('r')], []],
    [
      'all of the core group, as a wildcard',
      [role([rule('*', 'get')]), narrow('r')],
      ['exec-into-pods → pod default/Pod/*', 'read-secrets → secret default/Secret/*'],
    ],
    ['exec', [role([rule('pods/exec', 'create')]), narrow('r')], ['exec-into-pods → pod default/Pod/*']],
    ['exec as any subresource of that name', [role([rule('*/exec', 'create')]), narrow('r')], ['exec-into-pods → pod default/Pod/*']],
    ['pods/*, which covers nothing', [role([rule('pods/*', 'create')]), narrow('r')], []],
    ['attach and debugging containers', [role([rule('pods/ephemeralcontainers', 'patch')]), wide('r')], ['exec-into-pods → pod -/Pod/*']],
    [
      'create pods',
      [role([rule('pods', 'create')]), narrow('r')],
      ['create-pods → node -/Node/*', 'create-pods → secret default/Secret/*', 'create-pods → service_account default/ServiceAccount/*'],
    ],
    [
      'patch DaemonSets',
      [role([rule('daemonsets', 'patch', { apiGroups: ['apps'] })]), narrow('r')],
      ['create-pods → node -/Node/*', 'create-pods → secret default/Secret/*', 'create-pods → service_account default/ServiceAccount/*'],
    ],
    [
      'make tokens',
      [role([rule('serviceaccounts/token', 'create')]), narrow('r')],
      ['mint-token → service_account default/ServiceAccount/*'],
    ],
    [
      'make tokens of one account',
      [role([rule('serviceaccounts/token', 'create', { resourceNames: ['ci'] })]), narrow('r')],
      ['mint-token → service_account default/ServiceAccount/ci'],
    ],
    [
      'impersonate accounts',
      [role([rule('serviceaccounts', 'impersonate')]), narrow('r')],
      ['impersonate → service_account default/ServiceAccount/*'],
    ],
    ['impersonate users and groups', [role([rule(['users', 'groups'], 'impersonate')]), wide('r')], ['impersonate → cluster lab']],
    ['impersonate groups, and nobody to be in them', [role([rule('groups', 'impersonate')]), wide('r')], []],
    [
      'bind in a namespace',
      [role([rule('rolebindings', 'create', rbac), rule('clusterroles', 'bind', rbac)]), narrow('r')],
      ['bind-or-escalate → namespace default'],
    ],
    [
      'bind cluster-admin by name',
      [
        role([rule('clusterrolebindings', 'create', rbac), rule('clusterroles', 'bind', { ...rbac, resourceNames: ['cluster-admin'] })]),
        wide('r'),
      ],
      ['bind-or-escalate → cluster lab'],
    ],
    ['write bindings without the right to bind', [role([rule(['rolebindings', 'clusterrolebindings'], 'create', rbac)]), wide('r')], []],
    ['escalate roles', [role([rule('clusterroles', 'update escalate', rbac)]), wide('r')], ['bind-or-escalate → cluster lab']],
    ['kubelets', [role([rule('nodes/proxy', 'get')]), wide('r')], ['use-kubelet → pod -/Pod/*']],
    ['kubelets in a namespace, where there are none', [role([rule('nodes/proxy', 'get')]), narrow('r')], []],
    [
      'change admission',
      [role([rule('mutatingwebhookconfigurations', 'patch', { apiGroups: ['admissionregistration.k8s.io'] })]), wide('r')],
      ['change-admission → cluster lab'],
    ],
    [
      'ask for certificates and approve them',
      [
        role([
          rule(['certificatesigningrequests', 'certificatesigningrequests/approval', 'signers'], 'create update approve', {
            apiGroups: ['certificates.k8s.io'],
          }),
        ]),
        wide('r'),
      ],
      ['sign-certificate → cluster lab'],
    ],
    ['everything', [wide('cluster-admin')], ['cluster-admin → cluster lab']],
    ['view', [wide('view')], []],
    ['a role that is not there', [wide('gone')], []],
  ])('%s', (_what, objects, expected) => {
    expect(robotMay(...objects)).toEqual(expected)
  })

  it('two roles together give what neither gives alone', () => {
    const writes = named('ClusterRole', 'writes', { rules: [rule('rolebindings', 'create', rbac)] })
    const binds = named('ClusterRole', 'binds', { rules: [rule('clusterroles', 'bind', rbac)] })
    expect(robotMay(writes, binds, narrow('writes'), wide('binds'))).toEqual(['bind-or-escalate → namespace default'])
    expect(robotMay(writes, binds, wide('writes'), wide('binds'))).toEqual(['bind-or-escalate → cluster lab'])
  })

  it('edit in a namespace, which every cluster defines, is nearly all of it', () => {
    expect(new Set(robotMay(narrow('edit')).map((one) => one.split(' ')[0]))).toEqual(
      new Set(['create-pods', 'exec-into-pods', 'impersonate', 'mint-token', 'read-secrets']),
    )
  })

  it('a recorded role of that name is what it says, not what clusters usually have', () => {
    expect(robotMay(named('ClusterRole', 'edit', { rules: [] }), narrow('edit'))).toEqual([])
  })

  it('groups and users have theirs', () => {
    const secrets = role([rule('secrets', 'list')])
    expect(
      may(
        secrets,
        wide('r', [
          { kind: 'Group', name: 'system:serviceaccounts' },
          { kind: 'User', name: 'ada' },
        ]),
      ),
    ).toEqual(['Group system:serviceaccounts read-secrets → secret -/Secret/*', 'User ada read-secrets → secret -/Secret/*'])
  })

  it('pods of one’s own lead to no node where admission refuses those that would', () => {
    const refusing = {
      kind: 'Namespace',
      metadata: { name: 'default', uid: 'u', labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
    }
    const pods = [role([rule('pods', 'create')]), refusing]
    expect(robotMay(...pods, narrow('r')).filter((one) => one.includes('node'))).toEqual([])
    expect(robotMay(...pods, wide('r')).filter((one) => one.includes('node'))).toEqual([])
    const other = { kind: 'Namespace', metadata: { name: 'other', uid: 'o' } }
    expect(robotMay(...pods, other, wide('r')).filter((one) => one.includes('node'))).toHaveLength(1)
  })

  it('is shown by the binding and the rule, and undone by the binding', () => {
    const world = worldOf([role([rule('pods', 'list'), rule('secrets', 'list')]), wide('r')], null)
    const [power] = [...subjectsOf(world).values()].flatMap((one) => powersOf(world, one))
    expect(power?.evidence).toEqual([
      {
        entity: { scope: 'lab', kind: 'role_binding', key: '-/ClusterRoleBinding/wide-r' },
        path: 'properties.subjects',
        value: 'ServiceAccount default/robot',
      },
      {
        entity: { scope: 'lab', kind: 'role_binding', key: '-/ClusterRoleBinding/wide-r' },
        path: 'properties.role',
        value: 'ClusterRole r',
      },
      { entity: { scope: 'lab', kind: 'role', key: '-/ClusterRole/r' }, path: 'properties.rules[1]', value: 'list secrets' },
    ])
    expect(power?.fix).toMatchObject({ key: 'binding/ClusterRoleBinding wide-r', on: { kind: 'role_binding' } })
  })

  it('that two bindings give is undone by neither alone', () => {
    const world = worldOf(
      [
        role([rule('secrets', 'list')]),
        wide('r'),
        named('ClusterRoleBinding', 'again', { roleRef: { kind: 'ClusterRole', name: 'r' }, subjects: [robot] }),
      ],
      null,
    )
    const [power] = [...subjectsOf(world).values()].flatMap((one) => powersOf(world, one))
    expect(power?.fix).toMatchObject({ key: 'right/read Secrets/default/ServiceAccount/robot', on: { kind: 'service_account' } })
  })
})

describe('manifests', () => {
  const declared = (object: Json): Json => ({ ...object, metadata: { ...(object.metadata as Json), uid: undefined } })
  it('mean their own account first, then what a cluster reported; what a cluster reported never means a manifest', () => {
    const reported = named('ServiceAccount', 'robot')
    const binding = wide('cluster-admin')
    const keys = (...objects: Json[]): string[] => {
      const world = worldOf(objects, null)
      return [...subjectsOf(world).values()].filter((one) => powersOf(world, one).length > 0).map(({ ref }) => ref.key)
    }
    expect(keys(declared(reported), declared(binding))).toEqual(['manifest/ServiceAccount/default/robot'])
    expect(keys(reported, declared(binding))).toEqual(['default/ServiceAccount/robot'])
    expect(keys(reported, declared(reported), declared(binding))).toEqual(['manifest/ServiceAccount/default/robot'])
    expect(keys(declared(reported), binding)).toEqual(['default/ServiceAccount/robot'])
  })
})
