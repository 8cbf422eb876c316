/**
 * What inventory says of an alert: its container, pod and workload at that moment. A bare container id of twelve
 * characters is matched as a prefix and marked inferred; two matches are none. Text in an alert is only ever a
 * lead to a record that inventory wrote.
 */
import type { Lead } from '../domain/alert.ts'
import { type CloudSession, identityOfArn } from '../domain/cloud.ts'
import { ContainerProperties, type Entity, existedAt, PodProperties, workloadKinds, WorkloadProperties } from '../domain/entity.ts'

/** Reads time-valid inventory; given by the store, faked by tests. */
export interface Inventory {
  containersByPrefix(scope: string, prefix: string, atNs: bigint): Promise<Entity[]>
  podsByName(scope: string, namespace: string, name: string, atNs: bigint): Promise<Entity[]>
  podByUid(scope: string, uid: string): Promise<Entity | undefined>
  /** Nearest owner first. */
  ownersOf(entity: Entity): Promise<Entity[]>
  nodeByName(scope: string, name: string): Promise<Entity | undefined>
  cloudSession(scope: string, activityKey: string): Promise<CloudSession | undefined>
  /** Of a cloud, by its ARN. */
  identityByKey(key: string): Promise<Entity | undefined>
  /** Pods and services. */
  byAddress(scope: string, ip: string, atNs: bigint): Promise<Entity[]>
  podsByAccount(scope: string, namespace: string, name: string, atNs: bigint): Promise<Entity[]>
  podsBySelector(scope: string, namespace: string, selector: Record<string, string>, atNs: bigint): Promise<Entity[]>
  /** Service accounts, in whatever cluster, that are given this role of a cloud account. */
  accountsByRole(account: string, role: string, atNs: bigint): Promise<Entity[]>
  nodesByInstance(instance: string, atNs: bigint): Promise<Entity[]>
  podsOnNode(node: Entity, atNs: bigint): Promise<Entity[]>
  /** Ways from a place (a workload, or a pod that nobody owns) to its node, in words. */
  escapesOf(place: Entity, atNs: bigint): Promise<string[]>
}

/** More of one kind than this are not looked through: then nothing is concluded from all of them being alike. */
export const mostAsked = 500

export type AlertContext = {
  container: Entity | null
  pod: Entity | null
  /** Top of the owner chain. */
  workload: Entity | null
  node: Entity | null
  /** Of an alert that stands beside a record of a cloud’s audit log: its credentials, and who asked for them. */
  session?: CloudSession
  /** Of such an alert: the user or role whose credentials were used, as records know it. */
  identity?: Entity
  /** True when the pod was concluded (id prefix, or a name the sensor gave), not told by UID. */
  inferred: boolean
  /** How the pod was found, or why it was not; in words for the report. */
  how: string
}

export const noContext = (how: string): AlertContext => ({ container: null, pod: null, workload: null, node: null, inferred: false, how })

/** Finds the alert's place in inventory. Never guesses between two. */
export async function resolveContext(alert: Lead, inventory: Inventory): Promise<AlertContext> {
  if (alert.container === null && alert.pod === null) {
    const node = alert.hostname === null ? undefined : await inventory.nodeByName(alert.scope, alert.hostname)
    const session = alert.activityKey === null ? undefined : await inventory.cloudSession(alert.scope, alert.activityKey)
    const identity = await identityOf(alert, session, inventory)
    const how =
      alert.hostname !== null
        ? 'on the host itself'
        : identity === undefined
          ? 'it names no host, pod or container'
          : 'it names an identity'
    return {
      ...noContext(how),
      node: node ?? null,
      ...(session === undefined ? {} : { session }),
      ...(identity === undefined ? {} : { identity }),
    }
  }
  const found = (await byContainer(alert, inventory)) ?? (await byUid(alert, inventory)) ?? (await byName(alert, inventory))
  if (found === undefined) return noContext('no inventory record matches its container or pod at that time')
  if (typeof found === 'string') return noContext(found)
  const owners = found.pod === null ? [] : await inventory.ownersOf(found.pod)
  const nodeName = found.pod === null ? null : (PodProperties.safeParse(found.pod.properties).data?.node ?? null)
  const node = nodeName === null ? undefined : await inventory.nodeByName(alert.scope, nodeName)
  return { ...found, workload: owners.filter((owner) => owner.kind === 'workload').at(-1) ?? null, node: node ?? null }
}

