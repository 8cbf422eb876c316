/** Open findings of things in the graph. Scanners name pods and workloads by name where inventory has UIDs, and images by any of their digests: met here. */
import { type RawBuilder, sql } from 'kysely'
import type { Entity } from '../domain/entity.ts'
import type { FindingClass } from '../domain/finding.ts'
import { type Severity, severityFromId } from '../domain/severity.ts'
import type { Queryable } from './database.ts'
import { entitiesInOrder } from './entities.ts'
import { unescapeDeep } from './values.ts'

/** The keys under which findings speak of entity `e`: its own, its aliases, and of what has a UID its place and name. */
const findingKeysOf = (e: RawBuilder<unknown>): RawBuilder<unknown> => sql`(select ${e}.key
  union select a.also_key from entity_aliases a where a.kind = ${e}.kind and a.key = ${e}.key and a.scope = ${e}.scope
  union select a.key from entity_aliases a where a.kind = ${e}.kind and a.also_key = ${e}.key and a.scope = ${e}.scope
  union select ${e}.namespace || '/' || case ${e}.kind when 'pod' then 'Pod' else ${e}.properties->>'workloadKind' end || '/' || ${e}.name where ${e}.kind in ('pod', 'workload'))`

export type FindingAt = {
  entityId: bigint
  id: string
  check: string
  class: FindingClass
  title: string
  severity: Severity | null
  total: number
}

/**
 * The `per` most severe open ones of each entity; `total` counts all of them. Findings of a cluster's objects are that cluster's own. `offset 0` keeps
 * Postgres from walking all open findings in the order of the limit, which finds these few at the end: they are found by their resource.
 */
export async function findingsAt(
  db: Queryable,
  entityIds: readonly bigint[],
  { now, per }: { now: Date; per: number },
): Promise<FindingAt[]> {
  if (entityIds.length === 0) return []
  const rows = await db.query(sql<{
    entity_id: bigint
    id: string
    check_id: string
    class: FindingClass
    title: string
    severity: number | null
    total: bigint
  }>`select e.id as entity_id, f.id::text, f.check_id, f.class, f.title, f.severity, f.total from entities e
      cross join lateral (select array(${findingKeysOf(sql`e`)}) as keys offset 0) k cross join lateral (
      select f.*, count(*) over () as total from (select f.id, f.check_id, f.class, f.title, f.severity, f.last_ns from findings f
          where f.resource_kind = e.kind and f.resource_key = any(k.keys) and f.status = 'open'
            and (f.suppressed_until > ${now}) is not true and (e.scope = 'global' or f.scope = e.scope) offset 0) f
      order by coalesce(f.severity, 0::smallint) desc, f.last_ns desc, f.id limit ${per}) f
    where e.id = any(${entityIds.map(String)}::bigint[]) order by e.id, coalesce(f.severity, 0::smallint) desc, f.id`)
  return rows.map(({ entity_id: entityId, check_id: check, severity, total, ...row }) => ({
    ...unescapeDeep({ ...row, check }),
    entityId,
    severity: severity === null ? null : severityFromId(severity),
    total: Number(total),
  }))
}

/** The images that run in a place, from a container to the top of its owner chain, as inventory knows it now. */
export async function imagesIn(db: Queryable, id: bigint, limit: number): Promise<Entity[]> {
  const below = sql`with recursive below(id, depth) as (
      select ${id.toString()}::bigint, 0 union select r.dst, b.depth + 1 from below b join relations r on r.src = b.id and r.type in ('OWNS', 'HAS_CONTAINER', 'USES_IMAGE')
        join entities d on d.id = r.dst and d.deleted_ns is null where b.depth < 5)
    select id from below limit 5000`
  return entitiesInOrder(db, sql`kind = 'image' and id in (${below})`, limit)
}
