/** Who may do what: roles with their rules, and bindings to service accounts, users and groups. A role a binding grants may not exist. */
import type { EntityRef, RoleBindingProperties, RoleProperties } from '../../domain/entity.ts'
import type { NewRecord } from '../collector.ts'
import { kubernetesResource } from '../resources.ts'
import { type Json, list, type Made, record, relation, text, texts } from './fields.ts'

export const roleProperties = (kind: string, raw: Json): RoleProperties => ({
  roleKind: kind,
  rules: list(raw.rules)
    .map(record)
    .map((rule) => ({
      apiGroups: texts(rule.apiGroups),
      resources: texts(rule.resources),
      resourceNames: texts(rule.resourceNames),
      nonResourceURLs: texts(rule.nonResourceURLs),
      verbs: texts(rule.verbs),
    })),
})

export function bindingProperties(kind: string, raw: Json, namespace: string | null): RoleBindingProperties {
  const { kind: roleKind, name } = record(raw.roleRef)
  const role = text(name)
  return {
    bindingKind: kind,
    role: role === null ? null : { kind: text(roleKind) ?? 'ClusterRole', name: role, namespace: roleKind === 'Role' ? namespace : null },
    subjects: list(raw.subjects).flatMap((value) => {
      const subject = record(value)
      const subjectName = text(subject.name)
      if (subjectName === null) return []
      // A user of this name is that service account.
      const account = subject.kind === 'User' ? /^system:serviceaccount:([^:]+):([^:]+)$/.exec(subjectName) : null
      if (account !== null) return [{ kind: 'ServiceAccount', name: account[2] ?? '', namespace: account[1] ?? null }]
      const isAccount = subject.kind === 'ServiceAccount'
      return [
        { kind: text(subject.kind) ?? 'User', name: subjectName, namespace: isAccount ? (text(subject.namespace) ?? namespace) : null },
      ]
    }),
  }
}

export function* bindingRelations({ role, subjects }: RoleBindingProperties, made: Made): Iterable<NewRecord> {
  const { scope } = made.ref
  if (role !== null) yield relation(made.ref, 'GRANTS', { scope, kind: 'role', key: kubernetesResource(role, scope).key }, made.at)
  for (const subject of subjects) yield relation(made.ref, 'BINDS', subjectRef(subject, scope), made.at)
}

const subjectRef = (subject: RoleBindingProperties['subjects'][number], scope: string): EntityRef =>
  subject.kind === 'ServiceAccount'
    ? { scope, kind: 'service_account', key: kubernetesResource(subject, scope).key }
    : { scope, kind: 'identity', key: `${subject.kind}/${subject.name}` }
