/**
 * What people called what is counted. A verdict is of what its incident held when it was given: what joins later nobody has looked at. One verdict of an
 * incident stands, the last: it takes an earlier one back, of whatever was merged into it too.
 */
import { type RawBuilder, sql } from 'kysely'
import type { Transaction } from './database.ts'
import { escapeText } from './values.ts'

/** `incident`: the one that stands for it now. */
export type SaidOf = { decision: string; incident: string; verdict: string; by: string; at: string }
/** So many of one count are told. */
const mostSaid = 20

export type GivenVerdict = { decisionId: string; incidentId: string; verdict: string; principalId: string; at: Date }

/** Answers the counts of which something else is said now. */
export async function writeVerdict(tx: Transaction, { decisionId, incidentId, verdict, principalId, at }: GivenVerdict): Promise<bigint[]> {
  const rows = await tx.query(sql<{ id: bigint }>`with gone as (delete from baseline_verdicts where incident_id in (
        select id from incidents where id = ${incidentId}::uuid or merged_into = ${incidentId}::uuid) returning baseline_id as id),
      made as (insert into baseline_verdicts (baseline_id, decision_id, incident_id, verdict, principal_id, at)
        select baseline_id, ${decisionId}::uuid, ${incidentId}::uuid, ${escapeText(verdict)}, ${escapeText(principalId)}, ${at}
        from incident_baselines where incident_id = ${incidentId}::uuid returning baseline_id as id)
    select id from gone union select id from made order by id`)
  return rows.map(({ id }) => id)
}

/** Incidents that have to do with one of these counts. */
export async function incidentsCounted(tx: Transaction, baselines: readonly bigint[]): Promise<string[]> {
  if (baselines.length === 0) return []
  const rows = await tx.query(sql<{
    id: string
  }>`select distinct i.id::text as id from incident_baselines b join incidents i on i.id = b.incident_id
    where b.baseline_id = any(${baselines.map(String)}::bigint[]) and i.merged_into is null order by 1`)
  return rows.map(({ id }) => id)
}

/** Of the count with this id, the newest first, as JSON. */
export const saidOfCount = (
  id: RawBuilder<unknown>,
): RawBuilder<unknown> => sql`(select coalesce(json_agg(json_build_object('decision', s.decision_id, 'incident',
      (select coalesce(i.merged_into, i.id) from incidents i where i.id = s.incident_id), 'verdict', s.verdict,
      'by', coalesce((select u.name from users u where u.id::text = s.principal_id), s.principal_id), 'at', to_char(s.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')) order by s.at desc, s.decision_id desc), '[]')
    from (select * from baseline_verdicts v where v.baseline_id = ${id} order by v.at desc, v.decision_id desc limit ${mostSaid}) s)`
