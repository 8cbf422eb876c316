/**
 * How often a rule was seen in a place by a process, day by day (event days, UTC). Each alert counts once, under what it was counted as when it was last
 * placed: `incident_alerts.baseline_id` says so, which is how it can be moved. Kept when the alerts themselves go.
 */
import { type RawBuilder, sql } from 'kysely'
import type { Queryable, Transaction } from './database.ts'
import { jsonText } from './values.ts'

export type BaselineKey = { scope: string; rule: string; place: string; process: string }
export type DayChange = { id: bigint; day: string; by: number }

/** A place that shows more processes of a rule than this has the rest counted as one. */
const mostProcesses = 20
export const otherProcesses = '*'
/** How far back anything is asked for. */
export const keptDays = 90

const wanted = (keys: readonly BaselineKey[]): RawBuilder<unknown> =>
  sql`jsonb_to_recordset(${jsonText(keys)}::jsonb) as r(scope text, rule text, place text, process text)`
const same = sql`k.scope = r.scope and k.place = r.place and k.rule = r.rule`

/** The id of each of these counts, in order; made where there is none yet. `crowded`: counts of further processes that were not needed before. */
export async function baselineIds(tx: Transaction, keys: readonly BaselineKey[]): Promise<{ ids: bigint[]; crowded: bigint[] }> {
  const unique = new Map(keys.map((one) => [textOf(one), one]))
  const asked = [...unique.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one], at) => ({ ...one, at }))
  const find = async (which: readonly object[]): Promise<Map<number, bigint>> =>
    new Map(
      (
        await tx.query(sql<{ at: number; id: bigint }>`select r.at, k.id from jsonb_to_recordset(${jsonText(which)}::jsonb)
          as r(scope text, rule text, place text, process text, at integer) cross join lateral (select id from baseline_keys k where ${same} and k.process = r.process offset 0) k`)
      ).map(({ at, id }) => [at, id]),
    )
  const found = await find(asked)
  const missing = asked.filter(({ at }) => !found.has(at))
  let crowded: bigint[] = []
  if (missing.length > 0) {
    crowded = await addKeys(tx, missing)
    for (const [at, id] of await find(missing)) found.set(at, id)
    const further = missing.filter(({ at }) => !found.has(at))
    if (further.length > 0)
      for (const [at, id] of await find(further.map((one) => ({ ...one, process: otherProcesses })))) found.set(at, id)
  }
  const at = new Map(asked.map((one) => [textOf(one), one.at]))
  return { ids: keys.map((one) => found.get(at.get(textOf(one)) ?? -1) ?? 0n), crowded }
}

/** No two keys have the same: the lengths tell where each part ends. */
const textOf = ({ scope, rule, place, process }: BaselineKey): string =>
  `${scope.length} ${rule.length} ${place.length} ${scope}${rule}${place}${process}`

async function addKeys(tx: Transaction, keys: readonly BaselineKey[]): Promise<bigint[]> {
  const added = await tx.query(sql<{ id: bigint; process: string }>`with fresh as (
      select r.*, row_number() over (partition by scope, place, rule order by process) + (select count(*) from baseline_keys k where ${same}) as nth from ${wanted(keys)})
    insert into baseline_keys (scope, rule, place, process)
      select distinct scope, rule, place, case when nth > ${mostProcesses} then ${otherProcesses} else process end as process from fresh order by 1, 3, 2, 4 on conflict do nothing returning id, process`)
  return added.filter(({ process }) => process === otherProcesses).map(({ id }) => id)
}

type OfIncident = { incidentId: string; id: bigint }

