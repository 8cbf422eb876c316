/**
 * What someone's rights amount to. A right in one namespace and one everywhere meet in that namespace. More rights never amount to less. Pure.
 */
import type { EntityRef } from '../../domain/entity.ts'
import type { Fix, StepEvidence } from '../../domain/graph.ts'
import { type Span, together } from '../evidence.ts'
import type { FactCode } from '../facts.ts'
import { ask, cluster, core, type PowerName, type PowerRule, powerRules } from './power-rules.ts'
import {
  accountNamed,
  type Asked,
  type Grant,
  grantEvidence,
  grantFix,
  grantsFor,
  grantText,
  isEverything,
  namedGrantsFor,
  type Subject,
} from './rights.ts'
import type { World } from '../world.ts'

export type Power = {
  name: PowerName
  code: FactCode
  to: EntityRef
  /** "read every Secret of namespace shop" */ what: string
  because: string
  evidence: StepEvidence[]
  fix: Fix | null
} & Span

/** Everything that the subject’s own bindings amount to; not what its groups have. */
export function powersOf(world: World, subject: Subject): Power[] {
  if (subject.grants.length === 0) return []
  const everything = subject.grants.filter(isEverything)
  return [
    ...(everything.length === 0
      ? []
      : power(
          subject,
          { name: 'cluster-admin', code: 'cluster_admin', right: 'do everything' },
          everything,
          everything,
          cluster('do everything in the cluster')(world, null),
        )),
    ...powerRules.flatMap((rule) => amounting(world, subject, rule)),
    ...namedObjects(world, subject),
  ]
}

function amounting(world: World, subject: Subject, rule: PowerRule): Power[] {
  const answers = rule.needs.map((asked) => unique(asked.flatMap((one) => grantsFor(subject, one))))
  if (answers.some((grants) => grants.length === 0)) return []
  const places = new Set<string | null>([null, ...answers.flat().flatMap(({ namespace }) => namespace ?? [])])
  return [...places].sort().flatMap((namespace) => {
    const here = answers.map((grants) => grants.filter((grant) => grant.namespace === null || grant.namespace === namespace))
    const witnesses = here.flatMap((grants) => grants[0] ?? [])
    // Of what takes several rights, taking any one away is enough: the one that fewest give.
    const scarcest = here.reduce((least, grants) => (grants.length < least.length ? grants : least))
    return witnesses.length < rule.needs.length ? [] : power(subject, rule, witnesses, scarcest, rule.reach(world, namespace))
  })
}

/** Rights to objects of certain names alone. */
function namedObjects(world: World, subject: Subject): Power[] {
  const each = (
    rule: Pick<PowerRule, 'name' | 'code' | 'right'>,
    asked: Asked,
    to: (grant: Grant, namespace: string, name: string) => { to: EntityRef; what: string },
  ): Power[] =>
    namedGrantsFor(subject, asked).flatMap((grant) =>
      grant.rule.resourceNames.flatMap((name) =>
        // Of which namespace a name is meant, a right that holds everywhere does not say.
        grant.namespace === null ? [] : power(subject, rule, [grant], [grant], [to(grant, grant.namespace, name)]),
      ),
    )
  const account = (what: string) => (grant: Grant, namespace: string, name: string) => ({
    to: accountNamed(world, namespace, name, grant.binding.properties.declaredOnly === true).ref,
    what: `${what} of ServiceAccount ${namespace}/${name}`,
  })
  return [
    ...each(
      { name: 'read-secrets', code: 'reads_secrets', right: 'read Secrets' },
      ask(core, 'secrets', 'get', 'list', 'watch'),
      (grant, namespace, name) => ({
        to: secretNamed(world.scope, namespace, name, grant.binding.properties.declaredOnly === true),
        what: `read Secret ${namespace}/${name}`,
      }),
    ),
    ...each(
      { name: 'mint-token', code: 'mints_tokens', right: 'make tokens' },
      ask(core, 'serviceaccounts/token', 'create'),
      account('make tokens'),
    ),
    ...each(
      { name: 'impersonate', code: 'impersonates', right: 'impersonate accounts' },
      ask(core, 'serviceaccounts', 'impersonate'),
      account('use the rights'),
    ),
  ]
}

/** Where Secrets are not recorded with roles and bindings: a manifest’s right is to the manifest’s Secret. */
const secretNamed = (scope: string, namespace: string, name: string, declaredOnly: boolean): EntityRef => ({
  scope,
  kind: 'secret',
  key: declaredOnly ? `manifest/Secret/${namespace}/${name}` : `${namespace}/Secret/${name}`,
})

function power(
  subject: Subject,
  { name, code, right }: Pick<PowerRule, 'name' | 'code' | 'right'>,
  witnesses: readonly Grant[],
  removable: readonly Grant[],
  reached: readonly { to: EntityRef; what: string }[],
): Power[] {
  const records = witnesses.flatMap(({ binding, role }) => (role === null ? [binding] : [binding, role]))
  const span = together(...records, ...(subject.account === null ? [] : [subject.account]))
  if (span === null) return []
  return reached.map(({ to, what }) => ({
    name,
    code,
    to,
    what,
    because: `${[...new Set(witnesses.map((grant) => grantText(subject, grant)))].join(' and ')}, and so may ${what}`,
    evidence: unique(witnesses).flatMap((grant) => grantEvidence(subject, grant)),
    fix: grantFix(subject, removable, right),
    ...span,
  }))
}

const unique = (grants: readonly Grant[]): Grant[] => [...new Set(grants)]
