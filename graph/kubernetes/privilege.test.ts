import { expect, it } from 'vitest'
import { type Json, named, worldOf } from '../../test/support/graph-world.ts'
import { givenBy } from './host-path.ts'
import { waysOut } from './privilege.ts'

it.each([
  ['/', false, 'writes'],
  ['/', true, 'socket keys pods etcd'],
  ['//', true, 'socket keys pods etcd'],
  ['/etc', false, 'writes'],
  ['/etc', true, 'keys'],
  ['/etc/kubernetes/manifests', false, 'writes'],
  ['/etc/kubernetes/', true, 'keys'],
  ['/etc/localtime', false, ''],
  ['/etc/ssl/certs', true, ''],
  ['/root/.kube', true, 'keys'],
  ['/var/run/docker.sock', true, 'socket'],
  ['/run/containerd/containerd.sock', false, 'socket'],
  ['/var/run', false, 'socket'],
  ['/var/run', true, 'socket'],
  ['/run/./crio', true, 'socket'],
  ['/proc', true, 'pods'],
  ['/proc', false, 'writes'],
  ['/dev', false, 'devices'],
  ['/dev', true, ''],
  ['/dev/shm', false, ''],
  ['/var/lib/kubelet', true, 'keys pods'],
  ['/var/lib/kubelet/pods', true, 'pods'],
  ['/var/lib/kubelet/device-plugins', false, ''],
  ['/var/lib/etcd', true, 'etcd'],
  ['/var/lib', true, 'keys pods etcd'],
  ['/var/log', false, 'logs'],
  ['/var/log', true, ''],
  ['/data', false, ''],
  ['/etcd', false, ''],
  ['/lib/modules', true, ''],
])('%s of the node (read-only: %s) gives %j', (path, readOnly, gives) => {
  expect(givenBy(path, readOnly).join(' ')).toBe(gives)
})

const ways = (container: Json, pod: Json = {}): string[] => {
  const world = worldOf([named('Pod', 'web', { spec: { containers: [{ name: 'app', image: 'a', ...container }], ...pod } })])
  return world.places.flatMap(waysOut).map(({ code, end, cost }) => `${code} → ${end} (${cost})`)
}
const security = (securityContext: Json): Json => ({ securityContext })
const notRoot = { runAsUser: 1000 }
it.each<[string, Json, Json, string[]]>([
  ['SYS_ADMIN', security({ capabilities: { add: ['SYS_ADMIN'] } }), {}, ['capability → node (1)']],
  ['CAP_SYS_MODULE as written', security({ capabilities: { add: ['CAP_sys_module'] } }), {}, ['capability → node (1)']],
  ['ALL', security({ capabilities: { add: ['ALL'] } }), {}, ['capability → node (1)']],
  ['only BPF', security({ capabilities: { add: ['BPF'] } }), {}, ['capability → node (2)']],
  ['SYS_PTRACE alone', security({ capabilities: { add: ['SYS_PTRACE'] } }), {}, []],
  [
    'SYS_PTRACE and the node’s processes',
    security({ capabilities: { add: ['SYS_PTRACE'] } }),
    { hostPID: true },
    ['host_pid → node (1)', 'host_pid → node-processes (1)'],
  ],
  ['the usual and NET_BIND_SERVICE', security({ capabilities: { add: ['NET_BIND_SERVICE', 'CHOWN'] } }), {}, []],
  ['SYS_ADMIN it cannot use', security({ ...notRoot, allowPrivilegeEscalation: false, capabilities: { add: ['SYS_ADMIN'] } }), {}, []],
  ['the node’s processes, not as root', security(notRoot), { hostPID: true }, ['host_pid → node-processes (2)']],
  ['privileged and capabilities', security({ privileged: true, capabilities: { add: ['SYS_ADMIN'] } }), {}, ['privileged → node (1)']],
  ['a volume of the node that nothing mounts', {}, { volumes: [{ name: 'v', hostPath: { path: '/' } }] }, []],
  [
    'the node’s files, not as root',
    { ...security(notRoot), volumeMounts: [{ name: 'v', mountPath: '/v' }] },
    { volumes: [{ name: 'v', hostPath: { path: '/' } }] },
    ['host_path → node (2)'],
  ],
])('%s', (_what, container, pod, expected) => {
  expect(ways(container, pod)).toEqual(expected)
})

it('a container that has ended before an intruder comes is none of theirs; one that stays is', () => {
  const first = { name: 'first', image: 'a', securityContext: { privileged: true } }
  expect(ways({}, { initContainers: [first] })).toEqual([])
  expect(ways({}, { initContainers: [{ ...first, restartPolicy: 'Always' }] })).toEqual(['privileged → node (1)'])
})

it('names the container, the field and one fix for all that one volume gives', () => {
  const spec = {
    containers: [{ name: 'app', image: 'a', volumeMounts: [{ name: 'v', mountPath: '/v', readOnly: true }] }],
    volumes: [{ name: 'v', hostPath: { path: '/' } }],
  }
  const found = worldOf([named('Pod', 'web', { spec })]).places.flatMap(waysOut)
  expect(found.map(({ code }) => code)).toEqual(['runtime_socket', 'host_path_read', 'host_path_read', 'host_path_read'])
  expect(new Set(found.map(({ fix }) => fix.key))).toEqual(new Set(['host-path/default/Pod/web']))
  expect(found[0]?.evidence).toEqual([
    { entity: { scope: 'lab', kind: 'pod', key: 'uid-web' }, path: 'properties.hostPaths[0].path', value: '/' },
  ])
})
