import { usingRights } from '../kubernetes/using-rights.ts'
import type { StepRule } from '../step-rule.ts'
import { techniques } from '../techniques.ts'

/** Whoever decides what happens to objects as they are created puts their own containers into all of them. */
export const changeAdmission: StepRule = {
  name: 'change-admission',
  title: 'Change whatever is created',
  technique: techniques.admissionController,
  unit: 'access',
  steps: (world) => usingRights(world, 'change-admission', 'someone has its token'),
}
