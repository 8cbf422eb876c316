import { usingRights } from '../kubernetes/using-rights.ts'
import type { StepRule } from '../step-rule.ts'
import { techniques } from '../techniques.ts'

/** Commands in running containers: by exec and attach, by a debugging container, by another image. */
export const execIntoPods: StepRule = {
  name: 'exec-into-pods',
  title: 'Run commands in pods',
  technique: techniques.containerCommand,
  unit: 'access',
  steps: (world) => usingRights(world, 'exec-into-pods', 'someone has its token'),
}
