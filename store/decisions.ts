/** What people decided about incidents: appended, never changed, obeyed at every recomputation. */
import { sql } from 'kysely'
import type { Decision, RecordedDecision } from '../domain/incident.ts'
import { newId } from '../domain/ids.ts'
import type { Queryable, Transaction } from './database.ts'
import { escapeText, json, unescapeDeep, unescapeText } from './values.ts'

export async function recordDecision(
  tx: Transaction,
  recorded: { incidentId: string; at: Date; principalId: string; decision: Decision; reason: string },
): Promise<string> {
  const id = newId()
  await tx.query(
    sql`insert into incident_decisions (id, at, principal_id, incident_id, decision, reason) values (${id}, ${recorded.at}, ${recorded.principalId}, ${recorded.incidentId}, ${json(recorded.decision)}, ${escapeText(recorded.reason)})`,
  )
  return id
}

type DecisionRow = { id: string; at: Date; principal_id: string; decision: Decision; reason: string }
const decisionFrom = (row: DecisionRow): RecordedDecision => ({
  id: row.id,
  at: row.at,
  principalId: row.principal_id,
  decision: unescapeDeep(row.decision),
  reason: unescapeText(row.reason),
})

/** Decisions about an incident and those merged into it, oldest first. */
export async function decisionsOf(db: Queryable, incidentId: string): Promise<RecordedDecision[]> {
  return (
    await db.query(sql<DecisionRow>`select id::text, at, principal_id, decision, reason from incident_decisions
    where incident_id = ${incidentId} or incident_id in (select id from incidents where merged_into = ${incidentId}) order by at, id`)
  ).map(decisionFrom)
}
export async function getDecision(db: Queryable, id: string): Promise<RecordedDecision | undefined> {
  const [row] = await db.query(
    sql<DecisionRow>`select id::text, at, principal_id, decision, reason from incident_decisions where id::text = ${id}`,
  )
  return row && decisionFrom(row)
}
