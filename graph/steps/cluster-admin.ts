import { usingRights } from '../kubernetes/using-rights.ts'
import type { StepRule } from '../step-rule.ts'
import { techniques } from '../techniques.ts'

/** Every right in the cluster. */
export const clusterAdmin: StepRule = {
  name: 'cluster-admin',
  title: 'Be administrator of the cluster',
  technique: techniques.clusterAdmin,
  unit: 'access',
  steps: (world) => usingRights(world, 'cluster-admin', 'someone has its token'),
}
