/**
 * Places as risk sees them: what of exposure, privilege and criticality holds, which images run there, how far it leads, what live incident is on it.
 * Derived; each change marks the place, so that the fixes that stand on it are derived again.
 */
import { sql } from 'kysely'
import { canonicalJson } from '../domain/canonical-json.ts'
import { type Severity, severityFromId } from '../domain/severity.ts'
import type { Queryable, Transaction } from './database.ts'
import { markPlaces } from './fix-marks.ts'
import type { Unit } from './graph-units.ts'
import { keysOfImages } from './image-keys.ts'
import { escapeText, jsonText, unescapeDeep } from './values.ts'

export type PlaceImage = { scope: string; key: string; /** Known by name alone: which digest runs there nobody said. */ byName: boolean }
export type RiskPlace = {
  id: bigint
  scope: string
  namespace: string | null
  title: string
  /** As the deriver of fixes reads them. */ facts: Record<string, unknown>
  images: PlaceImage[]
  /** Row ids by which alerts and incidents know it: itself, its pods, their containers. */ members: bigint[]
  /** As findings name it and what it is made of: namespace/Kind/name. */ objects: string[]
}

/** Makes these the places of the unit. Answers how many differ from before. Most are as they were: those are read and left alone. */
export async function replaceRiskPlaces(tx: Transaction, { scope, unit }: Unit, places: readonly RiskPlace[]): Promise<number> {
  const stored = await storedPlaces(tx, { scope, unit }, places)
  const rows = places
    .filter((place) => stored.get(place.id)?.text !== textOf({ ...place, unit }))
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
  const stay = new Set(places.map(({ id }) => id))
  const leaving = [...stored.values()].flatMap((one) => (one.ofUnit && !stay.has(one.id) ? [one.id.toString()] : []))
  const gone =
    leaving.length === 0
      ? []
      : await tx.query(sql<{ id: bigint }>`delete from risk_places where id = any(${leaving}::bigint[]) returning id`)
  const differ = new Set([...gone.map(({ id }) => id), ...(rows.length === 0 ? [] : await writePlaces(tx, unit, rows))])
  for (const table of ['risk_place_images', 'risk_place_members', 'risk_place_objects'])
    if (gone.length > 0) await tx.query(sql`delete from ${sql.table(table)} where place_id = any(${leaving}::bigint[])`)
  await markPlaces(tx, [...differ])
  return differ.size
}

/** Those of the unit, and those that are to be of it. */
async function storedPlaces(
  tx: Transaction,
  { scope, unit }: Unit,
  places: readonly RiskPlace[],
): Promise<Map<bigint, { id: bigint; ofUnit: boolean; text: string }>> {
  const rows = await tx.query(sql<Omit<RiskPlace, 'members'> & { members: (bigint | number)[]; unit: string }>`
    select p.id, p.scope, p.unit, p.namespace, p.title, p.facts,
      (select coalesce(json_agg(json_build_object('scope', scope, 'key', key, 'byName', by_name)), '[]') from risk_place_images where place_id = p.id) as images,
      (select coalesce(json_agg(member_id), '[]') from risk_place_members where place_id = p.id) as members,
      (select coalesce(json_agg(key), '[]') from risk_place_objects where place_id = p.id) as objects
    from (select id from risk_places where scope = ${escapeText(scope)} and unit = ${escapeText(unit)}
      union select unnest(${places.map(({ id }) => id.toString())}::bigint[])) those join risk_places p using (id)`)
  return new Map(
    rows.map((row) => {
      const place = { ...unescapeDeep(row), members: row.members.map(BigInt) }
      return [row.id, { id: row.id, ofUnit: place.scope === scope && place.unit === unit, text: textOf(place) }]
    }),
  )
}

/** The same for the same place, in whatever order its parts stand. */
const textOf = ({ scope, unit, title, facts, images, members, objects }: RiskPlace & { unit: string }): string =>
  canonicalJson({
    scope,
    unit,
    title,
    facts,
    images: images.map(({ scope: of, key, byName }) => canonicalJson({ scope: of, key, byName })).sort(),
    members: members.map(String).sort(),
    objects: objects.toSorted(),
  })

