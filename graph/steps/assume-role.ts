import { fixed, shown } from '../evidence.ts'
import type { StepRule } from '../step-rule.ts'
import { techniques } from '../techniques.ts'

/** An identity that was seen to take another: its trust allows it. */
export const assumeRole: StepRule = {
  name: 'assume-role',
  title: 'Take a role that trusts the identity',
  technique: techniques.temporaryCloudAccess,
  unit: 'cloud',
  *steps({ scope, assumptions = [] }) {
    if (scope !== 'global') return
    for (const { from, fromName, to, toName, activity, fromNs } of assumptions)
      if (from.kind === 'identity' && from.key !== to.key)
        yield {
          from,
          to,
          cost: 1,
          precondition: 'its credentials are in hand',
          because: `${fromName} was seen to take ${toName}`,
          evidence: [shown(from, 'relations.ASSUMES', `activity ${activity}`)],
          fix: fixed(`trust/${to.key}/${from.key}`, `Take ${fromName} from those whom ${toName} trusts`, to),
          fromNs,
          untilNs: null,
        }
  },
}
