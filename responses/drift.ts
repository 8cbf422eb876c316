/**
 * Drift: what differs between the plan that was approved and a fresh plan of the same action. Status churn is no part of a plan,
 * so it is no drift; nor is a smaller blast radius. The words a person read are compared too: they say what the requests do.
 */
import { canonicalJson } from '../domain/canonical-json.ts'
import type { Plan } from '../domain/proposal.ts'

/** Names of what changed, in words for the person; empty when the approved plan still is what would be done. */
export function driftBetween(approved: Plan, fresh: Plan): string[] {
  const differs = (a: unknown, b: unknown): boolean => canonicalJson(a) !== canonicalJson(b)
  const drift: string[] = []
  if (approved.clusterId !== fresh.clusterId || approved.simulated !== fresh.simulated) drift.push('another cluster answers now')
  if (approved.target.uid !== fresh.target.uid) drift.push('the target was replaced by another of the same name')
  if (approved.declared.owner !== fresh.declared.owner) drift.push('the owner changed')
  if (differs(approved.declared.labels, fresh.declared.labels)) drift.push('the labels changed')
  if (differs(approved.declared.images, fresh.declared.images)) drift.push('the images changed')
  else if (approved.declared.specDigest !== fresh.declared.specDigest) drift.push('the declared specification changed')
  if (differs([approved.params, approved.requests], [fresh.params, fresh.requests])) drift.push('the change would be another one')
  if (differs([approved.undo, approved.undoRequests], [fresh.undo, fresh.undoRequests])) drift.push('the undo would be another one')
  if (approved.summary !== fresh.summary || approved.diff !== fresh.diff) drift.push('the change is described otherwise now')
  const name = (one: { kind: string; namespace: string | null; name: string }): string =>
    `${one.kind} ${one.namespace === null ? '' : `${one.namespace}/`}${one.name}`
  const before = new Set(approved.blastRadius.affected.map(name))
  const grown = fresh.blastRadius.affected.map(name).filter((one) => !before.has(one))
  if (grown.length > 0)
    drift.push(`it would now also affect ${grown.slice(0, 5).join(', ')}${grown.length > 5 ? ` and ${grown.length - 5} more` : ''}`)
  return drift
}
