import { usingRights } from '../kubernetes/using-rights.ts'
import type { StepRule } from '../step-rule.ts'
import { techniques } from '../techniques.ts'

/** Whoever may ask for certificates and approve them is any user, an administrator too. */
export const signCertificate: StepRule = {
  name: 'sign-certificate',
  title: 'Sign a certificate for an administrator',
  technique: techniques.certificates,
  unit: 'access',
  steps: (world) => usingRights(world, 'sign-certificate', 'someone has its token'),
}
