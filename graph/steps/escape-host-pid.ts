import { leaving } from '../kubernetes/leaving.ts'
import type { StepRule } from '../step-rule.ts'
import { techniques } from '../techniques.ts'

/** Whoever sees the processes of the node and may trace them enters one: the first has everything. */
export const escapeHostPid: StepRule = {
  name: 'escape-host-pid',
  title: 'Escape by entering a process of the node',
  technique: techniques.escapeToHost,
  unit: 'namespace',
  steps: (world) =>
    leaving(world, 'code runs in a container that may trace what it sees', ({ code, end }) => code === 'host_pid' && end === 'node'),
}
