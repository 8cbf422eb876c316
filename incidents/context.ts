/**
 * What inventory says of an alert: its container, pod and workload at that moment. A bare container id of twelve
 * characters is matched as a prefix and marked inferred; two matches are none. Text in an alert is only ever a
 * lead to a record that inventory wrote.
 */
import type { Alert } from '../domain/alert.ts'
import type { Entity } from '../domain/entity.ts'
import { ContainerProperties, PodProperties } from '../domain/entity.ts'

/** Reads time-valid inventory; given by the store, faked by tests. */
export interface Inventory {
  containersByPrefix(scope: string, prefix: string, atNs: bigint): Promise<Entity[]>
  podsByName(scope: string, namespace: string, name: string, atNs: bigint): Promise<Entity[]>
  podByUid(scope: string, uid: string): Promise<Entity | undefined>
  /** Nearest owner first. */
  ownersOf(entity: Entity): Promise<Entity[]>
  nodeByName(scope: string, name: string): Promise<Entity | undefined>
}

export type AlertContext = {
  container: Entity | null
  pod: Entity | null
  /** Top of the owner chain. */
  workload: Entity | null
  node: Entity | null
  /** True when the pod was concluded (id prefix, or a name the sensor gave), not told by UID. */
  inferred: boolean
  /** How the pod was found, or why it was not; in words for the report. */
  how: string
}

export const noContext = (how: string): AlertContext => ({ container: null, pod: null, workload: null, node: null, inferred: false, how })

/** Finds the alert's place in inventory. Never guesses between two. */
export async function resolveContext(alert: Alert, inventory: Inventory): Promise<AlertContext> {
  if (alert.container === null && alert.pod === null) {
    const node = alert.hostname === null ? undefined : await inventory.nodeByName(alert.scope, alert.hostname)
    return { ...noContext('on the host itself'), node: node ?? null }
  }
  const found = (await byUid(alert, inventory)) ?? (await byContainer(alert, inventory)) ?? (await byName(alert, inventory))
  if (found === undefined) return noContext('no inventory record matches its container or pod at that time')
  if (typeof found === 'string') return noContext(found)
  const owners = found.pod === null ? [] : await inventory.ownersOf(found.pod)
  const nodeName = found.pod === null ? null : (PodProperties.safeParse(found.pod.properties).data?.node ?? null)
  const node = nodeName === null ? undefined : await inventory.nodeByName(alert.scope, nodeName)
  return { ...found, workload: owners.filter((owner) => owner.kind === 'workload').at(-1) ?? null, node: node ?? null }
}

type Found = Pick<AlertContext, 'container' | 'pod' | 'inferred' | 'how'>

async function byUid(alert: Alert, inventory: Inventory): Promise<Found | undefined> {
  if (alert.pod?.uid == null) return undefined
  const pod = await inventory.podByUid(alert.scope, alert.pod.uid)
  return pod && { container: null, pod, inferred: false, how: 'the sensor gave the pod’s UID' }
}

async function byContainer(alert: Alert, inventory: Inventory): Promise<Found | string | undefined> {
  if (alert.container === null) return undefined
  const [container, second] = await inventory.containersByPrefix(alert.scope, alert.container.id, alert.eventNs)
  if (second !== undefined) return `several containers begin with ${alert.container.id}`
  if (container === undefined) return undefined
  const properties = ContainerProperties.safeParse(container.properties).data
  const pod = properties === undefined ? undefined : await inventory.podByUid(alert.scope, properties.podUid)
  const exact = container.key === alert.container.id
  return {
    container,
    pod: pod ?? null,
    inferred: !exact,
    how: exact
      ? 'the sensor gave the full container id'
      : `inferred: container id ${alert.container.id} is the beginning of one container that inventory knew at that time`,
  }
}

async function byName(alert: Alert, inventory: Inventory): Promise<Found | string | undefined> {
  if (alert.pod === null) return undefined
  const [pod, second] = await inventory.podsByName(alert.scope, alert.pod.namespace, alert.pod.name, alert.eventNs)
  if (second !== undefined) return 'several pods had that name at that time'
  return pod && { container: null, pod, inferred: true, how: 'inferred: namespace and name match one pod that inventory knew at that time' }
}
