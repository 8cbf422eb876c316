import { accountRef, identityOfArn, identityRef } from '../../domain/cloud.ts'
import { escalationChecks } from '../cloud-checks.ts'
import { fixed } from '../evidence.ts'
import type { StepRule } from '../step-rule.ts'
import { techniques } from '../techniques.ts'

/** An identity of which a scanner says that it may give itself more rights. */
export const cloudEscalation: StepRule = {
  name: 'cloud-escalation',
  title: 'Give oneself the rights of an administrator',
  technique: techniques.cloudRoles,
  unit: 'cloud',
  *steps({ failedChecks = [] }) {
    for (const { finding, check, resource, fromNs } of failedChecks) {
      const identity = escalationChecks.includes(check) ? identityOfArn(resource.key) : undefined
      if (identity === undefined) continue
      yield {
        from: identityRef(identity),
        to: accountRef(identity.account),
        cost: 1,
        precondition: 'its credentials are in hand',
        because: `${identity.identityKind} ${identity.name} may give itself more rights in account ${identity.account}`,
        evidence: [{ finding, check }],
        fix: fixed(
          `cloud-rights/${identity.key}`,
          `Take from ${identity.identityKind} ${identity.name} the rights by which it gives itself more`,
          identityRef(identity),
        ),
        fromNs,
        untilNs: null,
      }
    }
  },
}
