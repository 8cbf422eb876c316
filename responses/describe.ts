/** What actions read of a Kubernetes object to describe it: the digest of what it declares, who owns it, its images. */
import type { KubernetesJson, ReadClient } from '../clusters/contract.ts'
import { canonicalHash } from '../domain/canonical-json.ts'
import type { ActionTarget, Plan } from '../domain/proposal.ts'
import { Unplannable } from './unplannable.ts'

const workloadResources: Readonly<Record<string, string>> = {
  Deployment: 'deployments.apps',
  StatefulSet: 'statefulsets.apps',
  ReplicaSet: 'replicasets.apps',
  DaemonSet: 'daemonsets.apps',
  Job: 'jobs.batch',
  CronJob: 'cronjobs.batch',
}

export function resourceOf(target: ActionTarget): string {
  if (target.kind !== 'workload') return `${target.kind}s`
  const resource = workloadResources[target.workloadKind ?? '']
  if (resource === undefined) throw new Unplannable(`Falconer cannot act on a ${target.workloadKind ?? 'workload of unknown kind'}.`)
  return resource
}

/** The object as it is now. Throws Unplannable when it is gone, or when another of the same name has taken its place. */
export async function readTarget(read: ReadClient, target: ActionTarget): Promise<KubernetesJson> {
  const object = await read.get(resourceOf(target), target.namespace, target.name)
  if (object === null) throw new Unplannable(`${place(target)} no longer exists.`)
  if (object.metadata.uid !== target.uid)
    throw new Unplannable(
      `${place(target)} was replaced: the one inventory recorded (UID ${target.uid}) no longer exists, and another has its name.`,
    )
  return object
}

export const place = (target: ActionTarget): string =>
  `${target.workloadKind ?? target.kind} ${target.namespace === null ? '' : `${target.namespace}/`}${target.name}`

type PodLike = {
  containers?: { name: string; image?: string }[]
  initContainers?: { name: string; image?: string }[]
  ephemeralContainers?: { name: string; image?: string }[]
  template?: { spec?: PodLike }
}
const podSpec = (object: KubernetesJson): PodLike => {
  const spec = (object.spec ?? {}) as PodLike
  return spec.template?.spec ?? spec
}
/** Every container that may have written a log: an intruder's debug container and a finished init container too. */
export const containerNames = (object: KubernetesJson): string[] => {
  const { containers = [], initContainers = [], ephemeralContainers = [] } = podSpec(object)
  return [...containers, ...initContainers, ...ephemeralContainers].map((container) => container.name)
}

/** What the target declares. Status, versions and our own field manager's notes are left out. */
export function declaredBy(object: KubernetesJson): Plan['declared'] {
  const owner = object.metadata.ownerReferences?.find((reference) => reference.controller === true) ?? object.metadata.ownerReferences?.[0]
  const spec = podSpec(object)
  return {
    specDigest: canonicalHash(object.spec ?? {}),
    labels: object.metadata.labels ?? {},
    owner: owner === undefined ? null : `${owner.kind}/${owner.name}/${owner.uid}`,
    images: [...(spec.containers ?? []), ...(spec.initContainers ?? [])].map((container) => container.image ?? ''),
  }
}
