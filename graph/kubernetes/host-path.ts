/**
 * What a directory or file of the node gives to whoever has it in a container. Judged by its path alone: what lies at an unusual place is not known.
 * A socket of a container runtime answers whoever can see it, mounted read-only or not.
 */

/** `writes`: code of one’s own will run on the node; `devices`: so it may, if the container gets at them. */
export type HostPathGives = 'writes' | 'devices' | 'socket' | 'keys' | 'pods' | 'etcd' | 'logs'

const sockets = [
  '/run/docker.sock',
  '/run/containerd',
  '/run/crio',
  '/run/cri-dockerd.sock',
  '/run/k3s/containerd',
  '/run/podman',
  '/run/docker',
  '/run/dockershim.sock',
]
/** Whoever writes here has code run by the node: start-up and cron files, programs, keys of its users, static pods, other containers’ files. */
const written = [
  '/etc',
  '/root',
  '/home',
  '/usr',
  '/bin',
  '/sbin',
  '/lib',
  '/lib64',
  '/boot',
  '/opt/cni/bin',
  '/proc',
  '/sys',
  '/var/lib/kubelet',
  '/var/lib/docker',
  '/var/lib/containerd',
  '/var/lib/containers',
  '/var/lib/rancher',
  '/var/spool/cron',
  '/srv/kubernetes',
]
/** Keys and tokens of the node itself. */
const keys = [
  '/etc/kubernetes',
  '/etc/ssh',
  '/etc/shadow',
  '/etc/rancher',
  '/var/lib/kubelet/pki',
  '/var/lib/kubelet/config.json',
  '/root',
  '/home',
  '/srv/kubernetes',
  '/var/lib/rancher',
]
/** Files of other pods on the node, their tokens and Secrets among them. */
const pods = ['/var/lib/kubelet/pods', '/var/lib/docker', '/var/lib/containerd', '/var/lib/containers', '/var/lib/rancher', '/proc']
/** Under what is sensitive, and harmless: sockets that plug-ins answer on, what every node has alike. */
const harmless = [
  '/var/lib/kubelet/plugins',
  '/var/lib/kubelet/plugins_registry',
  '/var/lib/kubelet/device-plugins',
  '/var/lib/kubelet/pod-resources',
  '/etc/localtime',
  '/etc/timezone',
  '/etc/hosts',
  '/etc/resolv.conf',
  '/etc/machine-id',
  '/etc/os-release',
  '/etc/ssl',
  '/etc/pki',
  '/etc/ca-certificates',
  '/usr/share',
  '/usr/src',
  '/lib/modules',
  '/sys/fs/bpf',
  '/sys/kernel/debug',
  '/sys/kernel/tracing',
  '/dev/shm',
  '/dev/log',
  '/dev/null',
]

export function givenBy(path: string, readOnly: boolean): HostPathGives[] {
  const own = normal(path)
  if (harmless.some((one) => isWithin(own, one))) return []
  const gives: HostPathGives[] = []
  const wholeNode = own === '/'
  if (!readOnly && touches(own, written)) gives.push('writes')
  if (!readOnly && !wholeNode && touches(own, ['/dev'])) gives.push('devices')
  if (touches(own, sockets) && !gives.includes('writes')) gives.push('socket')
  // Who writes has all of these too.
  if (gives.includes('writes')) return gives
  if (touches(own, keys)) gives.push('keys')
  if (touches(own, pods)) gives.push('pods')
  if (touches(own, ['/var/lib/etcd'])) gives.push('etcd')
  if (!readOnly && touches(own, ['/var/log'])) gives.push('logs')
  return gives
}

/** As the node resolves it: /var/run is /run. */
function normal(path: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.')
  const own = `/${parts.join('/')}`
  return own === '/var/run' || own.startsWith('/var/run/') ? own.slice('/var'.length) : own
}
const isWithin = (path: string, folder: string): boolean => folder === '/' || path === folder || path.startsWith(`${folder}/`)
/** It is one of them, in one of them, or has one of them in it. */
const touches = (path: string, places: readonly string[]): boolean => places.some((one) => isWithin(path, one) || isWithin(one, path))
