/** From “every …” to each one there is, and from the cluster’s to the namespace’s: what follows by itself from a right to all of them. Pure. */
import type { EntityRef } from '../../domain/entity.ts'
import { everyOf, type StepEvidence } from '../../domain/graph.ts'
import { shown, type Span, together } from '../evidence.ts'
import type { Step } from '../step-rule.ts'
import type { World } from '../world.ts'

export type Member = { ref: EntityRef; title: string; evidence: StepEvidence } & Span

export function* members(world: World, kind: 'secret' | 'pod' | 'service_account', all: string, each: readonly Member[]): Iterable<Step> {
  const { scope, namespace } = world
  const [first] = each.toSorted((a, b) => (a.fromNs < b.fromNs ? -1 : a.fromNs > b.fromNs ? 1 : a.ref.key < b.ref.key ? -1 : 1))
  if (first === undefined || namespace === null) return
  const from = everyOf(scope, kind, namespace)
  const common = { cost: 0, precondition: 'none', fix: null }
  const untilNs = each.some((one) => one.untilNs === null)
    ? null
    : each.reduce((most, one) => ((one.untilNs ?? 0n) > most ? (one.untilNs ?? 0n) : most), 0n)
  yield {
    ...common,
    from: everyOf(scope, kind, null),
    to: from,
    because: `${all} of the cluster is also ${all.toLowerCase()} of namespace ${namespace}`,
    evidence: [first.evidence],
    fromNs: first.fromNs,
    untilNs,
  }
  for (const { ref, title, evidence, ...span } of each)
    yield { ...common, from, to: ref, because: `${title} is in namespace ${namespace}`, evidence: [evidence], ...span }
}

/** Its namespace, as its record has it. */
export function memberOf(
  title: string,
  ref: EntityRef & { namespace: string | null; validFromNs: bigint; deletedNs: bigint | null },
): Member[] {
  const span = together(ref)
  const { scope, kind, key } = ref
  return span === null ? [] : [{ ref: { scope, kind, key }, title, evidence: shown(ref, 'namespace', ref.namespace ?? ''), ...span }]
}
