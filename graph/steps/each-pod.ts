import { memberOf, members } from '../kubernetes/members.ts'
import type { StepRule } from '../step-rule.ts'
import { techniques } from '../techniques.ts'

/** Whoever may run commands in every pod of a namespace may in each that is there. */
export const eachPod: StepRule = {
  name: 'each-pod',
  title: 'Enter one of all pods',
  technique: techniques.containerCommand,
  unit: 'namespace',
  steps: (world) =>
    members(
      world,
      'pod',
      'Every pod',
      world.places.flatMap(({ title, entity }) => memberOf(title, entity)),
    ),
}
