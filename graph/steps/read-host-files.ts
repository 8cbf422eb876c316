import { leaving } from '../kubernetes/leaving.ts'
import type { StepRule } from '../step-rule.ts'
import { techniques } from '../techniques.ts'

/** Files of the node hold its keys, the tokens of its pods and, where the database of the cluster runs, every Secret. */
export const readHostFiles: StepRule = {
  name: 'read-host-files',
  title: 'Read keys and tokens in files of the node',
  technique: techniques.filesOnHost,
  unit: 'namespace',
  steps: (world) =>
    leaving(world, 'code runs in a container that has them, as a user who may read them', ({ code }) => code === 'host_path_read'),
}
