/** Contexts of alerts as memberships keep them, by ids, with the records of inventory that those name as they are now. */
import type { Entity } from '../domain/entity.ts'
import type { Queryable } from '../store/database.ts'
import { getEntities } from '../store/entities.ts'
import type { ContextIds } from '../store/memberships.ts'
import type { AlertContext } from './context.ts'

/** By id. */
export type NamedRecords = ReadonlyMap<string, Entity>

export async function recordsNamed(db: Queryable, contexts: readonly ContextIds[]): Promise<NamedRecords> {
  const ids = contexts
    .flatMap(({ container, pod, workload, node, identity }) => [container, pod, workload, node, identity ?? null])
    .filter((id) => id !== null)
  return new Map((await getEntities(db, [...new Set(ids)].map(BigInt))).map((entity) => [entity.id.toString(), entity]))
}

export function contextFrom({ container, pod, workload, node, identity, inferred, how }: ContextIds, records: NamedRecords): AlertContext {
  const find = (id: string | null): Entity | null => (id === null ? null : (records.get(id) ?? null))
  const who = find(identity ?? null)
  const place = { container: find(container), pod: find(pod), workload: find(workload), node: find(node) }
  return { ...place, ...(who === null ? {} : { identity: who }), inferred, how }
}