/** Answers which differ from before; whose pods they are makes no difference. */
async function writePlaces(tx: Transaction, unit: string, rows: readonly RiskPlace[]): Promise<bigint[]> {
  const input = sql`jsonb_to_recordset(${jsonText(rows)}::jsonb) as r(id bigint, scope text, namespace text, title text, facts jsonb, images jsonb, members jsonb, objects jsonb)`
  const changed = await tx.query(sql<{ id: bigint }>`insert into risk_places as p (id, scope, namespace, unit, title, facts)
    select id, scope, namespace, ${escapeText(unit)}, title, facts from ${input} order by id
    on conflict (id) do update set scope = excluded.scope, namespace = excluded.namespace, unit = excluded.unit, title = excluded.title, facts = excluded.facts
      where (p.scope, p.unit, p.title, p.facts) is distinct from (excluded.scope, excluded.unit, excluded.title, excluded.facts) returning id`)
  const parts = [
    sql`with wanted as (select r.id as place_id, i.scope, i.key, i."byName" as by_name from ${input} cross join lateral jsonb_to_recordset(r.images) as i(scope text, key text, "byName" boolean)),
      gone as (delete from risk_place_images o using ${input} where o.place_id = r.id and not exists (select 1 from wanted w where w.place_id = o.place_id and w.scope = o.scope and w.key = o.key) returning place_id),
      made as (insert into risk_place_images as o (place_id, scope, key, by_name) select place_id, scope, key, bool_and(by_name) from wanted group by 1, 2, 3
        on conflict (place_id, scope, key) do update set by_name = excluded.by_name where o.by_name <> excluded.by_name returning place_id)
      select place_id as id from gone union select place_id from made`,
    sql`with wanted as (select distinct r.id as place_id, m.value::bigint as member_id from ${input} cross join lateral jsonb_array_elements_text(r.members) as m(value)),
      gone as (delete from risk_place_members o using ${input} where o.place_id = r.id and not exists (select 1 from wanted w where w.place_id = o.place_id and w.member_id = o.member_id) returning place_id),
      made as (insert into risk_place_members (place_id, member_id) select place_id, member_id from wanted on conflict do nothing returning place_id)
      select place_id as id from gone where false union select place_id from made where false`,
    sql`with wanted as (select distinct r.id as place_id, r.scope, m.value as key from ${input} cross join lateral jsonb_array_elements_text(r.objects) as m(value)),
      gone as (delete from risk_place_objects o using ${input} where o.place_id = r.id and not exists (select 1 from wanted w where w.place_id = o.place_id and w.key = o.key) returning place_id),
      made as (insert into risk_place_objects (place_id, scope, key) select place_id, scope, key from wanted on conflict do nothing returning place_id)
      select place_id as id from gone union select place_id from made`,
  ]
  const differ = changed.map(({ id }) => id)
  for (const part of parts) for (const { id } of await tx.query(part as ReturnType<typeof sql<{ id: bigint }>>)) differ.push(id)
  return differ
}

export type Live = { severity: Severity; tactics: string[]; incidents: string[] }
type LiveRow = { severity: number; tactics: string[]; incidents: string[] } | { watched: true } | null

/** Brings up to date which live incidents are on which places, and where a sensor watches. Answers how many differ from before. */
export async function reconcileLive(tx: Transaction): Promise<number> {
  const changed = await tx.query(sql<{ id: bigint }>`with live as (
      select m.place_id as id, jsonb_build_object('severity', max(i.severity), 'incidents', jsonb_agg(distinct i.id order by i.id),
          'tactics', coalesce(jsonb_agg(distinct t.tactic order by t.tactic) filter (where t.tactic is not null), '[]'::jsonb)) as live
      from incidents i join incident_places ip on ip.incident_id = i.id join risk_place_members m on m.member_id = ip.entity_id
        left join lateral unnest(i.tactics) as t(tactic) on true
      where i.merged_into is null and i.state <> 'closed' group by 1),
    watched as (select distinct m.place_id as id from sensors s join entities e on e.scope = s.scope and e.kind = 'pod' and e.properties->>'node' = s.hostname and e.deleted_ns is null
      join risk_place_members m on m.member_id = e.id),
    now as (select p.id, coalesce(live.live, case when watched.id is not null then '{"watched": true}'::jsonb end) as live
      from risk_places p left join live using (id) left join watched using (id))
    update risk_places p set live = now.live from now where now.id = p.id and now.live is distinct from p.live returning p.id`)
  await markPlaces(
    tx,
    changed.map(({ id }) => id),
  )
  return changed.length
}

/** Clusters of which steps or places changed since how far places lead was counted. The marks are gone when the transaction ends well. */
export async function scopesToReach(tx: Transaction): Promise<string[]> {
  const rows = await tx.query(
    sql<{
      scope: string
    }>`with taken as (delete from fix_marks where scope is not null returning scope) select distinct scope from taken order by 1`,
  )
  return rows.map(({ scope }) => unescapeDeep(scope))
}

