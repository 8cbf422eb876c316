/**
 * The simulated cluster: a Kubernetes API server on loopback, under the same client as a real one. Lists, watches,
 * dry runs, merge and apply patches, preconditions, conflicts and per-token rights; every answer says it is simulated.
 * It runs no containers, and enforces network policies only when told. Never chosen silently.
 */
import { randomBytes } from 'node:crypto'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { type KubernetesJson, resources } from '../contract.ts'
import { answerError, answerRequest, type Rights } from './answer.ts'
import { enforcePolicies, reconcile } from './controllers.ts'
import type { SimulatedCustom } from './custom.ts'
import { type Flow, ObjectStore } from './objects.ts'

export type SimulatedOptions = {
  /** SQLite file; ':memory:' for tests. */
  file: string
  /** Objects and connections to begin with, when the file is empty. */
  seed?: { objects: KubernetesJson[]; flows?: Flow[] }
  port?: number
  enforcePolicies?: boolean
  keepEstablished?: boolean
  /** Log lines a container answers, by `namespace/pod/container`. */
  logs?: Record<string, string>
  /** Custom resources it serves, and what it refuses of them. */
  custom?: SimulatedCustom
  readonly tokens?: { admin: string; reader: string; executor: string }
}
export type SimulatedCluster = {
  url: string
  kubeconfig(as: 'admin' | 'reader' | 'executor'): string
  store: ObjectStore
  stop(): Promise<void>
}

const all: Rights = [{ verbs: ['*'], resources: ['*'] }]
const reading: Rights = [{ verbs: ['get', 'list', 'watch'], resources: ['*'] }]
const executing: Rights = [
  ...reading,
  { verbs: ['patch', 'delete'], resources: ['pods'] },
  { verbs: ['create', 'delete'], resources: ['networkpolicies.networking.k8s.io'] },
  { verbs: ['patch'], resources: ['deployments.apps', 'statefulsets.apps', 'replicasets.apps', 'nodes'] },
]

export async function startSimulatedCluster(options: SimulatedOptions): Promise<SimulatedCluster> {
  const store = new ObjectStore(options.file)
  if (store.empty && options.seed !== undefined) seed(store, options.seed)
  const tokens = options.tokens ?? { admin: secret(), reader: secret(), executor: secret() }
  const rights = new Map<string, Rights>([
    [tokens.admin, all],
    [tokens.reader, reading],
    [tokens.executor, executing],
  ])
  const settle = (): void => {
    reconcile(store)
    if (options.enforcePolicies === true) enforcePolicies(store, options.keepEstablished === true)
  }
  settle()
  const answering = { store, rights, logs: options.logs ?? {}, custom: options.custom ?? { resources: [] }, settle }
  const server = http.createServer((request, response) => {
    response.setHeader('X-Falconer-Simulated', 'true')
    answerRequest(answering, request, response).catch((error: unknown) => answerError(response, error))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    store,
    kubeconfig: (as) =>
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        'current-context': 'simulated',
        // The client speaks plain HTTP, which never leaves loopback here, only with this.
        clusters: [{ name: 'simulated', cluster: { server: url, 'insecure-skip-tls-verify': true } }],
        users: [{ name: as, user: { token: tokens[as] } }],
        contexts: [{ name: 'simulated', context: { cluster: 'simulated', user: as } }],
      }),
    stop: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => {
        server.close(resolve)
      })
      store.close()
    },
  }
}

const secret = (): string => randomBytes(24).toString('base64url')

function seed(store: ObjectStore, given: NonNullable<SimulatedOptions['seed']>): void {
  for (const object of given.objects) {
    const resource = Object.entries(resources).find(([, known]) => known.kind === object.kind)?.[0]
    if (resource !== undefined) store.create(resource, object, false)
  }
  for (const name of ['kube-system', 'default'])
    if (store.get('namespaces', null, name) === undefined)
      store.create('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, false)
  store.setFlows(given.flows ?? [])
}
