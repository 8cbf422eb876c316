import { usingRights } from '../kubernetes/using-rights.ts'
import type { StepRule } from '../step-rule.ts'
import { techniques } from '../techniques.ts'

/** Through the API server to a kubelet, which runs commands in any pod of its node and asks no admission. */
export const useKubelet: StepRule = {
  name: 'use-kubelet',
  title: 'Run commands through the kubelet',
  technique: techniques.containerCommand,
  unit: 'access',
  steps: (world) => usingRights(world, 'use-kubelet', 'someone has its token'),
}
