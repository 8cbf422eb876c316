/**
 * Inventory: entities and relations as collectors saw them, time-valid, so that a pod that lived 40 seconds can
 * still be asked about. Only a collector of inventory writes here; alert text never does.
 */
import { type RawBuilder, sql } from 'kysely'
import type { Entity, EntityKind, EntityRef, NewEntity, NewRelation, RelationType } from '../domain/entity.ts'
import { stringifyExact } from '../domain/exact-json.ts'
import type { Queryable, Transaction } from './database.ts'
import { escapeDeep, escapeText, unescapeDeep } from './values.ts'

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

/** What an object brings along; not counted as observations of their own. */
const parts: ReadonlySet<EntityKind> = new Set(['container', 'image'])

/** Writes entities and relations; an older observation never overwrites a newer one. Answers how many objects were new or changed. */
export async function upsertInventory(
  tx: Transaction,
  sourceId: string | null,
  entities: readonly NewEntity[],
  relations: readonly NewRelation[],
): Promise<number> {
  let changed = 0
  const newest = new Map<string, NewEntity>()
  for (const entity of entities) {
    const key = refKey(entity)
    const before = newest.get(key)
    if (before === undefined || before.observedNs <= entity.observedNs) newest.set(key, entity)
  }
  if (newest.size > 0) {
    const rows = [...newest.entries()]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, entity]) =>
        escapeDeep({
          scope: entity.scope,
          kind: entity.kind,
          key: entity.key,
          name: entity.name,
          namespace: entity.namespace,
          properties: entity.properties,
          observed_ns: entity.observedNs,
          valid_from_ns: entity.validFromNs,
          deleted_ns: entity.deletedNs,
        }),
      )
    const objects = rows.filter((row) => !parts.has(row.kind))
    const [same] = await tx.query(sql<{
      n: bigint
    }>`select count(*) as n from jsonb_to_recordset(${stringifyExact(objects)}::jsonb) as r(scope text, kind text, key text, name text, properties jsonb, deleted_ns bigint)
      join entities e on e.scope = r.scope and e.kind = r.kind and e.key = r.key and e.origin = 'inventory' and e.name = r.name and e.properties = r.properties and e.deleted_ns is not distinct from r.deleted_ns`)
    changed = objects.length - Number(same?.n ?? 0n)
    await tx.query(sql`insert into entities as e (scope, kind, key, name, namespace, properties, origin, source_id, first_ns, last_ns, valid_from_ns, deleted_ns)
      select scope, kind, key, name, namespace, properties, 'inventory', ${sourceId}::uuid, least(observed_ns, valid_from_ns), observed_ns, valid_from_ns, deleted_ns
      from jsonb_to_recordset(${stringifyExact(rows)}::jsonb) as r(scope text, kind text, key text, name text, namespace text, properties jsonb, observed_ns bigint, valid_from_ns bigint, deleted_ns bigint)
      on conflict (scope, kind, key) do update set
        name = case when excluded.last_ns >= e.last_ns then excluded.name else e.name end,
        namespace = case when excluded.last_ns >= e.last_ns then excluded.namespace else e.namespace end,
        properties = case when excluded.last_ns >= e.last_ns then excluded.properties else e.properties end,
        deleted_ns = case when excluded.last_ns >= e.last_ns then excluded.deleted_ns else coalesce(e.deleted_ns, excluded.deleted_ns) end,
        first_ns = least(e.first_ns, excluded.first_ns), last_ns = greatest(e.last_ns, excluded.last_ns), valid_from_ns = least(e.valid_from_ns, excluded.valid_from_ns),
        origin = 'inventory', source_id = coalesce(excluded.source_id, e.source_id)`)
  }
  if (relations.length > 0) await upsertRelations(tx, relations)
  return changed
}

export const countObjects = (entities: readonly NewEntity[]): number => entities.filter((entity) => !parts.has(entity.kind)).length

