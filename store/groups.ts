/**
 * What an incident is derived from, counted as its alerts come: one row per rule, one per inventory record. A storm
 * costs the same per alert at its end as at its start. Alerts that retention removed stay counted, apart.
 */
import { type RawBuilder, sql } from 'kysely'
import { stringifyExact } from '../domain/exact-json.ts'
import { priorities, type Priority } from '../domain/severity.ts'
import type { Queryable, Transaction } from './database.ts'
import type { Membership } from './memberships.ts'
import { jsonText, unescapeText } from './values.ts'

export type GroupRow = {
  rule: string
  priority: Priority
  tactics: string[]
  techniques: string[]
  count: number
  firstNs: bigint
  lastNs: bigint
}
/** Counts from scratch: after a split, or when inventory corrected itself. */
export async function regroup(tx: Transaction, incidentIds: readonly string[]): Promise<void> {
  if (incidentIds.length === 0) return
  const these = sql`any(${incidentIds}::uuid[])`
  await tx.query(sql`delete from incident_groups where incident_id = ${these}`)
  await tx.query(sql`insert into incident_groups (incident_id, rule, priority, tactics, techniques, count, first_ns, last_ns)
    select incident_id, rule, priority, ${elements('tactics')}, ${elements('techniques')}, sum(count), min(first_ns), max(last_ns) from (
      ${countsOf(sql`m.incident_id = ${these}`)}
      union all select incident_id, rule, priority, tactics, techniques, count, first_ns, last_ns from incident_expired where incident_id = ${these}) counted
    group by 1, 2, 3`)
  // Which records expired alerts touched is known only from what was noted when they came.
  await tx.query(
    sql`delete from incident_places where incident_id = ${these} and incident_id not in (select incident_id from incident_expired)`,
  )
  await tx.query(sql`insert into incident_places (incident_id, kind, entity_id)
    select distinct m.incident_id, k.kind, (m.context->>k.kind)::bigint from incident_alerts m, unnest(${placeKinds}::text[]) k(kind)
    where m.incident_id = ${these} and m.context->>k.kind is not null on conflict do nothing`)
  await tx.query(
    sql`delete from incident_baselines where incident_id = ${these} and incident_id not in (select incident_id from incident_expired)`,
  )
  await tx.query(sql`insert into incident_baselines (incident_id, baseline_id)
    select distinct incident_id, baseline_id from incident_alerts where incident_id = ${these} and baseline_id is not null and same_as is null on conflict do nothing`)
}

/** Stored alerts `a` of memberships `m`, counted per incident, rule and priority. */
const countsOf = (condition: RawBuilder<unknown>): RawBuilder<unknown> =>
  sql`select m.incident_id, a.rule, a.priority, ${distinct(normalised('tactics'))} as tactics, ${distinct(normalised('techniques'))} as techniques,
      count(*) as count, min(a.event_ns) as first_ns, max(a.event_ns) as last_ns
    from incident_alerts m join alerts a on a.id = m.alert_id and a.received_at = m.received_at where ${condition} and m.same_as is null group by 1, 2, 3`
const normalised = (name: string): RawBuilder<unknown> => sql`array(select json_array_elements_text(a.normal->${name}))`
const elements = (name: string): RawBuilder<unknown> => distinct(sql.ref(name))
/** The distinct elements of a group's arrays: ids of tactics or techniques, which hold no comma. */
const distinct = (array: RawBuilder<unknown>): RawBuilder<unknown> =>
  sql`coalesce((select array_agg(distinct v order by v) from unnest(string_to_array(string_agg(array_to_string(${array}, ','), ','), ',')) v where v <> ''), '{}')`
/** How two counts of one rule become one. */
const addedUp = sql`count = g.count + excluded.count, first_ns = least(g.first_ns, excluded.first_ns), last_ns = greatest(g.last_ns, excluded.last_ns),
  tactics = array(select distinct v from unnest(g.tactics || excluded.tactics) v order by v),
  techniques = array(select distinct v from unnest(g.techniques || excluded.techniques) v order by v)`

/** Adds newly placed alerts to their groups, so that a storm costs the same per alert at its end as at its start. */
export async function addToGroups(tx: Transaction, added: readonly (GroupRow & { incidentId: string })[]): Promise<void> {
  if (added.length === 0) return
  const rows = jsonText(added.map((group) => ({ ...group, priority: priorities.indexOf(group.priority) })))
  await tx.query(sql`insert into incident_groups as g (incident_id, rule, priority, tactics, techniques, count, first_ns, last_ns)
    select "incidentId", rule, priority, array(select jsonb_array_elements_text(tactics)), array(select jsonb_array_elements_text(techniques)), count, "firstNs", "lastNs"
    from jsonb_to_recordset(${rows}::jsonb) as r("incidentId" uuid, rule text, priority smallint, tactics jsonb, techniques jsonb, count integer, "firstNs" bigint, "lastNs" bigint)
    on conflict (incident_id, rule, priority) do update set ${addedUp}`)
}

