/** What every object of Kubernetes says of itself in the same way. */
import type { PodProperties } from '../../domain/entity.ts'
import { type Json, list, record, strings, text } from './fields.ts'

/** kubectl’s own annotation repeats the whole object, environment values included. */
export const kept = (annotations: Record<string, string>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(annotations).filter(
      ([name, value]) => name !== 'kubectl.kubernetes.io/last-applied-configuration' && value.length <= 512,
    ),
  )
export const labelsAndAnnotations = (metadata: Json): { labels: Record<string, string>; annotations: Record<string, string> } => ({
  labels: strings(metadata.labels),
  annotations: kept(strings(metadata.annotations)),
})

export function ownerOf(metadata: Json): PodProperties['owner'] {
  const owners = list(metadata.ownerReferences).map(record)
  const owner = owners.find((candidate) => candidate.controller === true) ?? owners[0]
  const [kind, name, uid] = [text(owner?.kind), text(owner?.name), text(owner?.uid)]
  return kind === null || name === null || uid === null ? null : { kind, name, uid }
}
