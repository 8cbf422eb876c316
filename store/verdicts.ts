/** What people called incidents: the last verdict of a person on each, and on those that were the same as one. A suggestion of a tool is a note, and no verdict. */
import { sql } from 'kysely'
import type { Queryable } from './database.ts'
import { unescapeText } from './values.ts'

export type PersonsVerdict = { decisionId: string; incidentId: string; verdict: string; reason: string; by: string; at: Date }

type Row = { decision_id: string; incident_id: string; verdict: string; reason: string; by: string; at: Date }
const verdictFrom = (row: Row): PersonsVerdict => ({
  decisionId: row.decision_id,
  incidentId: row.incident_id,
  verdict: unescapeText(row.verdict),
  reason: unescapeText(row.reason),
  by: unescapeText(row.by),
  at: row.at,
})
const columns = sql`d.id::text as decision_id, d.incident_id::text, d.decision->>'verdict' as verdict, d.reason,
  coalesce((select u.name from users u where u.id::text = d.principal_id), d.principal_id) as by, d.at`

/** The last one on each of these, whoever said what before. */
export async function verdictsOn(db: Queryable, incidentIds: readonly string[]): Promise<Map<string, PersonsVerdict>> {
  const rows = await db.query(sql<
    Row & { standing: string }
  >`select w.id::text as standing, d.* from unnest(${[...incidentIds]}::uuid[]) w(id) cross join lateral (
    select ${columns} from incident_decisions d where d.decision->>'kind' = 'verdict' and d.incident_id in (select id from incidents i where i.id = w.id or i.merged_into = w.id)
    order by d.at desc, d.id desc limit 1) d`)
  return new Map(rows.map((row) => [row.standing, { ...verdictFrom(row), incidentId: row.standing }]))
}

/** So many of the last verdicts are looked at. */
const mostVerdicts = 1_000

/**
 * Last verdicts on incidents in which everything that this one is of was seen: each rule, by the same process, in the same place. The newest first. None where
 * an alert of this one was not counted as anything.
 */
export async function verdictsOnTheSame(db: Queryable, incidentId: string, limit: number): Promise<PersonsVerdict[]> {
  const rows = await db.query(sql<Row>`with mine as (select baseline_id from incident_baselines where incident_id = ${incidentId}),
    said as (select distinct on (incident_id) * from (
      select d.decision_id, coalesce(i.merged_into, i.id)::text as incident_id, d.verdict, d.reason, d.by, d.at
      from (select ${columns} from incident_decisions d where d.decision->>'kind' = 'verdict' order by d.at desc limit ${mostVerdicts}) d join incidents i on i.id::text = d.incident_id) s
      order by incident_id, at desc, decision_id desc)
    select s.* from said s where s.incident_id <> ${incidentId} and exists (select from mine)
      and not exists (select from incident_alerts a where a.incident_id = ${incidentId} and a.same_as is null and a.baseline_id is null)
      and not exists (select from mine m where not exists (select from incident_baselines b where b.incident_id = s.incident_id::uuid and b.baseline_id = m.baseline_id))
    order by s.at desc, s.decision_id desc limit ${limit}`)
  return rows.map(verdictFrom)
}
