/** Whether a model is asked about each incident: due once the playbook has read it, decided once however many servers there are. */
import { sql } from 'kysely'
import type { Incident } from '../domain/incident.ts'
import { shortId } from '../domain/ids.ts'
import type { Report, Verdict } from '../domain/report.ts'
import { severityId } from '../domain/severity.ts'
import type { Triaged } from '../domain/triage.ts'
import type { Queryable, Transaction } from './database.ts'
import { escapeText, unescapeText } from './values.ts'

/** In the transaction that keeps the playbook’s report. */
export async function triageDue(tx: Queryable, incidentId: string, investigationId: string, at: Date): Promise<void> {
  await tx.query(sql`insert into incident_triage (incident_id, investigation_id, due_at) values (${incidentId}, ${investigationId}, ${at})
    on conflict (incident_id) do update set investigation_id = excluded.investigation_id, due_at = excluded.due_at`)
}

export type DueTriage = { incidentId: string; report: Pick<Report, 'verdict' | 'confidence'> }

/** The most severe that is due, held until the transaction ends; null: none is that nobody else is at. Those merged away fall due to their survivor. */
export async function takeDueTriage(tx: Transaction, now: Date): Promise<DueTriage | null> {
  const [row] = await tx.query(sql<{ incident_id: string; verdict: Verdict; confidence: Report['confidence'] }>`
    select t.incident_id::text, v.report->>'verdict' as verdict, v.report->>'confidence' as confidence
    from incident_triage t join investigations v on v.id = t.investigation_id join incidents i on i.id = t.incident_id
    where t.due_at <= ${now} and v.report is not null order by i.severity desc, t.due_at limit 1 for update of t skip locked`)
  return row === undefined ? null : { incidentId: row.incident_id, report: { verdict: row.verdict, confidence: row.confidence } }
}

export async function noteTriage(tx: Transaction, incidentId: string, { outcome, code, reason, dueAt }: Triaged, at: Date): Promise<void> {
  await tx.query(sql`update incident_triage set outcome = ${outcome}, code = ${code}, reason = ${escapeText(reason)}, decided_at = ${at}, due_at = ${dueAt}
    where incident_id = ${incidentId}`)
}

export async function forgetTriage(tx: Transaction, incidentId: string): Promise<void> {
  await tx.query(sql`delete from incident_triage where incident_id = ${incidentId}`)
}

/** As it was last decided; null: not yet. */
export async function triageOf(db: Queryable, incidentId: string): Promise<(Triaged & { decidedAt: Date }) | null> {
  const [row] = await db.query(sql<Triaged & { decidedAt: Date }>`select outcome, code, reason, due_at as "dueAt", decided_at as "decidedAt"
    from incident_triage where incident_id = ${incidentId} and decided_at is not null`)
  return row === undefined ? null : { ...row, reason: unescapeText(row.reason) }
}

/** Whoever acts by itself: its verdicts are no person’s. */
const notPeople = ['agent', 'executor', 'system', 'demo']
const settled: readonly Verdict[] = ['true_positive', 'benign', 'false_positive']

/**
 * What a person lately said of an incident of the same rules in the same place (its title names both) that was at least as severe; this one too. The
 * newest word counts, and only if it settles something.
 */
export async function judgedAlike(
  db: Queryable,
  { scope, title, rules, severity }: Pick<Incident, 'scope' | 'title' | 'rules' | 'severity'>,
  since: Date,
): Promise<{ verdict: Verdict; at: Date; incident: string } | null> {
  const [row] = await db.query(sql<{ id: string; at: Date; verdict: Verdict }>`select i.id::text, d.at, d.decision->>'verdict' as verdict
    from incident_decisions d join incidents i on i.id = d.incident_id
    where d.decision->>'kind' = 'verdict' and d.at >= ${since} and d.principal_id <> all(${notPeople}::text[])
      and i.scope = ${escapeText(scope)} and i.title = ${escapeText(title)} and i.rules = ${rules.map(escapeText)}::text[] and i.severity >= ${severityId(severity)}
    order by d.at desc, d.id desc limit 1`)
  return row === undefined || !settled.includes(row.verdict)
    ? null
    : { verdict: row.verdict, at: row.at, incident: shortId('incident', row.id) }
}
