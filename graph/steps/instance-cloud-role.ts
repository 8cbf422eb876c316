import { fixed, shown } from '../evidence.ts'
import type { StepRule } from '../step-rule.ts'
import { techniques } from '../techniques.ts'

/** An instance and the role that was taken for it. */
export const instanceCloudRole: StepRule = {
  name: 'instance-cloud-role',
  title: 'Read the role of an instance from its metadata service',
  technique: techniques.metadataOfInstance,
  unit: 'cloud',
  *steps({ scope, assumptions = [] }) {
    if (scope !== 'global') return
    for (const { from, fromName, to, toName, activity, fromNs } of assumptions)
      if (from.kind === 'cloud_resource')
        yield {
          from,
          to,
          cost: 1,
          precondition: 'code runs on the instance, or it can be made to ask its metadata service',
          because: `role ${toName} was taken for instance ${fromName}`,
          evidence: [shown(from, 'relations.ASSUMES', `activity ${activity}`)],
          fix: fixed(`instance-role/${to.key}`, `Let role ${toName} do less; ask for IMDSv2`, to),
          fromNs,
          untilNs: null,
        }
  },
}
