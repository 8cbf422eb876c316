/** Investigations: who looked at an incident, when, at which revision of it, and the report that came of it. Appended; a newer one does not replace an older. */
import { sql } from 'kysely'
import { newId } from '../domain/ids.ts'
import { noModel, type Report } from '../domain/report.ts'
import type { Database, Queryable } from './database.ts'
import { announce } from './incident-notices.ts'
import { lockIncidents } from './segments.ts'
import { escapeText, json, unescapeDeep, unescapeText } from './values.ts'

export type Investigation = {
  id: string
  incidentId: string
  incidentRevision: number
  analyst: string
  status: 'running' | 'done' | 'failed'
  report: Report | null
  error: string | null
  startedAt: Date
  finishedAt: Date | null
}
type Row = {
  id: string
  incident_id: string
  incident_revision: number
  analyst: string
  status: Investigation['status']
  report: Report | null
  error: string | null
  started_at: Date
  finished_at: Date | null
}
const columns = sql`id::text, incident_id::text, incident_revision, analyst, status, report, error, started_at, finished_at`
/** Parts that reports written before there were any do not have. */
const laterParts = { rootCause: [], rootCauses: 0, fixFirst: [], blastRadius: [], ...noModel }
const fromRow = (row: Row): Investigation => ({
  id: row.id,
  incidentId: row.incident_id,
  incidentRevision: row.incident_revision,
  analyst: row.analyst,
  status: row.status,
  report: row.report === null ? null : { ...laterParts, ...unescapeDeep(row.report) },
  error: row.error === null ? null : unescapeText(row.error),
  startedAt: row.started_at,
  finishedAt: row.finished_at,
})

export async function startInvestigation(
  db: Queryable,
  given: { incidentId: string; incidentRevision: number; analyst: string; at: Date },
): Promise<string> {
  const id = newId()
  await db.query(
    sql`insert into investigations (id, incident_id, incident_revision, analyst, status, started_at) values (${id}, ${given.incidentId}, ${given.incidentRevision}, ${given.analyst}, 'running', ${given.at})`,
  )
  return id
}
/** A verdict is news of its incident: it counts as changed, and who is to be told is. */
export async function finishInvestigation(
  db: Database,
  id: string,
  outcome: { report: Report } | { error: string },
  at: Date,
): Promise<Investigation> {
  return db.transaction(async (tx) => {
    await lockIncidents(tx)
    const [row] = await tx.query(
      sql<Row>`update investigations set status = ${'report' in outcome ? 'done' : 'failed'}, report = ${'report' in outcome ? json(outcome.report) : null}, error = ${'error' in outcome ? escapeText(outcome.error) : null}, finished_at = ${at} where id = ${id} returning ${columns}`,
    )
    const finished = fromRow(row as Row)
    if (finished.status === 'done') {
      await tx.query(sql`update incidents set updated_at = greatest(updated_at, ${at}) where id = ${finished.incidentId}`)
      await announce(tx, [finished.incidentId], at)
    }
    return finished
  })
}
/** What a crash left running did not finish. */
export async function failInterrupted(db: Queryable, at: Date): Promise<void> {
  await db.query(
    sql`update investigations set status = 'failed', error = 'Falconer stopped while this ran; it is run again.', finished_at = ${at} where status = 'running'`,
  )
}
/** Newest first. */
export async function investigationsOf(db: Queryable, incidentId: string, limit = 20): Promise<Investigation[]> {
  return (
    await db.query(
      sql<Row>`select ${columns} from investigations where incident_id = ${incidentId} order by started_at desc, id desc limit ${limit}`,
    )
  ).map(fromRow)
}
/** The newest finished report of each of these incidents. */
export async function latestReports(db: Queryable, incidentIds: readonly string[]): Promise<Map<string, Investigation>> {
  const rows = await db.query(
    sql<Row>`select distinct on (incident_id) ${columns} from investigations where incident_id = any(${incidentIds}::uuid[]) and status = 'done' order by incident_id, started_at desc, id desc`,
  )
  return new Map(rows.map((row) => [row.incident_id, fromRow(row)]))
}
/** Notes which recommendations could not be proposed, and why; the rest of the report stays as written. */
export async function noteRefusals(db: Queryable, investigation: Investigation, refusals: ReadonlyMap<number, string>): Promise<void> {
  if (investigation.report === null || refusals.size === 0) return
  const actions = investigation.report.actions.map((action, index) => ({ ...action, blocked: refusals.get(index) ?? action.blocked }))
  await db.query(sql`update investigations set report = ${json({ ...investigation.report, actions })} where id = ${investigation.id}`)
}
