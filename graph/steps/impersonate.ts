import { usingRights } from '../kubernetes/using-rights.ts'
import type { StepRule } from '../step-rule.ts'
import { techniques } from '../techniques.ts'

/** The API server takes their word for who they are. */
export const impersonate: StepRule = {
  name: 'impersonate',
  title: 'Act as someone else',
  technique: techniques.validAccounts,
  unit: 'access',
  steps: (world) => usingRights(world, 'impersonate', 'someone has its token'),
}
