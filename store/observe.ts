/**
 * Inventory as collectors report it: what is new, what changed, what has gone. Only a collector of inventory writes
 * here; alert text never does.
 */
import { sql } from 'kysely'
import {
  comesAlong,
  quarterHourNs,
  type Entity,
  type EntityKind,
  type EntityRef,
  type NewEntity,
  type NewRelation,
} from '../domain/entity.ts'
import { InvariantError } from '../domain/errors.ts'
import { toDate } from '../domain/event-time.ts'
import type { Queryable, Transaction } from './database.ts'
import { markUnits, unitsOf } from './graph-units.ts'
import { idsOf, refKey, type RowIds, upsertRelations } from './relations.ts'
import { reconsider } from './reconsider.ts'
import { escapeText, jsonText, unescapeDeep } from './values.ts'

/**
 * `changed`: objects that were new or different, `differing` those with what comes along. `news`: what may explain alerts that nothing explained
 * before. `assumed`: an identity was seen to be taken by one that nobody had seen take it.
 */
export type Observed = { changed: number; differing: NewEntity[]; news: EntityRef[]; assumed: boolean }

/** Writes entities and relations; an older observation never overwrites a newer one. */
export async function upsertInventory(
  tx: Transaction,
  {
    sourceId,
    inventory,
    entities,
    relations,
  }: { sourceId: string | null; inventory: boolean; entities: readonly NewEntity[]; relations: readonly NewRelation[] },
): Promise<Observed> {
  const { ids, ...observed } = await upsertEntities(tx, sourceId, inventory ? 'inventory' : 'derived', newestOfEach(entities))
  const [foreign] = inventory ? [] : relations.filter((relation) => !mayBeDerived(relation))
  if (foreign !== undefined)
    throw new InvariantError(
      `${foreign.type} is for inventory to tell: who owns what, and what runs where, leads to the targets of actions`,
    )
  if (entities.length > 0) await noteSightings(tx, sourceId, entities, ids)
  return { ...observed, assumed: relations.length > 0 && (await upsertRelations(tx, witnessOf(sourceId), relations, ids)) }
}

/** Nothing of these leads to what an action could target. */
const mayBeDerived = ({ from, type }: NewRelation): boolean =>
  type === 'HAS_PACKAGE' || type === 'ASSUMES' || (type === 'CONTAINS' && from.kind === 'cloud_account')

/** Whose word it is; "nobody" for what was brought in without a source. */
export const witnessOf = (sourceId: string | null): string => sourceId ?? '00000000-0000-0000-0000-000000000000'

/** Who saw it, and from when until when: written again at most every quarter of an hour. */
async function noteSightings(tx: Transaction, sourceId: string | null, entities: readonly NewEntity[], ids: RowIds): Promise<void> {
  const seen = new Map<bigint, { first: bigint; last: bigint }>()
  for (const entity of entities) {
    const at = entity.observedNs
    const id = ids.get(refKey(entity)) as bigint
    const before = seen.get(id)
    if (before === undefined) seen.set(id, { first: at, last: at })
    else if (at < before.first) before.first = at
    else if (at > before.last) before.last = at
  }
  const rows = [...seen].sort(([a], [b]) => (a < b ? -1 : 1))
  await tx.query(sql`insert into entity_sightings as o (entity_id, witness, first_ns, last_ns)
    select id, ${witnessOf(sourceId)}::uuid, first, last from unnest(${rows.map(([id]) => String(id))}::bigint[],
      ${rows.map(([, { first }]) => String(first))}::bigint[], ${rows.map(([, { last }]) => String(last))}::bigint[]) as r(id, first, last)
    on conflict (entity_id, witness) do update set last_ns = greatest(o.last_ns, excluded.last_ns), first_ns = least(o.first_ns, excluded.first_ns)
      where excluded.last_ns > o.last_ns + ${quarterHourNs} or excluded.first_ns < o.first_ns`)
}

/** In one order everywhere, so that two writers seldom wait for each other in a circle. */
function newestOfEach(entities: readonly NewEntity[]): NewEntity[] {
  const newest = new Map<string, NewEntity>()
  for (const entity of entities) {
    const key = refKey(entity)
    const before = newest.get(key)
    if (before === undefined || before.observedNs <= entity.observedNs) newest.set(key, entity)
  }
  return [...newest.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entity]) => entity)
}

/** What a scanner says of an entity (`derived`) never overwrites what inventory said, and makes no target of it. */
async function upsertEntities(
  tx: Transaction,
  sourceId: string | null,
  origin: Entity['origin'],
  entities: readonly NewEntity[],
): Promise<Omit<Observed, 'assumed'> & { ids: Map<string, bigint> }> {
  if (entities.length === 0) return { changed: 0, differing: [], news: [], ids: new Map() }
  const rows = entities.map(({ scope, kind, key, name, namespace, properties, observedNs, validFromNs, deletedNs }, at) => ({
    at,
    scope,
    kind,
    key,
    name,
    namespace,
    properties,
    observed_ns: observedNs,
    valid_from_ns: validFromNs,
    deleted_ns: deletedNs,
  }))
  const compared = await seenAgain(tx, sourceId, origin, rows)
  const known = new Map(compared.map((row) => [row.at, row]))
  const ids = new Map(compared.map(({ at, id }) => [refKey(entities[at] as NewEntity), id]))
  const toWrite = rows.filter(({ at }) => known.get(at)?.written !== true)
  for (const written of await writeEntities(tx, sourceId, origin, toWrite)) ids.set(refKey(written), written.id)
  // Written by another meanwhile, and not to be overwritten.
  for (const [name, id] of await idsOf(
    tx,
    entities.map(named).filter(([name]) => !ids.has(name)),
  ))
    ids.set(name, id)
  const differing = entities.filter((_entity, at) => known.get(at)?.same !== true)
  return {
    changed: differing.filter((entity) => !comesAlong.has(entity.kind)).length,
    differing,
    news: entities.filter((_entity, at) => known.get(at)?.news ?? true),
    ids,
  }
}