/** `added`: what incidents have to do with from now on. */
export async function changeDays(tx: Transaction, changes: readonly DayChange[], added: readonly OfIncident[], at: Date): Promise<void> {
  if (changes.length + added.length === 0) return
  const sorted = changes.toSorted((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : a.day < b.day ? -1 : 1))
  const rows = [...new Map(added.map((one) => [`${one.incidentId} ${one.id}`, one])).entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, one]) => one)
  await tx.query(sql`with had as (insert into incident_baselines (incident_id, baseline_id)
      select "incidentId", id from jsonb_to_recordset(${jsonText(rows)}::jsonb) as r("incidentId" uuid, id bigint) on conflict do nothing)
    insert into baseline_days as d (key_id, day, count, counted_at)
    select id, day, by, ${at} from jsonb_to_recordset(${jsonText(sorted)}::jsonb) as r(id bigint, day date, by integer)
    on conflict (key_id, day) do update set count = d.count + excluded.count, counted_at = excluded.counted_at`)
  const fewer = sorted.filter(({ by }) => by < 0).map(({ id }) => id.toString())
  if (fewer.length > 0) await tx.query(sql`delete from baseline_days where key_id = any(${fewer}::bigint[]) and count <= 0`)
}

/** Takes counts from incidents none of whose alerts are counted so any longer. What expired alerts were counted as is known only from here. */
export async function pruneIncidentBaselines(tx: Transaction, left: readonly OfIncident[]): Promise<void> {
  if (left.length === 0) return
  await tx.query(sql`delete from incident_baselines b using jsonb_to_recordset(${jsonText(left)}::jsonb) as r("incidentId" uuid, id bigint)
    where b.incident_id = r."incidentId" and b.baseline_id = r.id and not exists (select 1 from incident_expired e where e.incident_id = b.incident_id)
      and not exists (select 1 from incident_alerts m where m.incident_id = b.incident_id and m.baseline_id = b.baseline_id and m.same_as is null)`)
}

export type Changed = { counted: readonly DayChange[]; watched: readonly { scope: string; day: string }[]; crowded: readonly bigint[] }

/**
 * Incidents that rest on what changed: that began after a day that was counted anew in one of their places, after a day of which it was not known that
 * somebody watched, or in a place where a rule now has too many processes to be told apart.
 */
export async function incidentsResting(tx: Transaction, { counted, watched, crowded }: Changed): Promise<string[]> {
  if (counted.length + watched.length + crowded.length === 0) return []
  const later = sql`i.merged_into is null and i.first_ns >= extract(epoch from r.day + 1)::bigint * 1000000000
    and i.first_ns < extract(epoch from r.day + ${keptDays + 1}::integer)::bigint * 1000000000`
  const rows = await tx.query(sql<{ id: string }>`with changed as materialized (
      select k.scope, k.place, min(r.day) as day from jsonb_to_recordset(${jsonText(counted)}::jsonb) as r(id bigint, day date)
        join baseline_keys k on k.id = r.id where exists (select 1 from watched_days w where w.scope = k.scope and w.day > r.day) group by 1, 2)
    select i.id::text from changed r join baseline_keys k on k.scope = r.scope and k.place = r.place
      join incident_baselines b on b.baseline_id = k.id join incidents i on i.id = b.incident_id where ${later}
    union select i.id::text from jsonb_to_recordset(${jsonText(watched)}::jsonb) as r(scope text, day date) join incidents i on i.scope = r.scope where ${later}
    union select i.id::text from baseline_keys r join baseline_keys k on ${same}
      join incident_baselines b on b.baseline_id = k.id join incidents i on i.id = b.incident_id where r.id = any(${crowded.map(String)}::bigint[]) and i.merged_into is null
    order by 1`)
  return rows.map(({ id }) => id)
}

/** Forgets days that were last counted on before `before`. */
export async function forgetBaseline(db: Queryable, before: Date): Promise<void> {
  await db.query(sql`delete from baseline_days where counted_at < ${before}`)
  await db.query(sql`delete from baseline_keys k where not exists (select 1 from baseline_days d where d.key_id = k.id)
    and not exists (select 1 from incident_baselines b where b.baseline_id = k.id) and not exists (select 1 from incident_alerts m where m.baseline_id = k.id)
    and not exists (select 1 from baseline_verdicts v where v.baseline_id = k.id)`)
}
