import { usingRights } from '../kubernetes/using-rights.ts'
import type { StepRule } from '../step-rule.ts'
import { techniques } from '../techniques.ts'

/** A pod of one’s own may run as any account of its namespace, take in any Secret and, unless admission refuses it, have its node’s files in it. */
export const createPods: StepRule = {
  name: 'create-pods',
  title: 'Run a pod of one’s own',
  technique: techniques.deployContainer,
  unit: 'access',
  steps: (world) => usingRights(world, 'create-pods', 'someone has its token'),
}