export async function riskPlaceIds(db: Queryable, scope: string): Promise<bigint[]> {
  return (await db.query(sql<{ id: bigint }>`select id from risk_places where scope = ${escapeText(scope)} order by id`)).map(
    ({ id }) => id,
  )
}
/** Who has one of these has a node or the cluster. */
export async function hostIds(db: Queryable, scope: string): Promise<Set<bigint>> {
  const rows = await db.query(
    sql<{ id: bigint }>`select id from entities where scope = ${escapeText(scope)} and kind in ('node', 'cluster')`,
  )
  return new Set(rows.map(({ id }) => id))
}

/** What a path goes in by, the field that shows that it is open, and how long it is. How dear it is changes with every flaw, and moves nothing. */
export type Way = { by: string; shownBy: { entity: string; path: string; value: string } | null; moves: number }
/** `takesHost`: a node or the cluster, and no flaw is needed for it. */
export type Reach = { id: bigint; count: number; takesHost: boolean; way: Way | null }
export async function writeReach(tx: Transaction, reach: readonly Reach[]): Promise<void> {
  const changed = await tx.query(sql<{ id: bigint }>`update risk_places p set reach = r.count, takes_host = r."takesHost", way = r.way
    from (select id, count, "takesHost", nullif(way, 'null'::jsonb) as way from jsonb_to_recordset(${jsonText(reach)}::jsonb) as r(id bigint, count integer, "takesHost" boolean, way jsonb)) r
    where r.id = p.id and (p.reach is distinct from r.count or p.takes_host <> r."takesHost" or p.way is distinct from r.way) returning p.id`)
  await markPlaces(
    tx,
    changed.map(({ id }) => id),
  )
}

export type PlaceOfResource = {
  at: number
  id: bigint
  scope: string
  namespace: string | null
  title: string
  facts: Record<string, unknown>
  reach: number | null
  takesHost: boolean
  /** The cheapest path to it from the internet; null: none is known. */ way: Way | null
  /** Undefined: nobody watches; null: a sensor does, and no live incident is on it. */ live: Live | null | undefined
}

/** Of attack steps’ ends those that are places. */
export async function placesById(db: Queryable, ids: readonly bigint[]): Promise<PlaceOfResource[]> {
  if (ids.length === 0) return []
  const rows = await db.query(sql<Omit<PlaceOfResource, 'live' | 'at'> & { live: LiveRow }>`
    select id, scope, namespace, title, facts, reach, takes_host as "takesHost", way, live from risk_places where id = any(${ids.map(String)}::bigint[]) order by id`)
  return rows.map(({ live, ...row }) => ({ ...unescapeDeep(row), at: -1, live: liveFrom(live) }))
}

/** Where these run or stand: images by every digest they go by, and by name where a place knows no digest; objects by their names. */
export async function placesOfResources(
  db: Queryable,
  resources: readonly { scope: string; kind: string; key: string; name: string | null }[],
): Promise<PlaceOfResource[]> {
  if (resources.length === 0) return []
  const rows = await db.query(sql<
    Omit<PlaceOfResource, 'live'> & { live: LiveRow }
  >`with asked as materialized (select * from jsonb_to_recordset(${jsonText(resources.map((one, at) => ({ at, ...one })))}::jsonb) as r(at integer, scope text, kind text, key text, name text)),
    keys as (${keysOfImages(sql`(select * from asked where kind = 'image')`, { beside: sql`i.at, i.scope` })}),
    placed as (select k.at, i.place_id from keys k join risk_place_images i on i.key = k.name and i.scope = k.scope
      union select q.at, i.place_id from asked q join risk_place_images i on q.kind = 'image' and i.by_name and i.key = q.name
      union select q.at, o.place_id from asked q join risk_place_objects o on q.kind in ('workload', 'pod') and o.scope = q.scope and o.key = q.key)
    select placed.at, p.id, p.scope, p.namespace, p.title, p.facts, p.reach, p.takes_host as "takesHost", p.way, p.live from placed join risk_places p on p.id = placed.place_id order by placed.at, p.id`)
  return rows.map(({ live, ...row }) => ({ ...unescapeDeep(row), live: liveFrom(live) }))
}

function liveFrom(live: LiveRow): Live | null | undefined {
  if (live === null) return undefined
  return 'watched' in live ? null : { ...live, severity: severityFromId(live.severity) }
}
