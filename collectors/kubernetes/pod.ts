/** A pod as its manifest declares it and its status reports it: containers, what they may do, what of the node and which Secrets they have in them. */
import type { DeclaredContainer, HostPath, PodProperties } from '../../domain/entity.ts'
import { type Json, list, number, record, strings, text, texts, truth } from './fields.ts'
import { kept, ownerOf } from './metadata.ts'

export const statusesOf = (status: Json): Json[] =>
  [...list(status.containerStatuses), ...list(status.initContainerStatuses), ...list(status.ephemeralContainerStatuses)].map(record)
/** Without the runtime’s prefix, `containerd://`. */
export const idOf = (value: unknown): string | null => text(value)?.replace(/^[a-z-]+:\/\//, '') ?? null

export function podProperties(raw: Json, metadata: Json): PodProperties {
  const spec = record(raw.spec)
  const status = record(raw.status)
  const owner = ownerOf(metadata)
  const statuses = new Map(statusesOf(status).map((entry) => [text(entry.name), entry]))
  const container =
    (init: boolean) =>
    (declared: Json): DeclaredContainer =>
      declaredContainer(declared, statuses.get(text(declared.name)), record(spec.securityContext), init)
  const { regular, initial } = containersOf(spec)
  return {
    uid: text(metadata.uid) ?? '',
    phase: text(status.phase),
    node: text(spec.nodeName),
    ip: text(status.podIP),
    serviceAccount: text(spec.serviceAccountName) ?? text(spec.serviceAccount),
    labels: strings(metadata.labels),
    annotations: kept(strings(metadata.annotations)),
    hostNetwork: spec.hostNetwork === true,
    hostPID: spec.hostPID === true,
    hostIPC: spec.hostIPC === true,
    automountServiceAccountToken: truth(spec.automountServiceAccountToken),
    hostPaths: hostPathsOf(spec),
    secrets: secretsOf(spec),
    containers: [...regular.map(container(false)), ...initial.map(container(true))],
    owner,
    workload: owner,
  }
}

/**
 * Ephemeral ones (`kubectl debug`) are regular ones: an intruder is as well off there as in any. So are those that start first and then stay
 * (sidecars).
 */
function containersOf(spec: Json): { regular: Json[]; initial: Json[] } {
  const first = list(spec.initContainers).map(record)
  const stays = ({ restartPolicy }: Json): boolean => restartPolicy === 'Always'
  const regular = [...list(spec.containers), ...list(spec.ephemeralContainers)].map(record)
  return { regular: [...regular, ...first.filter(stays)], initial: first.filter((container) => !stays(container)) }
}
const allContainers = (spec: Json): Json[] => {
  const { regular, initial } = containersOf(spec)
  return [...regular, ...initial]
}

function declaredContainer(declared: Json, seen: Json | undefined, ofPod: Json, init: boolean): DeclaredContainer {
  const own = record(declared.securityContext)
  const capabilities = record(own.capabilities)
  return {
    name: text(declared.name) ?? '',
    image: text(declared.image) ?? '',
    imageId: text(seen?.imageID),
    containerId: idOf(seen?.containerID),
    command: texts(declared.command),
    args: texts(declared.args),
    privileged: own.privileged === true,
    init,
    security: {
      capabilitiesAdded: texts(capabilities.add),
      capabilitiesDropped: texts(capabilities.drop),
      runAsUser: number(own.runAsUser) ?? number(ofPod.runAsUser),
      runAsNonRoot: truth(own.runAsNonRoot) ?? truth(ofPod.runAsNonRoot),
      allowPrivilegeEscalation: truth(own.allowPrivilegeEscalation),
      readOnlyRootFilesystem: truth(own.readOnlyRootFilesystem),
    },
    ports: list(declared.ports).flatMap((value) => {
      const port = record(value)
      const containerPort = number(port.containerPort)
      if (containerPort === null) return []
      return [{ name: text(port.name), port: containerPort, protocol: text(port.protocol) ?? 'TCP', hostPort: number(port.hostPort) }]
    }),
  }
}

function hostPathsOf(spec: Json): HostPath[] {
  return list(spec.volumes)
    .map(record)
    .flatMap((volume) => {
      const path = text(record(volume.hostPath).path)
      const name = text(volume.name)
      if (path === null || name === null) return []
      const mounts = allContainers(spec).flatMap((container) =>
        list(container.volumeMounts)
          .map(record)
          .filter((mount) => mount.name === name)
          .map((mount) => ({
            container: text(container.name) ?? '',
            path: text(mount.mountPath) ?? '',
            readOnly: mount.readOnly === true,
          })),
      )
      return [{ path, volume: name, mounts }]
    })
}

/** Their names, from volumes and environment; what is in them no manifest says and nobody here asks. */
function secretsOf(spec: Json): string[] {
  const volumes = list(spec.volumes)
    .map(record)
    .flatMap(({ secret, projected }) => [
      record(secret).secretName,
      ...list(record(projected).sources).map((source) => record(record(source).secret).name),
    ])
  const environment = allContainers(spec).flatMap(({ envFrom, env }) => [
    ...list(envFrom).map((source) => record(record(source).secretRef).name),
    ...list(env).map((variable) => record(record(record(variable).valueFrom).secretKeyRef).name),
  ])
  return [...new Set([...volumes, ...environment].flatMap((name) => text(name) ?? []))].sort()
}
