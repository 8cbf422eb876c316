/** Pods that allow too much, each in its own way, and one that allows nothing: the eight that the badPods collection made known, written anew. */
import type { Json } from './graph-world.ts'

const root = { volumes: [{ name: 'noderoot', hostPath: { path: '/' } }] }
const mounts = { volumeMounts: [{ name: 'noderoot', mountPath: '/host' }] }
const privileged = { securityContext: { privileged: true } }

export const badPods: Readonly<
  Record<
    string,
    { pod: Json; container: Json; /** The step rules that lead out of it, and to what on its node. */ ways: readonly string[] }
  >
> = {
  'everything-allowed': {
    pod: { hostNetwork: true, hostPID: true, hostIPC: true, ...root },
    container: { ...privileged, ...mounts },
    ways: [
      'escape-host-path → node',
      'escape-host-pid → node',
      'escape-privileged → node',
      'host-ipc → node-memory',
      'host-network → node-network',
      'read-host-processes → node-processes',
    ],
  },
  'priv-and-hostpid': {
    pod: { hostPID: true },
    container: privileged,
    ways: ['escape-host-pid → node', 'escape-privileged → node', 'read-host-processes → node-processes'],
  },
  priv: { pod: {}, container: privileged, ways: ['escape-privileged → node'] },
  hostpath: { pod: root, container: mounts, ways: ['escape-host-path → node'] },
  hostpid: { pod: { hostPID: true }, container: {}, ways: ['read-host-processes → node-processes'] },
  hostnetwork: { pod: { hostNetwork: true }, container: {}, ways: ['host-network → node-network'] },
  hostipc: { pod: { hostIPC: true }, container: {}, ways: ['host-ipc → node-memory'] },
  'nothing-allowed': { pod: {}, container: {}, ways: [] },
}

/** In the three shapes that pods come in. */
export const shapesOf = (variant: string): Record<string, Json> => {
  const { pod, container } = badPods[variant] as (typeof badPods)[string]
  const spec = { ...pod, containers: [{ name: 'app', image: 'ubuntu', command: ['sleep', '1d'], ...container }] }
  const metadata = { name: `${variant}-pod` }
  return {
    Pod: { kind: 'Pod', metadata, spec },
    Deployment: { kind: 'Deployment', metadata, spec: { template: { metadata: { labels: { app: 'pentest' } }, spec } } },
    CronJob: { kind: 'CronJob', metadata, spec: { jobTemplate: { spec: { template: { spec } } } } },
  }
}
