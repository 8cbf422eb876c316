/** What people decided about incidents: appended, never changed, obeyed at every recomputation. */
import { sql } from 'kysely'
import type { Decision, MergeLink, RecordedDecision } from '../domain/incident.ts'
import type { Queryable, Transaction } from './database.ts'
import { escapeText, json, unescapeDeep, unescapeText } from './values.ts'

export async function recordDecision(tx: Transaction, incidentId: string, recorded: RecordedDecision): Promise<void> {
  const { id, at, principalId, decision, reason, links } = recorded
  await tx.query(sql`insert into incident_decisions (id, at, principal_id, incident_id, decision, reason, links)
    values (${id}, ${at}, ${principalId}, ${incidentId}, ${json(decision)}, ${escapeText(reason)}, ${json(links)})`)
}

type DecisionRow = { id: string; at: Date; principal_id: string; decision: Decision; reason: string; links: MergeLink[] }
const columns = sql`id::text, at, principal_id, decision, reason, links`
const decisionFrom = (row: DecisionRow): RecordedDecision => ({
  id: row.id,
  at: row.at,
  principalId: row.principal_id,
  decision: unescapeDeep(row.decision),
  reason: unescapeText(row.reason),
  links: row.links,
})

/** Every merge and split there was, in the order they were decided. */
export async function partingDecisions(db: Queryable): Promise<RecordedDecision[]> {
  const rows = await db.query(
    sql<DecisionRow>`select ${columns} from incident_decisions where decision->>'kind' in ('merge', 'split') order by id`,
  )
  return rows.map(decisionFrom)
}

/** Decisions about an incident and those merged into it, oldest first. */
export async function decisionsOf(db: Queryable, incidentId: string): Promise<RecordedDecision[]> {
  return (
    await db.query(sql<DecisionRow>`select ${columns} from incident_decisions
    where incident_id = ${incidentId} or incident_id in (select id from incidents where merged_into = ${incidentId}) order by at, id`)
  ).map(decisionFrom)
}
export async function getDecision(db: Queryable, id: string): Promise<RecordedDecision | undefined> {
  const [row] = await db.query(sql<DecisionRow>`select ${columns} from incident_decisions where id::text = ${id}`)
  return row && decisionFrom(row)
}
