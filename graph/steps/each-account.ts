import { accountOf } from '../kubernetes/accounts.ts'
import { shown, titled } from '../evidence.ts'
import { type Member, memberOf, members } from '../kubernetes/members.ts'
import type { StepRule } from '../step-rule.ts'
import { techniques } from '../techniques.ts'
import type { World } from '../world.ts'

/** Whoever may be any service account of a namespace is each that is there. */
export const eachAccount: StepRule = {
  name: 'each-account',
  title: 'Be one of all service accounts',
  technique: techniques.accountToken,
  unit: 'namespace',
  steps: (world) => members(world, 'service_account', 'Every service account', accountsIn(world)),
}

/** Those that are recorded, and those that pods run as though nobody recorded them. */
function accountsIn(world: World): Member[] {
  const recorded = world.accounts
    .filter(({ namespace }) => namespace === world.namespace)
    .flatMap((one) => memberOf(titled('ServiceAccount', one), one))
  const used = world.places.flatMap((place) => {
    const { account, ref, ...named } = accountOf(world, place)
    const evidence = shown(place.specOf, `${place.specPath}.serviceAccount`, place.spec.serviceAccount)
    return account === null ? [{ ref, title: titled('ServiceAccount', named), evidence, fromNs: place.fromNs, untilNs: place.untilNs }] : []
  })
  return [...new Map([...used, ...recorded].map((one) => [one.ref.key, one])).values()]
}
