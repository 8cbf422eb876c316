/**
 * Inventory as it is asked about: entities and what stands beside them, time-valid, so that a pod that lived 40
 * seconds can still be found. Written by observe.ts alone.
 */
import { type RawBuilder, sql } from 'kysely'
import { type Entity, type EntityKind, type EntityRef, graceNs, type RelationType } from '../domain/entity.ts'
import { isRowNumber } from '../domain/ids.ts'
import { stringifyExact } from '../domain/exact-json.ts'
import type { Queryable } from './database.ts'
import { escapeDeep, unescapeDeep } from './values.ts'

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
  if (!isRowNumber(String(id))) return undefined
  return first(db, sql`id = ${BigInt(id)}`)
}

export async function getEntities(db: Queryable, ids: readonly bigint[]): Promise<Entity[]> {
  if (ids.length === 0) return []
  return many(db, sql`id = any(${ids.map(String)}::bigint[])`, 10_000)
}

export async function findEntity(db: Queryable, ref: EntityRef): Promise<Entity | undefined> {
  return (await findEntities(db, [ref]))[0]
}

/** The inventory record of each of these, in order, or undefined. */
export async function findEntities(db: Queryable, refs: readonly EntityRef[]): Promise<(Entity | undefined)[]> {
  const shape = sql`scope text, kind text, key text`
  const found = await foundFor(db, refs, { shape, condition: sql`e.scope = q.scope and e.kind = q.kind and e.key = q.key`, limit: 1 })
  return found.map(([entity]) => entity)
}

/** Users and roles of clouds by their ARNs, in order, or undefined. Audit logs write most of them: a lead, never a target. */
export async function identitiesByKey(db: Queryable, keys: readonly string[]): Promise<(Entity | undefined)[]> {
  const found = await many(db, sql`scope = 'global' and kind = 'identity' and key = any(${escapeDeep([...keys])}::text[])`, keys.length)
  const byKey = new Map(found.map((entity) => [entity.key, entity]))
  return keys.map((key) => byKey.get(key))
}

/** For each scope and prefix: containers whose id begins so and that inventory knew to exist then. Two mean the prefix is ambiguous. */
export async function containersByPrefix(
  db: Queryable,
  asked: readonly { scope: string; prefix: string }[],
  during: Stretch,
  limit = 3,
): Promise<Entity[][]> {
  // Compared byte by byte, as the index is ordered; "g" comes after every digit an id is written with.
  const condition = sql`q.prefix ~ '^[0-9a-f]{6,64}$' and e.scope = q.scope and e.kind = 'container' and e.key ~>=~ q.prefix and e.key ~<~ (q.prefix || 'g')
    and ${existedDuring(during)}`
  return foundFor(db, asked, { shape: sql`scope text, prefix text`, condition, limit })
}

/** For each scope, namespace and name: pods that inventory knew to exist then. */
export async function podsByName(
  db: Queryable,
  asked: readonly { scope: string; namespace: string; name: string }[],
  during: Stretch,
  limit = 3,
): Promise<Entity[][]> {
  const condition = sql`e.scope = q.scope and e.kind = 'pod' and e.namespace = q.namespace and e.name = q.name and ${existedDuring(during)}`
  return foundFor(db, asked, { shape: sql`scope text, namespace text, name text`, condition, limit })
}

/** A stretch of event time; meant is what existed at some moment of it. */
export type Stretch = { fromNs: bigint; untilNs: bigint }
/** `existedAt` in SQL. */
export const existedDuring = ({ fromNs, untilNs }: Stretch): RawBuilder<unknown> =>
  sql`e.valid_from_ns <= ${untilNs + graceNs} and (e.deleted_ns is null or e.deleted_ns >= ${fromNs - graceNs})`

/** For store/ alone. One statement for all that is asked: up to `limit` records of inventory `e` for each question `q`, in the order of the questions. */
export async function foundFor(
  db: Queryable,
  asked: readonly object[],
  { shape, condition, limit }: { shape: RawBuilder<unknown>; condition: RawBuilder<unknown>; limit: number },
): Promise<Entity[][]> {
  const questions = stringifyExact(asked.map((question, place) => ({ ...escapeDeep(question), place })))
  const rows = await db.query(sql<
    Row & { place: number }
  >`select q.place, e.* from jsonb_to_recordset(${questions}::jsonb) as q(place integer, ${shape})
    cross join lateral (select ${columns} from entities e where ${condition} and e.origin = 'inventory' order by e.id limit ${limit}) e`)
  const found = asked.map((): Entity[] => [])
  for (const row of rows) found[row.place]?.push(fromRow(row))
  return found
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

/** Which of these stands in such a relation to what: each pair once, whoever says so. */
export async function relationsOf(
  db: Queryable,
  ids: readonly bigint[],
  types: readonly RelationType[],
  direction: 'out' | 'in',
): Promise<{ src: bigint; type: RelationType; dst: bigint }[]> {
  if (ids.length === 0) return []
  const end = direction === 'out' ? sql`src` : sql`dst`
  return db.query(sql<{ src: bigint; type: RelationType; dst: bigint }>`select distinct src, type, dst from relations
    where ${end} = any(${ids.map(String)}::bigint[]) and type = any(${[...types]}::text[]) order by src, type, dst limit 10000`)
}

/** Each entity and everything that owns it, nearest first, as far as inventory knows. */
export async function ownersOf(db: Queryable, ids: readonly bigint[]): Promise<Entity[][]> {
  const rows = await db.query(sql<
    Row & { of: bigint }
  >`with recursive up(of, id, depth) as (select id, id, 0 from unnest(${ids.map(String)}::bigint[]) id
      union select up.of, r.src, up.depth + 1 from up join relations r on r.dst = up.id and r.type = 'OWNS' where up.depth < 8)
    select u.of, ${columns} from entities join (select of, id, min(depth) as depth from up group by of, id) u using (id) where origin = 'inventory' order by depth, id`)
  const owners = new Map(ids.map((id): [bigint, Entity[]] => [id, []]))
  for (const row of rows) owners.get(row.of)?.push(fromRow(row))
  return ids.map((id) => owners.get(id) ?? [])
}

/** All of them, by key; for store/ alone, which bounds what it asks for. */
export async function allEntitiesWhere(db: Queryable, condition: RawBuilder<unknown>): Promise<Entity[]> {
  return (await db.query(sql<Row>`select ${columns} from entities where ${condition} order by kind, key`)).map(fromRow)
}

/** What is there now and what inventory wrote first; for store/ alone. */
export async function entitiesInOrder(db: Queryable, condition: RawBuilder<unknown>, limit: number): Promise<Entity[]> {
  return (
    await db.query(
      sql<Row>`select ${columns} from entities where ${condition} order by deleted_ns is not null, origin <> 'inventory', scope, kind, namespace, name, id limit ${limit}`,
    )
  ).map(fromRow)
}

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
