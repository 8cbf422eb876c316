import { leaving } from '../kubernetes/leaving.ts'
import type { StepRule } from '../step-rule.ts'
import { techniques } from '../techniques.ts'

/** Some capabilities are as good as the node: what they allow is not kept to the container. */
export const escapeCapability: StepRule = {
  name: 'escape-capability',
  title: 'Escape by a capability',
  technique: techniques.escapeToHost,
  unit: 'namespace',
  steps: (world) => leaving(world, 'code runs as root in the container that has it', ({ code }) => code === 'capability'),
}