/** Gives the counts of merged incidents to the survivor. */
export async function moveCounts(tx: Transaction, survivor: string, merged: readonly string[]): Promise<void> {
  for (const table of ['incident_groups', 'incident_expired'])
    await tx.query(sql`with moved as (delete from ${sql.table(table)} where incident_id = any(${merged}::uuid[]) returning *)
      insert into ${sql.table(table)} as g (incident_id, rule, priority, tactics, techniques, count, first_ns, last_ns)
      select ${survivor}::uuid, rule, priority, ${elements('tactics')}, ${elements('techniques')}, sum(count), min(first_ns), max(last_ns) from moved group by 2, 3
      on conflict (incident_id, rule, priority) do update set ${addedUp}`)
  await tx.query(sql`with moved as (delete from incident_places where incident_id = any(${merged}::uuid[]) returning kind, entity_id)
    insert into incident_places (incident_id, kind, entity_id) select distinct ${survivor}::uuid, kind, entity_id from moved on conflict do nothing`)
  await tx.query(sql`with moved as (delete from incident_baselines where incident_id = any(${merged}::uuid[]) returning baseline_id)
    insert into incident_baselines (incident_id, baseline_id) select distinct ${survivor}::uuid, baseline_id from moved on conflict do nothing`)
}

/** Keeps the counts of alerts that are about to be removed, and their number on the incident. `removed` selects ids. */
export async function expireCounts(tx: Transaction, removed: RawBuilder<unknown>): Promise<void> {
  await tx.query(sql`insert into incident_expired as g (incident_id, rule, priority, tactics, techniques, count, first_ns, last_ns)
    select * from (${countsOf(sql`m.alert_id in (${removed})`)}) counted on conflict (incident_id, rule, priority) do update set ${addedUp}`)
  await tx.query(sql`update incidents i set expired_alerts = (select sum(count) from incident_expired e where e.incident_id = i.id)
    where id in (select distinct incident_id from incident_alerts where alert_id in (${removed}))`)
}

export async function groupsOf(db: Queryable, incidentIds: readonly string[]): Promise<Map<string, GroupRow[]>> {
  const rows = await db.query(sql<{
    incident_id: string
    rule: string
    priority: number
    tactics: string[]
    techniques: string[]
    count: number
    first_ns: bigint
    last_ns: bigint
  }>`
    select incident_id::text, rule, priority, tactics, techniques, count, first_ns, last_ns from incident_groups where incident_id = any(${incidentIds}::uuid[]) order by first_ns, rule`)
  const groups = new Map<string, GroupRow[]>(incidentIds.map((id) => [id, []]))
  for (const row of rows)
    groups
      .get(row.incident_id)
      ?.push({
        rule: unescapeText(row.rule),
        priority: priorities[row.priority] ?? 'Debug',
        tactics: row.tactics,
        techniques: row.techniques,
        count: row.count,
        firstNs: row.first_ns,
        lastNs: row.last_ns,
      })
  return groups
}

/** Inventory records that alerts of an incident were resolved to. */
export type Place = { kind: (typeof placeKinds)[number]; id: bigint }
const placeKinds = ['pod', 'workload', 'node', 'container', 'identity'] as const

/** Notes the places of newly placed alerts; like the counts, so that a storm costs the same at its end as at its start. */
export async function addPlaces(tx: Transaction, memberships: readonly Membership[]): Promise<void> {
  const places = memberships.flatMap(({ incidentId, context }) =>
    placeKinds.flatMap((kind) => (context[kind] == null ? [] : [{ incidentId, kind, entityId: context[kind] }])),
  )
  // Each once, and in one order everywhere.
  const distinct = [...new Map(places.map((place) => [`${place.incidentId} ${place.kind} ${place.entityId}`, place]))]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, place]) => place)
  if (distinct.length === 0) return
  await tx.query(sql`insert into incident_places (incident_id, kind, entity_id)
    select * from jsonb_to_recordset(${stringifyExact(distinct)}::jsonb) as r("incidentId" uuid, kind text, "entityId" bigint) on conflict do nothing`)
}

/** Places of each of these incidents, by kind and id. */
export async function placesOf(db: Queryable, incidentIds: readonly string[]): Promise<Map<string, Place[]>> {
  const rows = await db.query(sql<{ incident_id: string; kind: Place['kind']; entity_id: bigint }>`
    select incident_id::text, kind, entity_id from incident_places where incident_id = any(${incidentIds}::uuid[]) order by kind, entity_id`)
  const places = new Map<string, Place[]>(incidentIds.map((id) => [id, []]))
  for (const row of rows) places.get(row.incident_id)?.push({ kind: row.kind, id: row.entity_id })
  return places
}
