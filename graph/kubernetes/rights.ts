/**
 * Who may do what, as Kubernetes decides it: rules only add up, a RoleBinding gives them in its namespace, a ClusterRoleBinding everywhere, `*` is all.
 * Every answer names the binding and the rule it comes from. Of roles nobody recorded, those that every cluster has are known by name. Pure.
 */
import { type Entity, type EntityRef, RoleBindingProperties, RoleProperties } from '../../domain/entity.ts'
import type { Fix, StepEvidence } from '../../domain/graph.ts'
import { fixed, listed, refOf, shown, titled } from '../evidence.ts'
import { builtInRoles } from './built-in-roles.ts'
import { isDeclaredOnly, type World } from '../world.ts'

type Rule = RoleProperties['rules'][number]

/** One rule of one binding. `namespace` null: everywhere. */
export type Grant = { binding: Entity; role: Entity | null; roleName: string; rule: Rule; at: number; namespace: string | null }

/** Someone a binding names. `account`: its record, of a service account that has one. */
export type Subject = {
  ref: EntityRef
  title: string
  kind: string
  name: string
  namespace: string | null
  account: Entity | null
  grants: Grant[]
}

export type Asked = { verbs: readonly string[]; group: string; resource: string; /** null: of whatever name */ name?: string | null }

/** Grants of the subject that answer; those that give everything everywhere are a question of their own. `names`: only of these objects. */
export function grantsFor({ grants }: Pick<Subject, 'grants'>, { verbs, group, resource, name = null }: Asked): Grant[] {
  return grants.filter(
    (grant) =>
      !isEverything(grant) &&
      verbs.some((verb) => among(grant.rule.verbs, verb)) &&
      among(grant.rule.apiGroups, group) &&
      covers(grant.rule.resources, resource) &&
      (grant.rule.resourceNames.length === 0 || (name !== null && grant.rule.resourceNames.includes(name))),
  )
}

/** Grants of the kind that hold for objects of these names alone. */
export const namedGrantsFor = ({ grants }: Pick<Subject, 'grants'>, { verbs, group, resource }: Asked): Grant[] =>
  grants.filter(
    ({ rule }) =>
      rule.resourceNames.length > 0 &&
      verbs.some((verb) => among(rule.verbs, verb)) &&
      among(rule.apiGroups, group) &&
      covers(rule.resources, resource),
  )

/** Anything, to anything, everywhere. */
export const isEverything = ({ rule, namespace }: Grant): boolean =>
  namespace === null &&
  rule.verbs.includes('*') &&
  rule.resources.includes('*') &&
  rule.apiGroups.includes('*') &&
  rule.resourceNames.length === 0

const among = (words: readonly string[], word: string): boolean => words.includes('*') || words.includes(word)
// All also covers subresources, `*` before a slash those of that name; after one it covers nothing.
function covers(resources: readonly string[], wanted: string): boolean {
  const part = wanted.split('/')[1]
  return among(resources, wanted) || (part !== undefined && resources.includes(`*/${part}`))
}

const known = new WeakMap<World, Map<string, Subject>>()
/** Everyone that bindings name, and every account that is recorded, by `subjectKey`. */
export function subjectsOf(world: World): ReadonlyMap<string, Subject> {
  const made = known.get(world) ?? collect(world)
  known.set(world, made)
  return made
}
export const subjectKey = ({ kind, key }: Pick<EntityRef, 'kind' | 'key'>): string => `${kind}\n${key}`

function collect(world: World): Map<string, Subject> {
  const subjects = new Map<string, Subject>()
  const add = (subject: Omit<Subject, 'grants'>): Subject => {
    const found = subjects.get(subjectKey(subject.ref)) ?? { ...subject, grants: [] }
    subjects.set(subjectKey(subject.ref), found)
    return found
  }
  for (const account of world.accounts) add(accountSubject(world, account.namespace ?? 'default', account.name, isDeclaredOnly(account)))
  const roles = new Map(world.roles.map((role) => [roleKey(role), role]))
  for (const binding of world.bindings) {
    const parsed = RoleBindingProperties.safeParse(binding.properties).data
    if (parsed === undefined) continue
    const grants = grantsOf(binding, parsed, roles)
    for (const { kind, name, namespace } of parsed.subjects) {
      const subject =
        kind === 'ServiceAccount'
          ? accountSubject(world, namespace ?? 'default', name, isDeclaredOnly(binding))
          : { ref: identity(world.scope, kind, name), title: `${kind} ${name}`, kind, name, namespace: null, account: null }
      add(subject).grants.push(...grants)
    }
  }
  return subjects
}

