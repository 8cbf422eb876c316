import { leaving } from '../kubernetes/leaving.ts'
import type { StepRule } from '../step-rule.ts'
import { techniques } from '../techniques.ts'

/** Whoever writes where the node reads its programs, keys or pods has code run there. */
export const escapeHostPath: StepRule = {
  name: 'escape-host-path',
  title: 'Escape through files of the node',
  technique: techniques.escapeHostPath,
  unit: 'namespace',
  steps: (world) =>
    leaving(world, 'code runs in a container that has them, as a user who may write them', ({ code }) => code === 'host_path'),
}
