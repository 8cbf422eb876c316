/** Records in their true shapes, for tests: an alert and inventory that match, with whatever the test changes. */
import type { Alert, NewAlert } from '../../domain/alert.ts'
import { canonicalHash } from '../../domain/canonical-json.ts'
import type { NewEntity, NewRelation, PodProperties } from '../../domain/entity.ts'
import { prioritySeverity } from '../../domain/severity.ts'
import { type Delivery, emptyDelivery } from '../../store/delivery.ts'

export const minute = 60_000_000_000n
export const noon = 1_788_264_000_000_000_000n
export const containerId = (seed: string): string => canonicalHash(seed).slice(3)

export function newAlert(over: Partial<NewAlert> = {}): NewAlert {
  const base = {
    scope: 'lab',
    sensor: 'falco',
    sensorSource: 'syscall',
    eventNs: noon,
    eventTimeFrom: 'event' as const,
    rule: 'Terminal shell in container',
    priority: 'Notice' as const,
    hostname: 'node-1',
    activityKey: null,
    relayedAs: null,
    truncated: [],
    tags: [],
    tactics: ['TA0002'],
    techniques: ['T1059'],
    output: null,
    container: null,
    pod: null,
    process: null,
    file: null,
    connection: null,
    fields: {},
    document: {},
    raw: Buffer.from('{}'),
    ...over,
  }
  const { raw: _raw, ...keyed } = base
  return { severity: prioritySeverity[base.priority], contentKey: canonicalHash(keyed).slice(3), ...base }
}
export const process_ = (over: Partial<NonNullable<NewAlert['process']>> = {}): NonNullable<NewAlert['process']> => ({
  name: 'sh',
  pid: null,
  startNs: null,
  cmdline: 'sh',
  exepath: '/bin/sh',
  parentName: 'node',
  parentCmdline: null,
  parentPid: null,
  ancestors: [],
  user: 'root',
  uid: 0n,
  terminal: false,
  ...over,
})
export const storedAlert = (id: string, over: Partial<NewAlert> = {}): Alert => ({
  ...newAlert(over),
  id,
  sourceId: null,
  receivedAt: new Date(0),
  seen: 1,
})

export type PodSpec = {
  namespace?: string
  name: string
  workload?: { kind: string; name: string } | null
  command?: string[]
  args?: string[]
  node?: string
  labels?: Record<string, string>
}

/** A pod with one container, its workload and node, as a Kubernetes collector would record them. */
export function podRecords(
  spec: PodSpec,
  scope = 'lab',
  at = noon - 60n * minute,
): { entities: NewEntity[]; relations: NewRelation[]; containerId: string; uid: string } {
  const namespace = spec.namespace ?? 'shop'
  const uid = `uid-${namespace}-${spec.name}`
  const id = containerId(uid)
  const owner =
    spec.workload === null
      ? null
      : {
          kind: 'Deployment',
          name: spec.name.replace(/-[^-]+$/, ''),
          ...spec.workload,
          uid: `uid-w-${namespace}-${spec.workload?.name ?? spec.name}`,
        }
  const common = { scope, observedNs: at, validFromNs: at, deletedNs: null, namespace }
  const properties: PodProperties = {
    uid,
    phase: 'Running',
    node: spec.node ?? 'node-1',
    ip: '10.0.0.7',
    serviceAccount: 'default',
    labels: spec.labels ?? { app: spec.name },
    annotations: {},
    hostNetwork: false,
    hostPID: false,
    owner,
    workload: owner,
    containers: [
      {
        name: 'app',
        image: 'shop/app:1',
        imageId: null,
        containerId: id,
        command: spec.command ?? [],
        args: spec.args ?? [],
        privileged: false,
        init: false,
      },
    ],
  }
  const pod: NewEntity = { ...common, kind: 'pod', key: uid, name: spec.name, properties }
  const container: NewEntity = {
    ...common,
    kind: 'container',
    key: id,
    name: 'app',
    properties: { podUid: uid, podName: spec.name, namespace, containerName: 'app', image: 'shop/app:1', node: spec.node ?? 'node-1' },
  }
  const node: NewEntity = {
    ...common,
    namespace: null,
    kind: 'node',
    key: spec.node ?? 'node-1',
    name: spec.node ?? 'node-1',
    properties: {},
  }
  const entities = [pod, container, node]
  const relations: NewRelation[] = [
    { from: { scope, kind: 'pod', key: uid }, type: 'HAS_CONTAINER', to: { scope, kind: 'container', key: id }, observedNs: at },
  ]
  if (owner !== null) {
    entities.push({
      ...common,
      kind: 'workload',
      key: owner.uid,
      name: owner.name,
      properties: { workloadKind: owner.kind, uid: owner.uid, replicas: 2, labels: {}, annotations: {}, owner: null },
    })
    relations.push({
      from: { scope, kind: 'workload', key: owner.uid },
      type: 'OWNS',
      to: { scope, kind: 'pod', key: uid },
      observedNs: at,
    })
  }
  return { entities, relations, containerId: id, uid }
}

export const delivery = (over: Partial<Delivery> = {}): Delivery => ({
  ...emptyDelivery({ sourceId: null, scope: 'lab', inventory: true }),
  ...over,
})
