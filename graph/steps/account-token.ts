import { accountOf, tokenMounted } from '../kubernetes/accounts.ts'
import { shown, titled, together } from '../evidence.ts'
import { noToken } from '../kubernetes/place-fixes.ts'
import type { StepRule } from '../step-rule.ts'
import { techniques } from '../techniques.ts'

/** The token of its service account lies in every container, unless the pod or, where it says nothing, the account forbids it. */
export const accountToken: StepRule = {
  name: 'account-token',
  title: 'Use the token of the pod’s service account',
  technique: techniques.accountToken,
  unit: 'namespace',
  *steps(world) {
    for (const place of world.places) {
      const account = accountOf(world, place)
      const { mounted, by } = tokenMounted(place, account)
      const span = together(place, ...(account.account === null ? [] : [account.account]))
      if (!mounted || span === null) continue
      const said = { pod: 'as it asks', account: 'as the account says', default: 'as neither forbids it' }[by]
      yield {
        from: place.ref,
        to: account.ref,
        cost: 0,
        precondition: 'code runs in one of its containers',
        because: `${place.title} has the token of ${titled('ServiceAccount', account)} in it, ${said}`,
        evidence: [
          shown(place.specOf, `${place.specPath}.serviceAccount`, place.spec.serviceAccount),
          shown(place.specOf, `${place.specPath}.automountServiceAccountToken`, place.spec.automountServiceAccountToken ?? null),
        ],
        fix: noToken(place),
        ...span,
      }
    }
  },
}
