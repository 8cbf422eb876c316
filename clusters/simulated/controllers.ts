/**
 * What a real cluster does by itself, in the smallest true form: ReplicaSets keep their number of pods, Deployments
 * their ReplicaSet's size, and network policies close connections, but only when told to enforce them.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import type { ObjectStore, StoredObject } from './objects.ts'

type Spec = {
  replicas?: number
  selector?: { matchLabels?: Record<string, string> }
  template?: { metadata?: { labels?: Record<string, string> }; spec?: { containers?: { name: string; image: string }[] } }
}
const specOf = (object: StoredObject): Spec => (object.spec ?? {}) as Spec
const ownedBy = (object: StoredObject, owner: StoredObject): boolean =>
  object.metadata.ownerReferences?.some((reference) => reference.uid === owner.metadata.uid) === true

/** Brings owned objects in line with what their owners declare. Runs after every change. */
export function reconcile(store: ObjectStore): void {
  for (const deployment of store.list('deployments.apps', null))
    for (const set of store
      .list('replicasets.apps', deployment.metadata.namespace ?? null)
      .filter((candidate) => ownedBy(candidate, deployment))
      .slice(0, 1))
      if (specOf(set).replicas !== (specOf(deployment).replicas ?? 1))
        store.update('replicasets.apps', { ...set, spec: { ...set.spec, replicas: specOf(deployment).replicas ?? 1 } }, false)
  for (const set of store.list('replicasets.apps', null)) {
    const pods = store.list('pods', set.metadata.namespace ?? null).filter((pod) => ownedBy(pod, set))
    const wanted = specOf(set).replicas ?? 1
    for (const pod of pods.slice(wanted)) store.remove('pods', pod.metadata.namespace ?? null, pod.metadata.name, {}, false)
    for (let count = pods.length; count < wanted; count += 1) store.create('pods', podFrom(set, store), false)
  }
}

function podFrom(set: StoredObject, store: ObjectStore): Omit<StoredObject, 'metadata'> & { metadata: StoredObject['metadata'] } {
  const template = specOf(set).template
  const nodes = store.list('nodes', null).filter((node) => (node.spec as { unschedulable?: boolean } | undefined)?.unschedulable !== true)
  const node = nodes[store.list('pods', null).length % Math.max(1, nodes.length)]?.metadata.name
  const containers = template?.spec?.containers ?? []
  return {
    metadata: {
      name: `${set.metadata.name}-${randomBytes(3).toString('hex').slice(0, 5)}`,
      namespace: set.metadata.namespace ?? 'default',
      uid: randomUUID(),
      resourceVersion: '0',
      labels: { ...template?.metadata?.labels },
      ownerReferences: [{ kind: 'ReplicaSet', name: set.metadata.name, uid: set.metadata.uid, controller: true }],
    },
    spec: { ...template?.spec, ...(node === undefined ? {} : { nodeName: node }) },
    status: {
      phase: 'Running',
      podIP: `10.42.${Math.floor(Math.random() * 250)}.${1 + Math.floor(Math.random() * 250)}`,
      containerStatuses: containers.map((container) => ({
        name: container.name,
        image: container.image,
        ready: true,
        containerID: `containerd://${randomBytes(32).toString('hex')}`,
        state: { running: { startedAt: new Date().toISOString() } },
      })),
    },
  }
}

type Policy = { podSelector?: { matchLabels?: Record<string, string> }; policyTypes?: string[]; ingress?: unknown[]; egress?: unknown[] }

/**
 * Closes the connections that policies forbid: those of a pod that some policy selects and none allows, for policies add up.
 * `keepEstablished` is a network plug-in that only stops new ones.
 */
export function enforcePolicies(store: ObjectStore, keepEstablished: boolean): void {
  if (keepEstablished) return
  const flows = store.flows.map((flow) => {
    const pod = store.list('pods', null).find((candidate) => candidate.metadata.uid === flow.podUid)
    if (pod === undefined) return { ...flow, state: 'closed' as const }
    const type = flow.direction === 'out' ? 'Egress' : 'Ingress'
    const selecting = store
      .list('networkpolicies.networking.k8s.io', pod.metadata.namespace ?? null)
      .map((policy) => (policy.spec ?? {}) as Policy)
      .filter((spec) => spec.policyTypes?.includes(type) === true && selectsPod(spec, pod))
    // Peers and ports of a rule are not looked at: a policy with any rule for this direction lets the flow through.
    const denied =
      selecting.length > 0 && selecting.every((spec) => ((flow.direction === 'out' ? spec.egress : spec.ingress) ?? []).length === 0)
    return denied ? { ...flow, state: 'closed' as const } : flow
  })
  if (JSON.stringify(flows) !== JSON.stringify(store.flows)) store.setFlows(flows)
}

const selectsPod = ({ podSelector }: Policy, pod: StoredObject): boolean =>
  Object.entries(podSelector?.matchLabels ?? {}).every(([name, value]) => pod.metadata.labels?.[name] === value)
