/** A small shop in a simulated cluster, and the inventory that a collector would record of it. */
import { connect } from '../../clusters/client.ts'
import type { KubernetesJson } from '../../clusters/contract.ts'
import { resources } from '../../clusters/contract.ts'
import { type SimulatedCluster, type SimulatedOptions, startSimulatedCluster } from '../../clusters/simulated/server.ts'
import { normaliseObject } from '../../collectors/kubernetes/normalise.ts'
import { createExecutor } from '../../apps/executor/run.ts'
import type { Clock } from '../../domain/clock.ts'
import type { Executor } from '../../responses/executor.ts'
import { type ApprovalKeys, newApprovalKeys } from '../../responses/approved.ts'
import { loadPolicy, type Policy } from '../../responses/policy.ts'
import type { Database } from '../../store/database.ts'
import { accept } from '../../store/intake.ts'
import { containerId, delivery } from './records.ts'

export const nodeUid = 'node-uid-1'
export const podUid = 'pod-uid-checkout-1'

const meta = (name: string, uid: string, over: Record<string, unknown> = {}): KubernetesJson['metadata'] =>
  ({ name, namespace: 'shop', uid, creationTimestamp: '2026-08-01T00:00:00Z', ...over }) as KubernetesJson['metadata']
const owned = (kind: string, name: string, uid: string): unknown => ({
  ownerReferences: [{ apiVersion: 'apps/v1', kind, name, uid, controller: true }],
})

/** Deployment checkout with two pods behind a Service, on one of two nodes; one pod in a protected namespace. */
export function shopObjects(): KubernetesJson[] {
  const labels = { app: 'checkout' }
  const template = { metadata: { labels }, spec: { containers: [{ name: 'app', image: 'registry.example/checkout:1.4.2' }] } }
  const pod = (name: string, uid: string): KubernetesJson => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: meta(name, uid, { labels, ...(owned('ReplicaSet', 'checkout-7d9f', 'rs-uid-1') as object) }),
    spec: {
      nodeName: 'node-1',
      containers: [{ name: 'app', image: 'registry.example/checkout:1.4.2', env: [{ name: 'DB_PASSWORD', value: 'hunter2hunter2' }] }],
    },
    status: {
      phase: 'Running',
      podIP: '10.42.0.7',
      containerStatuses: [
        {
          name: 'app',
          image: 'registry.example/checkout:1.4.2',
          imageID: 'registry.example/checkout@sha256:ab',
          containerID: `containerd://${containerId(uid)}`,
          ready: true,
        },
      ],
    },
  })
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'kube-system', uid: 'cluster-uid-1' } },
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', uid: 'ns-uid-1' } },
    { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-1', uid: nodeUid }, spec: {}, status: {} },
    { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-2', uid: 'node-uid-2' }, spec: {}, status: {} },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: meta('checkout', 'deploy-uid-1', { labels }),
      spec: { replicas: 2, selector: { matchLabels: labels }, template },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: meta('checkout-7d9f', 'rs-uid-1', { labels, ...(owned('Deployment', 'checkout', 'deploy-uid-1') as object) }),
      spec: { replicas: 2, selector: { matchLabels: labels }, template },
    },
    pod('checkout-7d9f-aaaaa', podUid),
    pod('checkout-7d9f-bbbbb', 'pod-uid-checkout-2'),
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: meta('checkout', 'svc-uid-1'),
      spec: { selector: labels, clusterIP: '10.96.0.9', ports: [{ port: 80 }] },
    },
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...meta('kube-proxy-x', 'pod-uid-proxy'), namespace: 'kube-system' },
      spec: { nodeName: 'node-1', containers: [{ name: 'proxy', image: 'proxy:1' }] },
      status: { phase: 'Running' },
    },
  ]
}

export type Shop = { cluster: SimulatedCluster; executor: Executor; keys: ApprovalKeys; policy: Policy; stop(): Promise<void> }

/** The shop's cluster and an executor for it in this process. */
export async function startShop(clock: Clock, over: Partial<SimulatedOptions> & { policy?: Policy } = {}): Promise<Shop> {
  const flows = [{ podUid, peer: '203.0.113.9', port: 4444, direction: 'out' as const, state: 'open' as const }]
  const cluster = await startSimulatedCluster({ file: ':memory:', seed: { objects: shopObjects(), flows }, enforcePolicies: true, ...over })
  const keys = newApprovalKeys()
  const policy = over.policy ?? loadPolicy()
  const executor = inProcessExecutor(cluster, clock, keys, policy)
  return { cluster, executor, keys, policy, stop: () => cluster.stop() }
}

export function inProcessExecutor(
  cluster: Pick<SimulatedCluster, 'kubeconfig'>,
  clock: Clock,
  keys: ApprovalKeys,
  policy: Policy,
): Executor {
  const made = createExecutor({
    kubeConfig: connect({ kubeconfig: cluster.kubeconfig('executor') }),
    policy,
    publicKey: keys.publicKey,
    actionsEnabled: false,
    scope: null,
    clock,
    wait: async () => {},
  })
  return { ...made, close: async () => {} }
}

/** Records the cluster's objects as inventory of a scope; answers entity ids by `Kind/name`. */
export async function recordInventory(
  db: Database,
  clock: Clock,
  scope: string,
  objects: readonly KubernetesJson[] = shopObjects(),
): Promise<void> {
  const source = { sourceId: null, sourceName: 'inventory', scope, receivedNs: BigInt(clock.now().getTime()) * 1_000_000n }
  const records = objects.flatMap((object) => [
    ...normaliseObject(object as never, { raw: object, bytes: new Uint8Array(), at: '' }, source),
  ])
  await accept(db, clock, [
    delivery({
      scope,
      entities: records.flatMap((record) => (record.kind === 'entity' ? [record.entity] : [])),
      relations: records.flatMap((record) => (record.kind === 'relation' ? [record.relation] : [])),
      aliases: records.flatMap((record) => (record.kind === 'alias' ? [record.alias] : [])),
    }),
  ])
}

/** Everything in the cluster but volatile status, for comparing before and after. */
export const clusterState = (cluster: SimulatedCluster): string => stateOf(cluster, () => true)

/** The same without pods that come and go as their owners want: what people and actions declared. */
export const declaredState = (cluster: SimulatedCluster): string =>
  stateOf(cluster, ({ metadata }) => metadata.ownerReferences?.some((owner) => owner.kind === 'ReplicaSet') !== true)

const stateOf = (cluster: SimulatedCluster, counts: (object: KubernetesJson) => boolean): string =>
  JSON.stringify(
    Object.keys(resources).map((resource) =>
      cluster.store
        .list(resource, null)
        .filter(counts)
        .map(({ metadata: { resourceVersion: _version, generation: _generation, ...metadata }, spec }) => ({ metadata, spec }))
        .sort((a, b) => ((a.metadata.uid ?? '') < (b.metadata.uid ?? '') ? -1 : 1)),
    ),
  )
