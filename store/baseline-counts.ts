/** Baselines as they are asked about: of incidents, of alerts, of a place, each as of a day; what came on that day or later is not looked at. */
import { type RawBuilder, sql } from 'kysely'
import { type BaselineKey, keptDays, otherProcesses } from './baseline.ts'
import { type SaidOf, saidOfCount } from './baseline-verdicts.ts'
import type { Queryable } from './database.ts'
import { escapeText, jsonText, unescapeDeep } from './values.ts'

/** One count, with its days before the one that was asked about. */
export type CountedDays = BaselineKey & {
  tag: string
  days: { day: string; count: number }[]
  /** First known day of the place, before the asked one. */ placeSince: string | null
  /** More processes had this rule here than are told apart. */ crowded: boolean
  /** What people called incidents of it, whenever: the newest first. */ said: SaidOf[]
}
/** More than this an incident or a place is not looked through for. */
export const mostCounts = 200

/** Counts of these incidents, as of the day (YYYY-MM-DD) each began; at most `mostCounts` and one of each. */
export async function countsOfIncidents(db: Queryable, asked: readonly { incidentId: string; day: string }[]): Promise<CountedDays[]> {
  if (asked.length === 0) return []
  return countedDays(
    db,
    sql`select r."incidentId"::text as tag, b.baseline_id as id, r.day from jsonb_to_recordset(${jsonText(asked)}::jsonb) as r("incidentId" uuid, day date)
      cross join lateral (select baseline_id from incident_baselines where incident_id = r."incidentId" order by baseline_id limit ${mostCounts + 1}) b`,
  )
}

/** What each of these alerts was counted as, as of its own day. */
export async function countsOfAlerts(db: Queryable, alertIds: readonly string[]): Promise<CountedDays[]> {
  if (alertIds.length === 0) return []
  return countedDays(
    db,
    sql`select alert_id::text as tag, baseline_id as id, (timestamp 'epoch' + event_ns / 1000000000 * interval '1 second')::date as day
      from incident_alerts where alert_id = any(${alertIds}::uuid[]) and baseline_id is not null`,
  )
}

export type BaselineFilter = { scope?: string; place?: string; rule?: string }
/** The most frequent of the days before `day`. */
export async function listCounts(
  db: Queryable,
  filter: BaselineFilter,
  day: string,
  { from, limit }: { from: string; limit: number },
): Promise<CountedDays[]> {
  const part = (column: string, value: string | undefined): RawBuilder<unknown> =>
    value === undefined ? sql`true` : sql`position(lower(${escapeText(value)}) in lower(${sql.ref(column)})) > 0`
  return countedDays(
    db,
    sql`select k.id::text as tag, k.id, ${day}::date as day from baseline_keys k join baseline_days d on d.key_id = k.id and d.day >= ${from}::date and d.day < ${day}::date
      where ${filter.scope === undefined ? sql`true` : sql`k.scope = ${escapeText(filter.scope)}`} and ${part('k.place', filter.place)} and ${part('k.rule', filter.rule)}
      group by k.id order by sum(d.count) desc, k.id limit ${limit}`,
  )
}

async function countedDays(db: Queryable, asked: RawBuilder<unknown>): Promise<CountedDays[]> {
  type Row = BaselineKey & {
    tag: string
    days: string[] | null
    counts: number[] | null
    place_since: string | null
    crowded: boolean
    said: SaidOf[]
  }
  const rows = await db.query(sql<Row>`with asked as materialized (${asked}), here as materialized (select distinct id, day from asked),
    places as materialized (
      select p.scope, p.place, p.day, min(d.day) as since from (select distinct k.scope, k.place, h.day from here h join baseline_keys k on k.id = h.id) p
        join baseline_keys k on k.scope = p.scope and k.place = p.place
        cross join lateral (select day from baseline_days where key_id = k.id and day < p.day and day >= p.day - ${keptDays}::integer order by day limit 1) d group by 1, 2, 3),
    counted as materialized (
      select h.id, h.day, array_agg(d.day::text order by d.day) as days, array_agg(d.count order by d.day) as counts
      from here h join baseline_days d on d.key_id = h.id and d.day < h.day and d.day >= h.day - ${keptDays}::integer group by 1, 2)
    select a.tag, k.scope, k.rule, k.place, k.process, c.days, c.counts, p.since::text as place_since,
      exists (select 1 from baseline_keys o where o.scope = k.scope and o.place = k.place and o.rule = k.rule and o.process = ${otherProcesses}) as crowded, ${saidOfCount(sql`a.id`)} as said
    from asked a join baseline_keys k on k.id = a.id left join counted c on c.id = a.id and c.day = a.day
      left join places p on p.scope = k.scope and p.place = k.place and p.day = a.day order by a.tag, k.place, k.rule, k.process`)
  return rows.map(({ place_since: placeSince, days, counts, ...row }) => ({
    ...unescapeDeep(row),
    placeSince,
    days: (days ?? []).map((day, at) => ({ day, count: counts?.[at] ?? 0 })),
  }))
}

/** How often these rules were seen in the whole scope before that day, and on how many days. */
export async function countsOfRules(
  db: Queryable,
  scope: string,
  rules: readonly string[],
  day: string,
): Promise<Map<string, { count: number; days: number }>> {
  const rows = await db.query(sql<{
    rule: string
    count: bigint
    days: bigint
  }>`select k.rule, sum(d.count)::bigint as count, count(distinct d.day) as days
    from baseline_keys k join baseline_days d on d.key_id = k.id and d.day < ${day}::date and d.day >= ${day}::date - ${keptDays}::integer
    where k.scope = ${escapeText(scope)} and k.rule = any(${rules.map(escapeText)}::text[]) group by 1`)
  return new Map(rows.map((row) => [unescapeDeep(row).rule, { count: Number(row.count), days: Number(row.days) }]))
}
