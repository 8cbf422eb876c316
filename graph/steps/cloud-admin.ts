import { accountRef, identityOfArn, identityRef } from '../../domain/cloud.ts'
import { administratorChecks } from '../cloud-checks.ts'
import { fixed } from '../evidence.ts'
import type { StepRule } from '../step-rule.ts'
import { techniques } from '../techniques.ts'

/** An identity of which a scanner says that it may do everything. */
export const cloudAdmin: StepRule = {
  name: 'cloud-admin',
  title: 'Rule the account with the rights of an administrator',
  technique: techniques.cloudAccounts,
  unit: 'cloud',
  *steps({ failedChecks = [] }) {
    for (const { finding, check, resource, fromNs } of failedChecks) {
      const identity = administratorChecks.includes(check) ? identityOfArn(resource.key) : undefined
      if (identity === undefined) continue
      yield {
        from: identityRef(identity),
        to: accountRef(identity.account),
        cost: 0,
        precondition: 'its credentials are in hand',
        because: `${identity.identityKind} ${identity.name} has the rights of an administrator of account ${identity.account}`,
        evidence: [{ finding, check }],
        fix: fixed(
          `cloud-rights/${identity.key}`,
          `Take the rights of an administrator from ${identity.identityKind} ${identity.name}`,
          identityRef(identity),
        ),
        fromNs,
        untilNs: null,
      }
    }
  },
}