/** A session is of the role it was issued for: its own ARN has not the role’s path. */
async function identityOf(alert: Lead, session: CloudSession | undefined, inventory: Inventory): Promise<Entity | undefined> {
  const arn = alert.fields?.['ct.user.arn'] ?? alert.fields?.['aws.user.arn']
  const named = identityOfArn(session?.issuer ?? '') ?? (typeof arn === 'string' ? identityOfArn(arn) : undefined)
  return named === undefined ? undefined : inventory.identityByKey(named.key)
}

/**
 * Whether inventory has told all it can: the place itself, its node, and owners up to one that nobody owns. What is
 * not complete is asked again when inventory has news.
 */
export function isComplete(alert: Lead, { pod, workload, node }: AlertContext): boolean {
  if (alert.container === null && alert.pod === null) return node !== null || alert.hostname === null
  const properties = pod === null ? undefined : PodProperties.safeParse(pod.properties).data
  if (properties === undefined) return false
  const owner = workload === null ? properties.owner : (WorkloadProperties.safeParse(workload.properties).data?.owner ?? null)
  return (properties.node === null || node !== null) && (owner === null || !workloadKinds.includes(owner.kind))
}

type Found = Pick<AlertContext, 'container' | 'pod' | 'inferred' | 'how'>

/**
 * The UID a sensor gives is a label that the container runtime holds; who reaches the runtime of a node can label a
 * container of their own with any pod's. So it is believed for a pod that existed then, and no container that
 * inventory knows is ever explained by it; of an unknown container it is told as inferred.
 */
async function byUid(alert: Lead, inventory: Inventory): Promise<Found | string | undefined> {
  if (alert.pod?.uid == null) return undefined
  const pod = await inventory.podByUid(alert.scope, alert.pod.uid)
  if (pod === undefined) return undefined
  if (!existedAt(pod, alert.eventNs)) return 'the pod whose UID the sensor gave did not exist at that time'
  if (alert.container === null) return { container: null, pod, inferred: false, how: 'the sensor gave the pod’s UID' }
  return { container: null, pod, inferred: true, how: 'inferred: the sensor gave the pod’s UID; inventory does not know its container' }
}

async function byContainer(alert: Lead, inventory: Inventory): Promise<Found | string | undefined> {
  if (alert.container === null) return undefined
  const begin = await inventory.containersByPrefix(alert.scope, alert.container.id, alert.eventNs)
  // The pod’s UID may tell them apart.
  const told = begin.filter((one) => podUidOf(one) === alert.pod?.uid)
  const [container, second] = told.length === 1 ? told : begin
  if (second !== undefined) return `several containers begin with ${alert.container.id}`
  if (container === undefined) return undefined
  const podUid = podUidOf(container)
  const pod = podUid === undefined ? undefined : await inventory.podByUid(alert.scope, podUid)
  const { how, inferred } = howContainer(alert, container)
  return { container, pod: pod ?? null, inferred, how }
}

const podUidOf = (container: Entity): string | undefined => ContainerProperties.safeParse(container.properties).data?.podUid

function howContainer(alert: Lead, container: Entity): Pick<Found, 'how' | 'inferred'> {
  const given = alert.container?.id ?? ''
  if (alert.pod?.uid != null && alert.pod.uid === podUidOf(container))
    return { inferred: false, how: 'the sensor gave the pod’s UID and its container' }
  const doubt = alert.pod?.uid == null ? '' : '; the sensor named another pod, which is not where this container runs'
  if (container.key === given) return { inferred: doubt !== '', how: `the sensor gave the full container id${doubt}` }
  return {
    inferred: true,
    how: `inferred: container id ${given} is the beginning of one container that inventory knew at that time${doubt}`,
  }
}

async function byName(alert: Lead, inventory: Inventory): Promise<Found | string | undefined> {
  if (alert.pod === null) return undefined
  const [pod, second] = await inventory.podsByName(alert.scope, alert.pod.namespace, alert.pod.name, alert.eventNs)
  if (second !== undefined) return 'several pods had that name at that time'
  return pod && { container: null, pod, inferred: true, how: 'inferred: namespace and name match one pod that inventory knew at that time' }
}
