import { usingRights } from '../kubernetes/using-rights.ts'
import type { StepRule } from '../step-rule.ts'
import { techniques } from '../techniques.ts'

/** To get, to list or to watch Secrets is to read what is in them. */
export const readSecrets: StepRule = {
  name: 'read-secrets',
  title: 'Read Secrets through the API',
  technique: techniques.readSecrets,
  unit: 'access',
  steps: (world) => usingRights(world, 'read-secrets', 'someone has its token'),
}
