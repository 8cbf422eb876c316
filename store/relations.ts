/** Relations as their witnesses tell of them. What comes of many tellings does not depend on their order. */
import { type RawBuilder, sql } from 'kysely'
import { type EntityKind, type EntityRef, type NewRelation, quarterHourNs } from '../domain/entity.ts'
import { toDate } from '../domain/event-time.ts'
import type { Transaction } from './database.ts'
import { markUnits, unitsOf } from './graph-units.ts'
import { escapeText, jsonText, unescapeText } from './values.ts'

export const refKey = (ref: EntityRef): string => `${ref.scope}\n${ref.kind}\n${ref.key}`
/** Row numbers of entities, by `refKey`. */
export type RowIds = ReadonlyMap<string, bigint>

/**
 * A relation whose end is not known yet makes a bare, `derived` row for it: no action may target one. Answers whether there is an ASSUMES that
 * was not there. `known`: ends whose row is known already.
 */
export async function upsertRelations(
  tx: Transaction,
  witness: string,
  relations: readonly NewRelation[],
  known: RowIds = new Map(),
): Promise<boolean> {
  const told = onceEach(relations)
  const ids = await idsOfEnds(tx, told, known)
  const rows = told
    .map((one) => ({ ...one, src: ids.get(refKey(one.from)) as bigint, dst: ids.get(refKey(one.to)) as bigint }))
    .sort((a, b) => (a.src === b.src ? (a.type === b.type ? (a.dst < b.dst ? -1 : 1) : a.type < b.type ? -1 : 1) : a.src < b.src ? -1 : 1))
  const numbers = (of: (row: (typeof rows)[number]) => bigint): RawBuilder<unknown> =>
    sql`${rows.map((row) => of(row).toString())}::bigint[]`
  const [row] = await tx.query(sql<{ assumed: boolean }>`with written as (
    insert into relations as o (src, type, dst, witness, first_ns, last_ns, properties)
    select src, type, dst, ${witness}::uuid, first, last, properties::jsonb from unnest(${numbers(({ src }) => src)}, ${rows.map(({ type }) => type)}::text[],
      ${numbers(({ dst }) => dst)}, ${numbers(({ first }) => first)}, ${numbers(({ last }) => last)},
      ${rows.map(({ properties }) => (properties === undefined ? null : jsonText(properties)))}::text[]) as r(src, type, dst, first, last, properties)
    on conflict (src, type, dst, witness) do update set last_ns = greatest(o.last_ns, excluded.last_ns), first_ns = least(o.first_ns, excluded.first_ns),
      properties = case when o.type = 'ASSUMES' then case when ${earlier} then excluded.properties else o.properties end
        when ${morePaths} then ${allPaths}
        else coalesce(case when excluded.last_ns >= o.last_ns then excluded.properties end, o.properties, excluded.properties) end
      where excluded.last_ns > o.last_ns + ${quarterHourNs} or excluded.first_ns < o.first_ns or (o.type = 'ASSUMES' and ${earlier}) or ${morePaths}
    returning o.type, xmax = 0 as fresh) select exists (select 1 from written where fresh and type = 'ASSUMES') as assumed`)
  return row?.assumed === true
}

type End = EntityRef & { first: bigint; last: bigint }

/** Rows for ends that nothing is known of yet are made. Of these only nodes are more than a name: something runs there. */
async function idsOfEnds(tx: Transaction, told: readonly Told[], known: RowIds): Promise<RowIds> {
  const ends = new Map<string, End>()
  for (const { from, to, first, last } of told)
    for (const { scope, kind, key } of [from, to]) {
      const name = refKey({ scope, kind, key })
      if (known.has(name)) continue
      const before = ends.get(name)
      if (before === undefined) ends.set(name, { scope, kind, key, first, last })
      else {
        if (first < before.first) before.first = first
        if (last > before.last) before.last = last
      }
    }
  if (ends.size === 0) return known
  const ids = new Map([...known, ...(await idsOf(tx, [...ends]))])
  const missing = [...ends].filter(([name]) => !ids.has(name))
  if (missing.length === 0) return ids
  await bareEnds(
    tx,
    missing.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, end]) => end),
    told.reduce((latest, { last }) => (last > latest ? last : latest), 0n),
  )
  return new Map([...ids, ...(await idsOf(tx, missing))])
}

