import { titled } from '../evidence.ts'
import { memberOf, members } from '../kubernetes/members.ts'
import type { StepRule } from '../step-rule.ts'
import { techniques } from '../techniques.ts'

/** A right to every Secret of a namespace is one to each that is there. */
export const eachSecret: StepRule = {
  name: 'each-secret',
  title: 'Read one of all Secrets',
  technique: techniques.readSecrets,
  unit: 'namespace',
  steps: (world) =>
    members(
      world,
      'secret',
      'Every Secret',
      world.secrets.flatMap((secret) => memberOf(titled('Secret', secret), secret)),
    ),
}
