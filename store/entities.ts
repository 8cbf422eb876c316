/**
 * Inventory as it is asked about: entities and what stands beside them, time-valid, so that a pod that lived 40
 * seconds can still be found. Written by observe.ts alone.
 */
import { type RawBuilder, sql } from 'kysely'
import { type Entity, type EntityKind, type EntityRef, graceNs, type RelationType } from '../domain/entity.ts'
import type { Queryable } from './database.ts'
import { escapeText, unescapeDeep } from './values.ts'

type Row = {
  id: bigint
  scope: string
  kind: EntityKind
  key: string
  name: string
  namespace: string | null
  properties: Record<string, unknown>
  origin: 'inventory' | 'derived'
  source_id: string | null
  first_ns: bigint
  last_ns: bigint
  valid_from_ns: bigint
  deleted_ns: bigint | null
}
const columns = sql`id, scope, kind, key, name, namespace, properties, origin, source_id::text, first_ns, last_ns, valid_from_ns, deleted_ns`

export async function getEntity(db: Queryable, id: bigint | string): Promise<Entity | undefined> {
  if (!/^\d{1,18}$/.test(String(id))) return undefined
  return first(db, sql`id = ${BigInt(id)}`)
}

export async function getEntities(db: Queryable, ids: readonly bigint[]): Promise<Entity[]> {
  if (ids.length === 0) return []
  return many(db, sql`id = any(${ids.map(String)}::bigint[])`, 10_000)
}

export async function findEntity(db: Queryable, ref: EntityRef): Promise<Entity | undefined> {
  return first(db, sql`scope = ${escapeText(ref.scope)} and kind = ${ref.kind} and key = ${escapeText(ref.key)} and origin = 'inventory'`)
}

/** Containers whose id begins so and that inventory knew to exist between these moments. Two rows mean the prefix is ambiguous. */
export async function containersByPrefix(
  db: Queryable,
  scope: string,
  prefix: string,
  fromNs: bigint,
  untilNs = fromNs,
  limit = 3,
): Promise<Entity[]> {
  if (!/^[0-9a-f]{6,64}$/.test(prefix)) return []
  return many(
    db,
    sql`scope = ${escapeText(scope)} and kind = 'container' and key like ${`${prefix}%`} and origin = 'inventory' and ${existedBetween(fromNs, untilNs)}`,
    limit,
  )
}

/** Pods of that name that inventory knew to exist between these moments. */
export async function podsByName(
  db: Queryable,
  scope: string,
  namespace: string,
  name: string,
  fromNs: bigint,
  untilNs = fromNs,
  limit = 3,
): Promise<Entity[]> {
  return many(
    db,
    sql`scope = ${escapeText(scope)} and kind = 'pod' and namespace = ${escapeText(namespace)} and name = ${escapeText(name)} and origin = 'inventory' and ${existedBetween(fromNs, untilNs)}`,
    limit,
  )
}

/** Current entities of a kind, by namespace and name; for the cluster page, lists and completion. */
export async function listEntities(
  db: Queryable,
  filter: { scope?: string; kind?: EntityKind; namespace?: string; afterId?: bigint; limit: number },
): Promise<Entity[]> {
  return many(
    db,
    sql`(${filter.scope ?? null}::text is null or scope = ${filter.scope ?? null}) and (${filter.kind ?? null}::text is null or kind = ${filter.kind ?? null})
    and (${filter.namespace ?? null}::text is null or namespace = ${filter.namespace ?? null}) and id > ${filter.afterId ?? 0n} and deleted_ns is null`,
    filter.limit,
  )
}

/** What stands one relation away. */
export async function relatedEntities(db: Queryable, id: bigint, type: RelationType, direction: 'out' | 'in'): Promise<Entity[]> {
  return many(
    db,
    direction === 'out'
      ? sql`id in (select dst from relations where src = ${id} and type = ${type})`
      : sql`id in (select src from relations where dst = ${id} and type = ${type})`,
    1_000,
  )
}

/** The entity and everything that owns it, nearest first, as far as inventory knows. */
export async function ownersOf(db: Queryable, id: bigint): Promise<Entity[]> {
  return (
    await db.query(sql<Row>`with recursive up(id, depth) as (select ${id}::bigint, 0 union select r.src, up.depth + 1 from up join relations r on r.dst = up.id and r.type = 'OWNS' where up.depth < 8)
    select ${columns} from entities join (select id, min(depth) as depth from up group by id) u using (id) where origin = 'inventory' order by depth, id`)
  ).map(fromRow)
}

/** How much inventory each scope has, and how fresh it is. */
export async function inventoryFreshness(db: Queryable): Promise<{ scope: string; entities: number; pods: number; lastNs: bigint }[]> {
  const rows = await db.query(sql<{
    scope: string
    entities: bigint
    pods: bigint
    last_ns: bigint
  }>`select scope, count(*) as entities, count(*) filter (where kind = 'pod') as pods, max(last_ns) as last_ns
    from entities where origin = 'inventory' and deleted_ns is null group by scope order by scope`)
  return rows.map((row) => ({ scope: row.scope, entities: Number(row.entities), pods: Number(row.pods), lastNs: row.last_ns }))
}

/** `existedAt` in SQL, for some moment between the two. */
const existedBetween = (fromNs: bigint, untilNs: bigint): RawBuilder<unknown> =>
  sql`valid_from_ns <= ${untilNs + graceNs} and (deleted_ns is null or deleted_ns >= ${fromNs - graceNs})`

async function many(db: Queryable, condition: RawBuilder<unknown>, limit: number): Promise<Entity[]> {
  return (await db.query(sql<Row>`select ${columns} from entities where ${condition} order by id limit ${limit}`)).map(fromRow)
}
async function first(db: Queryable, condition: RawBuilder<unknown>): Promise<Entity | undefined> {
  return (await many(db, condition, 1))[0]
}

const fromRow = (row: Row): Entity => ({
  id: row.id,
  origin: row.origin,
  kind: row.kind,
  sourceId: row.source_id,
  firstNs: row.first_ns,
  lastNs: row.last_ns,
  observedNs: row.last_ns,
  validFromNs: row.valid_from_ns,
  deletedNs: row.deleted_ns,
  ...unescapeDeep({ scope: row.scope, key: row.key, name: row.name, namespace: row.namespace, properties: row.properties }),
})
