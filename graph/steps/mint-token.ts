import { usingRights } from '../kubernetes/using-rights.ts'
import type { StepRule } from '../step-rule.ts'
import { techniques } from '../techniques.ts'

/** Tokens for other accounts, made through the API. */
export const mintToken: StepRule = {
  name: 'mint-token',
  title: 'Make a token for another account',
  technique: techniques.accountToken,
  unit: 'access',
  steps: (world) => usingRights(world, 'mint-token', 'someone has its token'),
}
