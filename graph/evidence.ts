/** What steps and facts are shown by: fields of records, how records are called, and since when and until when all of them existed. */
import { cut } from '../collectors/words.ts'
import type { Entity, EntityRef } from '../domain/entity.ts'
import type { Fix, StepEvidence } from '../domain/graph.ts'

export const refOf = ({ scope, kind, key }: EntityRef): EntityRef => ({ scope, kind, key })

const mostShown = 300
export const shown = (entity: EntityRef, path: string, value: unknown): StepEvidence => ({
  entity: refOf(entity),
  path,
  value: cut(typeof value === 'string' ? value : JSON.stringify(value), mostShown).toWellFormed(),
})

/** The same as a claim cites it: by row, and the path as fields are read by. */
export const shownIn = (id: bigint, { path, value }: { path: string; value: string }): { entity: string; path: string; value: string } => ({
  entity: String(id),
  path: path.replaceAll(/\[(\d+)\]/g, '.$1'),
  value,
})

const mostSaid = 400
export const fixed = (key: string, text: string, on: EntityRef): Fix => ({
  key: cut(key, mostSaid),
  text: cut(text, mostSaid),
  on: refOf(on),
})

/** "Service shop/checkout", "ClusterRoleBinding admins". `kind`: as Kubernetes calls it. */
export const titled = (kind: string, { namespace, name }: Pick<Entity, 'namespace' | 'name'>): string =>
  `${kind} ${namespace === null ? '' : `${namespace}/`}${name}`

export type Span = { fromNs: bigint; untilNs: bigint | null }
type Existed = Pick<Entity, 'validFromNs' | 'deletedNs'>

/** When all of these existed; null: never together. */
export function together(...records: readonly (Span | Existed)[]): Span | null {
  let fromNs = 0n
  let untilNs: bigint | null = null
  for (const record of records) {
    const [from, until] = 'fromNs' in record ? [record.fromNs, record.untilNs] : [record.validFromNs, record.deletedNs]
    if (from > fromNs) fromNs = from
    if (until !== null && (untilNs === null || until < untilNs)) untilNs = until
  }
  return untilNs !== null && untilNs < fromNs ? null : { fromNs, untilNs }
}

/** "a", "a and b", "a, b and 3 more". */
export function listed(names: readonly string[], most = 4): string {
  const unique = [...new Set(names)].sort()
  const named = unique.slice(0, unique.length > most ? most - 1 : most)
  const rest = unique.length - named.length
  const last = rest > 0 ? `${rest} more` : named.pop()
  return named.length === 0 ? (last ?? '') : `${named.join(', ')} and ${last}`
}