export const identity = (scope: string, kind: string, name: string): EntityRef => ({ scope, kind: 'identity', key: `${kind}/${name}` })

/** A manifest means its own account of that name first; one that nobody recorded is still called by its name. */
export function accountNamed(
  world: World,
  namespace: string,
  name: string,
  declaredOnly: boolean,
): { ref: EntityRef; account: Entity | null } {
  const byKey = accountsByKey(world)
  const keys = [...(declaredOnly ? [`manifest/ServiceAccount/${namespace}/${name}`] : []), `${namespace}/ServiceAccount/${name}`]
  for (const key of keys) {
    const account = byKey.get(key)
    if (account !== undefined) return { ref: refOf(account), account }
  }
  return { ref: { scope: world.scope, kind: 'service_account', key: `${namespace}/ServiceAccount/${name}` }, account: null }
}
const accounts = new WeakMap<World, Map<string, Entity>>()
function accountsByKey(world: World): Map<string, Entity> {
  const made = accounts.get(world) ?? new Map(world.accounts.map((one) => [one.key, one]))
  accounts.set(world, made)
  return made
}

function accountSubject(world: World, namespace: string, name: string, declaredOnly: boolean): Omit<Subject, 'grants'> {
  return {
    ...accountNamed(world, namespace, name, declaredOnly),
    title: titled('ServiceAccount', { namespace, name }),
    kind: 'ServiceAccount',
    name,
    namespace,
  }
}

/** The groups every service account is in, the nearest first. */
export const groupsOf = (namespace: string): string[] => [
  `system:serviceaccounts:${namespace}`,
  'system:serviceaccounts',
  'system:authenticated',
]

const roleKey = (role: Entity): string =>
  `${isDeclaredOnly(role)}\n${String(role.properties.roleKind)}\n${role.namespace ?? ''}\n${role.name}`

function grantsOf(binding: Entity, { role: named, bindingKind }: RoleBindingProperties, roles: ReadonlyMap<string, Entity>): Grant[] {
  if (named === null) return []
  const inNamespace = named.kind === 'Role' ? (named.namespace ?? binding.namespace ?? '') : ''
  const of = (declared: boolean): Entity | undefined => roles.get(`${declared}\n${named.kind}\n${inNamespace}\n${named.name}`)
  const role = (isDeclaredOnly(binding) ? of(true) : undefined) ?? of(false) ?? null
  const rules =
    role === null
      ? named.kind === 'ClusterRole'
        ? builtInRoles[named.name]
        : undefined
      : RoleProperties.safeParse(role.properties).data?.rules
  const namespace = bindingKind === 'ClusterRoleBinding' ? null : (binding.namespace ?? 'default')
  return (rules ?? []).map((rule, at) => ({ binding, role, roleName: `${named.kind} ${named.name}`, rule, at, namespace }))
}

/** What shows a grant: whom the binding names and what, and the rule. */
export function grantEvidence({ title }: Subject, { binding, role, roleName, rule, at }: Grant): StepEvidence[] {
  const what = `${listed(rule.verbs, 12)} ${listed(rule.resources, 12)}${rule.resourceNames.length === 0 ? '' : ` named ${listed(rule.resourceNames)}`}`
  return [
    shown(binding, 'properties.subjects', title),
    shown(binding, 'properties.role', roleName),
    ...(role === null ? [] : [shown(role, `properties.rules[${at}]`, what)]),
  ]
}

export const grantText = ({ title }: Subject, { binding, roleName, namespace }: Grant): string =>
  `${title} has ${roleName}${namespace === null ? '' : ` in ${namespace}`} (${titled(String(binding.properties.bindingKind), binding)})`

/** One binding alone gives it: take that away. Several do: take the right from whoever has it. */
export function grantFix(subject: Subject, grants: readonly Grant[], right: string): Fix | null {
  const bindings = [...new Map(grants.map(({ binding }) => [binding.key, binding])).values()]
  const [only] = bindings
  if (only === undefined) return null
  if (bindings.length > 1)
    return fixed(
      `right/${right}/${subject.ref.key}`,
      `Take the right to ${right} from ${subject.title}, in ${listed(bindings.map(({ name }) => name))}`,
      subject.ref,
    )
  const title = titled(String(only.properties.bindingKind), only)
  return fixed(`binding/${title}`, `Give ${subject.title} less than ${grants[0]?.roleName ?? 'this role'} (${title})`, only)
}
