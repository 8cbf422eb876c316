/** Service accounts, those nobody recorded among them: every namespace has one called default, and a pod that names none runs as it. Pure. */
import type { Entity, EntityRef } from '../../domain/entity.ts'
import { accountNamed, subjectsOf } from './rights.ts'
import type { Place, World } from '../world.ts'

export type Account = { ref: EntityRef; name: string; namespace: string; account: Entity | null }

/** Those that are recorded, that bindings name, and the default one of each namespace. */
export function everyAccount(world: World): Account[] {
  const named = [...subjectsOf(world).values()].flatMap(({ ref, kind, name, namespace, account }) =>
    kind === 'ServiceAccount' ? [{ ref, name, namespace: namespace ?? 'default', account }] : [],
  )
  const usual = [...world.namespaces.keys()].map((namespace) => ({
    ...accountNamed(world, namespace, 'default', false),
    name: 'default',
    namespace,
  }))
  return [...new Map([...usual, ...named].map((one) => [one.ref.key, one])).values()].sort((a, b) => (a.ref.key < b.ref.key ? -1 : 1))
}

export function accountOf(world: World, { namespace, spec, declaredOnly }: Place): Account {
  const name = spec.serviceAccount ?? 'default'
  return { ...accountNamed(world, namespace, name, declaredOnly), name, namespace }
}

/** Whether its token is in the place’s containers, and which field decides: the pod’s word, else the account’s, else Kubernetes mounts it. */
export function tokenMounted({ spec }: Place, { account }: Account): { mounted: boolean; by: 'pod' | 'account' | 'default' } {
  if (typeof spec.automountServiceAccountToken === 'boolean') return { mounted: spec.automountServiceAccountToken, by: 'pod' }
  const says = account?.properties.automountServiceAccountToken
  return typeof says === 'boolean' ? { mounted: says, by: 'account' } : { mounted: true, by: 'default' }
}
