import { usingRights } from '../kubernetes/using-rights.ts'
import type { StepRule } from '../step-rule.ts'
import { techniques } from '../techniques.ts'

/** Whoever may bind roles they do not have, or write rights they do not have into roles, has every right. */
export const bindOrEscalate: StepRule = {
  name: 'bind-or-escalate',
  title: 'Give oneself more rights',
  technique: techniques.clusterRoles,
  unit: 'access',
  steps: (world) => usingRights(world, 'bind-or-escalate', 'someone has its token'),
}
