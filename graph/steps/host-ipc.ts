import { leaving } from '../kubernetes/leaving.ts'
import type { StepRule } from '../step-rule.ts'
import { techniques } from '../techniques.ts'

/** Shared memory of the node’s processes, and of other pods that share it, can be read and written. */
export const hostIpc: StepRule = {
  name: 'host-ipc',
  title: 'Read the shared memory of the node',
  technique: techniques.localData,
  unit: 'namespace',
  steps: (world) => leaving(world, 'something on the node keeps what is worth having in shared memory', ({ code }) => code === 'host_ipc'),
}
