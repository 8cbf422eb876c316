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
import { stringifyExact } from '../domain/exact-json.ts'
import { toDate } from '../domain/event-time.ts'
import type { Queryable, Transaction } from './database.ts'
import { markUnits, unitsOf } from './graph-units.ts'
import { refKey, upsertRelations } from './relations.ts'
import { reconsider } from './reconsider.ts'
import { escapeDeep, escapeText } from './values.ts'

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
  const observed = await upsertEntities(tx, sourceId, inventory ? 'inventory' : 'derived', newestOfEach(entities))
  const [foreign] = inventory ? [] : relations.filter((relation) => !mayBeDerived(relation))
  if (foreign !== undefined)
    throw new InvariantError(
      `${foreign.type} is for inventory to tell: who owns what, and what runs where, leads to the targets of actions`,
    )
  if (entities.length > 0) await noteSightings(tx, sourceId, entities)
  return { ...observed, assumed: relations.length > 0 && (await upsertRelations(tx, witnessOf(sourceId), relations)) }
}

/** Nothing of these leads to what an action could target. */
const mayBeDerived = ({ from, type }: NewRelation): boolean =>
  type === 'HAS_PACKAGE' || type === 'ASSUMES' || (type === 'CONTAINS' && from.kind === 'cloud_account')

/** Whose word it is; "nobody" for what was brought in without a source. */
export const witnessOf = (sourceId: string | null): string => sourceId ?? '00000000-0000-0000-0000-000000000000'

/** Who saw it, and from when until when: written again at most every quarter of an hour. */
async function noteSightings(tx: Transaction, sourceId: string | null, entities: readonly NewEntity[]): Promise<void> {
  const seen = new Map<string, EntityRef & { first: bigint; last: bigint }>()
  for (const { scope, kind, key, observedNs: at } of entities) {
    const before = seen.get(refKey({ scope, kind, key }))
    if (before === undefined) seen.set(refKey({ scope, kind, key }), { scope, kind, key, first: at, last: at })
    else if (at < before.first) before.first = at
    else if (at > before.last) before.last = at
  }
  await tx.query(sql`insert into entity_sightings as o (entity_id, witness, first_ns, last_ns)
    select e.id, ${witnessOf(sourceId)}::uuid, r.first, r.last from jsonb_to_recordset(${stringifyExact(escapeDeep([...seen.values()]))}::jsonb)
      as r(scope text, kind text, key text, first bigint, last bigint) join entities e on e.scope = r.scope and e.kind = r.kind and e.key = r.key order by e.id
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
): Promise<Omit<Observed, 'assumed'>> {
  if (entities.length === 0) return { changed: 0, differing: [], news: [] }
  const rows = entities.map((entity, at) => ({
    at,
    ...escapeDeep({ scope: entity.scope, kind: entity.kind, key: entity.key, name: entity.name, namespace: entity.namespace }),
    properties: escapeDeep(entity.properties),
    observed_ns: entity.observedNs,
    valid_from_ns: entity.validFromNs,
    deleted_ns: entity.deletedNs,
  }))
  const input = sql`jsonb_to_recordset(${stringifyExact(rows)}::jsonb)
    as r(at integer, scope text, kind text, key text, name text, namespace text, properties jsonb, observed_ns bigint, valid_from_ns bigint, deleted_ns bigint)`
  const compared = await tx.query(sql<{ at: number; same: boolean; news: boolean }>`select r.at,
      (e.origin = ${origin} or e.origin = 'inventory') and e.name = r.name and e.properties = r.properties and e.deleted_ns is not distinct from r.deleted_ns as same,
      e.origin <> ${origin} or e.name <> r.name or e.namespace is distinct from r.namespace or e.valid_from_ns > r.valid_from_ns
        or e.deleted_ns is distinct from r.deleted_ns or exists (select 1 from unnest(${telling}::text[]) t(name) where e.properties->t.name is distinct from r.properties->t.name)
        or e.kind = 'pod' and e.properties->'labels' is distinct from r.properties->'labels'
        or e.kind = 'service_account' and e.properties->'annotations' is distinct from r.properties->'annotations' as news
    from ${input} join entities e on e.scope = r.scope and e.kind = r.kind and e.key = r.key`)
  const known = new Map(compared.map((row) => [row.at, row]))
  // A bare row that a relation made says nothing yet, whenever that was.
  const newer = sql`(excluded.last_ns >= e.last_ns or e.origin = 'derived' and (excluded.origin = 'inventory' or e.properties = '{}'::jsonb))`
  await tx.query(sql`insert into entities as e (scope, kind, key, name, namespace, properties, origin, source_id, first_ns, last_ns, valid_from_ns, deleted_ns)
    select scope, kind, key, name, namespace, properties, ${origin}, ${sourceId}::uuid, least(observed_ns, valid_from_ns), observed_ns, valid_from_ns, deleted_ns
    from ${input} order by at
    on conflict (scope, kind, key) do update set
      name = case when ${newer} then excluded.name else e.name end,
      namespace = case when ${newer} then excluded.namespace else e.namespace end,
      properties = case when ${newer} then excluded.properties else e.properties end,
      deleted_ns = case when ${newer} then excluded.deleted_ns else coalesce(e.deleted_ns, excluded.deleted_ns) end,
      first_ns = least(e.first_ns, excluded.first_ns), last_ns = greatest(e.last_ns, excluded.last_ns), valid_from_ns = least(e.valid_from_ns, excluded.valid_from_ns),
      origin = case when e.origin = 'inventory' then e.origin else excluded.origin end, source_id = coalesce(excluded.source_id, e.source_id)
    where excluded.origin = 'inventory' or e.origin = 'derived'`)
  const differing = entities.filter((_entity, at) => known.get(at)?.same !== true)
  return {
    changed: differing.filter((entity) => !comesAlong.has(entity.kind)).length,
    differing,
    news: entities.filter((_entity, at) => known.get(at)?.news ?? true),
  }
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