/** A relation whose end is not known yet makes a bare, `derived` row for it: no action may target one. */
async function upsertRelations(tx: Transaction, relations: readonly NewRelation[]): Promise<void> {
  const unique = new Map(relations.map((relation) => [`${refKey(relation.from)}\n${relation.type}\n${refKey(relation.to)}`, relation]))
  const rows = [...unique.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { from, type, to, observedNs }]) =>
      escapeDeep({ fs: from.scope, fk: from.kind, fkey: from.key, type, ts: to.scope, tk: to.kind, tkey: to.key, at: observedNs }),
    )
  const input = sql`jsonb_to_recordset(${stringifyExact(rows)}::jsonb) as r(fs text, fk text, fkey text, type text, ts text, tk text, tkey text, at bigint)`
  await tx.query(sql`insert into entities (scope, kind, key, name, properties, origin, first_ns, last_ns, valid_from_ns)
    select distinct on (s, k, n) s, k, n, n, '{}'::jsonb, 'derived', at, at, at from (
      select fs s, fk k, fkey n, at from ${input} union all select ts, tk, tkey, at from ${input}) ends
    order by s, k, n on conflict (scope, kind, key) do nothing`)
  await tx.query(sql`insert into relations as o (src, type, dst, first_ns, last_ns)
    select f.id, r.type, t.id, min(r.at), max(r.at) from ${input}
      join entities f on f.scope = r.fs and f.kind = r.fk and f.key = r.fkey join entities t on t.scope = r.ts and t.kind = r.tk and t.key = r.tkey
    group by 1, 2, 3 order by 1, 2, 3
    on conflict (src, type, dst) do update set last_ns = greatest(o.last_ns, excluded.last_ns), first_ns = least(o.first_ns, excluded.first_ns)
      where excluded.last_ns > o.last_ns or excluded.first_ns < o.first_ns`)
}

const refKey = (ref: EntityRef): string => `${ref.scope}\n${ref.kind}\n${ref.key}`

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

/** Containers whose id begins so and that inventory knew to exist at `atNs`. Two rows mean the prefix is ambiguous. */
export async function containersByPrefix(db: Queryable, scope: string, prefix: string, atNs: bigint): Promise<Entity[]> {
  if (!/^[0-9a-f]{6,64}$/.test(prefix)) return []
  return many(
    db,
    sql`scope = ${escapeText(scope)} and kind = 'container' and key like ${`${prefix}%`} and origin = 'inventory' and ${validAt(atNs)}`,
    3,
  )
}

/** Pods of that name that inventory knew to exist at `atNs`. */
export async function podsByName(db: Queryable, scope: string, namespace: string, name: string, atNs: bigint): Promise<Entity[]> {
  return many(
    db,
    sql`scope = ${escapeText(scope)} and kind = 'pod' and namespace = ${escapeText(namespace)} and name = ${escapeText(name)} and origin = 'inventory' and ${validAt(atNs)}`,
    3,
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

/** Keys of current entities of these kinds: what a fresh list is compared with to see what has gone. */
export async function currentKeys(db: Queryable, scope: string, kind: EntityKind): Promise<string[]> {
  return (
    await db.query(
      sql<{
        key: string
      }>`select key from entities where scope = ${scope} and kind = ${kind} and origin = 'inventory' and deleted_ns is null`,
    )
  ).map((row) => row.key)
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

/** Marks what a full list no longer shows as gone. Answers how many. */
export async function markDeleted(
  tx: Transaction,
  scope: string,
  kind: EntityKind,
  keys: readonly string[],
  atNs: bigint,
): Promise<number> {
  if (keys.length === 0) return 0
  return (
    await tx.query(
      sql`update entities set deleted_ns = ${atNs} where scope = ${escapeText(scope)} and kind = ${kind} and key = any(${keys.map(escapeText)}::text[]) and deleted_ns is null returning 1`,
    )
  ).length
}

// A sensor reports a pod's last acts after inventory saw it go: two minutes of grace on both sides.
const grace = 120_000_000_000n
const validAt = (atNs: bigint): RawBuilder<unknown> =>
  sql`valid_from_ns <= ${atNs + grace} and (deleted_ns is null or deleted_ns >= ${atNs - grace})`

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
