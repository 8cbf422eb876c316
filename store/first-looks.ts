/** What came of a first look at an incident, before a model investigates it: kept with what was to be done, and told with the reason why it was, or was not. */
import { sql } from 'kysely'
import { type Severity, severityFromId } from '../domain/severity.ts'
import type { Queryable, Transaction } from './database.ts'
import { escapeText, unescapeText } from './values.ts'

export type LookEnd = { id: string; by: string; said: string; at: Date }

/** It is investigated all the same. */
export async function noteLook(tx: Transaction, { id, by, said, at }: LookEnd, outcome: 'passed' | 'failed'): Promise<void> {
  const clause = escapeText(`; ${said}`)
  const [row] = await tx.query(sql<{
    incident_id: string
  }>`update deepenings set look = ${outcome}, look_said = ${escapeText(said)}, looked_at = ${at},
      reason = reason || ${clause} where id = ${id} and held_by = ${by}::uuid and state = 'running' returning incident_id::text`)
  if (row !== undefined)
    await tx.query(
      sql`update incident_triage set reason = reason || ${clause} where incident_id = ${row.incident_id} and code = 'undecided'`,
    )
}

/** It is not investigated, and whether it is to be is decided anew. False: a person wants it by now, or it is not ours any more. */
export async function spareDeepening(tx: Transaction, { id, by, said, at }: LookEnd): Promise<boolean> {
  const [row] = await tx.query(sql<{
    incident_id: string
  }>`update deepenings set state = 'spared', look = 'spared', look_said = ${escapeText(said)}, looked_at = ${at},
      finished_at = ${at}, held_by = null, held_until = null
    where id = ${id} and held_by = ${by}::uuid and state = 'running' and not by_person returning incident_id::text`)
  if (row === undefined) return false
  await tx.query(sql`update incident_triage set due_at = ${at} where incident_id = ${row.incident_id}`)
  return true
}

/** The last look that spared the incident, or one merged into it, and how it was then; null: none did. */
export async function lastSpared(
  db: Queryable,
  incidentId: string,
): Promise<{ at: Date; said: string; severity: Severity; rules: string[]; entityIds: bigint[] } | null> {
  const [row] = await db.query(sql<{ at: Date; said: string; severity: number; rules: string[]; entity_ids: string[] }>`
    select looked_at as at, look_said as said, severity, rules, entity_ids::text[] as entity_ids from deepenings
    where (incident_id = ${incidentId} or incident_id in (select id from incidents where merged_into = ${incidentId})) and state = 'spared'
    order by looked_at desc, id desc limit 1`)
  if (row === undefined) return null
  const { at, said, severity, rules, entity_ids: ids } = row
  return { at, said: unescapeText(said), severity: severityFromId(severity), rules: rules.map(unescapeText), entityIds: ids.map(BigInt) }
}
