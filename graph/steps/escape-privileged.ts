import { leaving } from '../kubernetes/leaving.ts'
import type { StepRule } from '../step-rule.ts'
import { techniques } from '../techniques.ts'

/** Whoever is root in a privileged container mounts the disk of its node. */
export const escapePrivileged: StepRule = {
  name: 'escape-privileged',
  title: 'Escape through a privileged container',
  technique: techniques.escapePrivileged,
  unit: 'namespace',
  steps: (world) => leaving(world, 'code runs in the privileged container', ({ code }) => code === 'privileged'),
}
