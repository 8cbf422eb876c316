import { everyAccount } from '../kubernetes/accounts.ts'
import { shown, titled, together } from '../evidence.ts'
import { groupsOf, identity, subjectKey, subjectsOf } from '../kubernetes/rights.ts'
import type { StepRule } from '../step-rule.ts'
import { techniques } from '../techniques.ts'

/** Every service account is in the groups of all of them and of its namespace; what a binding gives to those it has. */
export const inGroup: StepRule = {
  name: 'in-group',
  title: 'Have the rights of a group',
  technique: techniques.validAccounts,
  unit: 'access',
  *steps(world) {
    const subjects = subjectsOf(world)
    for (const { ref, name, namespace, account } of everyAccount(world))
      for (const groupName of groupsOf(namespace)) {
        const group = subjects.get(subjectKey(identity(world.scope, 'Group', groupName)))
        const binding = group?.grants[0]?.binding
        const span = binding === undefined ? null : together(binding, ...(account === null ? [] : [account]))
        if (group === undefined || binding === undefined || span === null) continue
        yield {
          from: ref,
          to: group.ref,
          cost: 0,
          precondition: 'someone has its token',
          because: `${titled('ServiceAccount', { namespace, name })} is in group ${groupName}`,
          evidence: [shown(binding, 'properties.subjects', group.title)],
          fix: null,
          ...span,
        }
      }
  },
}