/** Of those that are known: each name with its row number. */
export async function idsOf(tx: Transaction, ends: readonly (readonly [string, EntityRef])[]): Promise<[string, bigint][]> {
  if (ends.length === 0) return []
  const texts = (of: (ref: EntityRef) => string): RawBuilder<unknown> => sql`${ends.map(([, ref]) => escapeText(of(ref)))}::text[]`
  const rows = await tx.query(sql<{
    place: bigint
    id: bigint
  }>`select r.place, e.id from unnest(${texts(({ scope }) => scope)}, ${texts(({ kind }) => kind)},
      ${texts(({ key }) => key)}) with ordinality as r(scope, kind, key, place) join entities e on e.scope = r.scope and e.kind = r.kind and e.key = r.key`)
  return rows.map(({ place, id }) => [(ends[Number(place) - 1] as readonly [string, EntityRef])[0], id])
}

async function bareEnds(tx: Transaction, ends: readonly End[], at: bigint): Promise<void> {
  const bare = await tx.query(sql<{ scope: string; kind: EntityKind; name: string }>`
    insert into entities (scope, kind, key, name, properties, origin, first_ns, last_ns, valid_from_ns)
    select scope, kind, key, key, '{}'::jsonb, 'derived', first, last, first
    from jsonb_to_recordset(${jsonText(ends)}::jsonb) as r(scope text, kind text, key text, first bigint, last bigint)
    order by 1, 2, 3 on conflict (scope, kind, key) do nothing returning scope, kind, name`)
  const nodes = bare.filter(({ kind }) => kind === 'node')
  await markUnits(
    tx,
    nodes.flatMap((node) => unitsOf({ ...node, scope: unescapeText(node.scope), namespace: null })),
    toDate(at),
  )
}

/** Of ASSUMES the record that first showed it is told. */
const earlier = sql`(excluded.first_ns, excluded.properties->>'activity' collate "C") < (o.first_ns, o.properties->>'activity' collate "C")`
const pathsOf = (row: string): RawBuilder<unknown> => sql`coalesce(${sql.ref(row)}.properties->'paths', '[]'::jsonb)`
const mostPaths = 200
/** A scan tells of a package once for each place it lies in; otherwise the newest telling holds. */
const morePaths = sql`(excluded.last_ns = o.last_ns and not ${pathsOf('o')} @> ${pathsOf('excluded')})`
const allPaths = sql`excluded.properties || jsonb_build_object('paths', (select jsonb_agg(p order by p) from (
  select distinct p from jsonb_array_elements_text(${pathsOf('o')} || ${pathsOf('excluded')}) p order by p limit ${mostPaths}) every_path))`

type Told = NewRelation & { first: bigint; last: bigint }

/** In one order everywhere, so that two writers seldom wait for each other in a circle. */
function onceEach(relations: readonly NewRelation[]): Told[] {
  const unique = new Map<string, Told>()
  for (const relation of relations) {
    const key = `${refKey(relation.from)}\n${relation.type}\n${refKey(relation.to)}`
    unique.set(key, together(unique.get(key), relation))
  }
  return [...unique.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, told]) => told)
}

/** Of one edge told more than once in a batch: from when until when, and all its paths. */
function together(before: Told | undefined, relation: NewRelation): Told {
  const { observedNs: at } = relation
  if (before === undefined) return { ...relation, first: at, last: at }
  const first = at < before.first ? at : before.first
  const last = at > before.last ? at : before.last
  const paths = [before, relation].flatMap((one) => (Array.isArray(one.properties?.paths) ? (one.properties.paths as string[]) : []))
  const said = relation.type === 'ASSUMES' ? earlierOf(before, relation) : (at >= before.last ? relation : before).properties
  const properties = paths.length === 0 ? said : { ...said, paths: [...new Set(paths)].sort().slice(0, mostPaths) }
  return { ...relation, first, last, ...(properties === undefined ? {} : { properties }) }
}

/** Of two records of one moment the one with the smaller key. */
function earlierOf({ first, properties }: Told, { observedNs, properties: other }: NewRelation): NewRelation['properties'] {
  if (first !== observedNs) return first < observedNs ? properties : other
  return String(properties?.activity) <= String(other?.activity) ? properties : other
}