const named = (entity: NewEntity): [string, NewEntity] => [refKey(entity), entity]
const shape = sql`r(at integer, scope text, kind text, key text, name text, namespace text, properties jsonb, observed_ns bigint, valid_from_ns bigint, deleted_ns bigint)`

/** Compares what is known with what is told of it. Where nothing but the time is new, which is nearly everything, that alone is written. */
async function seenAgain(
  tx: Transaction,
  sourceId: string | null,
  origin: Entity['origin'],
  rows: readonly object[],
): Promise<{ at: number; id: bigint; same: boolean; news: boolean; written: boolean }[]> {
  const nothingElse = sql`e.origin = ${origin} and e.name = r.name and e.namespace is not distinct from r.namespace and e.deleted_ns is not distinct from r.deleted_ns
    and e.valid_from_ns <= r.valid_from_ns and e.first_ns <= least(r.observed_ns, r.valid_from_ns) and e.properties = r.properties
    and (e.source_id = ${sourceId}::uuid or ${sourceId}::uuid is null)`
  const beside = sql`e.scope = r.scope and e.kind = r.kind and e.key = r.key`
  return tx.query(sql<{ at: number; id: bigint; same: boolean; news: boolean; written: boolean }>`
    with told as materialized (select * from jsonb_to_recordset(${jsonText(rows)}::jsonb) as ${shape}),
      touched as (update entities e set last_ns = r.observed_ns from told r where ${beside} and e.last_ns < r.observed_ns and ${nothingElse} returning r.at, e.id)
    select at, id, true as written, true as same, false as news from touched
    union all select r.at, e.id, false,
      (e.origin = ${origin} or e.origin = 'inventory') and e.name = r.name and e.deleted_ns is not distinct from r.deleted_ns and same.properties,
      e.origin <> ${origin} or e.name <> r.name or e.namespace is distinct from r.namespace or e.valid_from_ns > r.valid_from_ns
        or e.deleted_ns is distinct from r.deleted_ns or not same.properties and (
          exists (select 1 from unnest(${telling}::text[]) t(name) where e.properties->t.name is distinct from r.properties->t.name)
          or e.kind = 'pod' and e.properties->'labels' is distinct from r.properties->'labels'
          or e.kind = 'service_account' and e.properties->'annotations' is distinct from r.properties->'annotations')
    from told r join entities e on ${beside} cross join lateral (select e.properties = r.properties offset 0) same(properties)
    where r.at not in (select at from touched)`)
}

async function writeEntities(
  tx: Transaction,
  sourceId: string | null,
  origin: Entity['origin'],
  rows: readonly object[],
): Promise<(EntityRef & { id: bigint })[]> {
  if (rows.length === 0) return []
  // A bare row that a relation made says nothing yet, whenever that was.
  const newer = sql`(excluded.last_ns >= e.last_ns or e.origin = 'derived' and (excluded.origin = 'inventory' or e.properties = '{}'::jsonb))`
  const written = await tx.query(sql<EntityRef & { id: bigint }>`
    insert into entities as e (scope, kind, key, name, namespace, properties, origin, source_id, first_ns, last_ns, valid_from_ns, deleted_ns)
    select scope, kind, key, name, namespace, properties, ${origin}, ${sourceId}::uuid, least(observed_ns, valid_from_ns), observed_ns, valid_from_ns, deleted_ns
    from jsonb_to_recordset(${jsonText(rows)}::jsonb) as ${shape} order by at
    on conflict (scope, kind, key) do update set
      name = case when ${newer} then excluded.name else e.name end,
      namespace = case when ${newer} then excluded.namespace else e.namespace end,
      properties = case when ${newer} then excluded.properties else e.properties end,
      deleted_ns = case when ${newer} then excluded.deleted_ns else coalesce(e.deleted_ns, excluded.deleted_ns) end,
      first_ns = least(e.first_ns, excluded.first_ns), last_ns = greatest(e.last_ns, excluded.last_ns), valid_from_ns = least(e.valid_from_ns, excluded.valid_from_ns),
      origin = case when e.origin = 'inventory' then e.origin else excluded.origin end, source_id = coalesce(excluded.source_id, e.source_id)
    where excluded.origin = 'inventory' or e.origin = 'derived' returning e.id, e.scope, e.kind, e.key`)
  return unescapeDeep(written)
}
/** Properties that say where something is, whose it is, and by what others know it. */
const telling = ['owner', 'node', 'ip', 'serviceAccount', 'hostNetwork', 'clusterIP', 'selector', 'providerId']

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

/** Marks what a full list no longer shows as gone. Answers how many. */
export async function markDeleted(
  tx: Transaction,
  scope: string,
  kind: EntityKind,
  keys: readonly string[],
  atNs: bigint,
): Promise<number> {
  if (keys.length === 0) return 0
  const gone = await tx.query(
    sql<{
      namespace: string | null
      name: string
    }>`update entities set deleted_ns = ${atNs} where scope = ${escapeText(scope)} and kind = ${kind} and key = any(${keys.map(escapeText)}::text[]) and deleted_ns is null
      returning namespace, name`,
  )
  await reconsider(
    tx,
    keys.map((key) => ({ scope, kind, key })),
  )
  await markUnits(
    tx,
    gone.flatMap(({ namespace, name }) => unitsOf({ scope, kind, namespace, name })),
    toDate(atNs),
  )
  return gone.length
}
