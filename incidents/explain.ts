/**
 * Does inventory itself explain what was seen? A process of a Job or CronJob pod whose command line is the very
 * command the pod declares, started by the container runtime, is what the job was made to do. Anything else that
 * runs there, above all a command somebody executed into the pod, is not explained.
 */
import type { Alert } from '../domain/alert.ts'
import { PodProperties, type DeclaredContainer } from '../domain/entity.ts'
import type { z } from 'zod'
import type { AlertContext } from './context.ts'

export type Explanation = { code: 'declared_command'; text: string; containerName: string; declared: string; workloadKind: string }

const runtimes =
  /^(containerd-shim|containerd-shim-runc-v2|runc|runc:\[2:INIT\]|conmon|crio|docker-containerd-shim|dockerd|tini|dumb-init)$/

export function explain(alert: Alert, context: AlertContext): Explanation | null {
  const pod = context.pod === null ? undefined : PodProperties.safeParse(context.pod.properties).data
  if (pod === undefined || context.pod === null || alert.process?.cmdline == null) return null
  const workloadKind = pod.workload?.kind ?? pod.owner?.kind ?? ''
  if (workloadKind !== 'Job' && workloadKind !== 'CronJob') return null
  // A terminal means a person is typing: a Job's own command has none.
  if (alert.process.terminal) return null
  const id = alert.container?.id.slice(0, 12)
  const container = pod.containers.find(
    (candidate) => candidate.containerId !== null && id !== undefined && candidate.containerId.startsWith(id),
  )
  if (container === undefined) return null
  const declared = declaredCommand(container)
  if (declared === '' || normal(alert.process.cmdline) !== normal(declared)) return null
  if (!startedByRuntime(alert)) return null
  return {
    code: 'declared_command',
    containerName: container.name,
    declared,
    workloadKind,
    text: `the ${workloadKind} declares exactly this command for container ${container.name}`,
  }
}

export const declaredCommand = (container: z.infer<typeof DeclaredContainer>): string => [...container.command, ...container.args].join(' ')

/** Falco writes a command line as the program's base name and its arguments joined by spaces. */
const normal = (command: string): string =>
  command
    .trim()
    .replace(/\s+/g, ' ')
    .replace(/^\S*\//, '')

const startedByRuntime = (alert: Alert): boolean => {
  const parent = alert.process?.parentName ?? null
  return parent === null || runtimes.test(parent)
}
