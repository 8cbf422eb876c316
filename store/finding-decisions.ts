/** What people decided about findings: suppressed until when and why, or no longer. Appended; the newest one holds, and only until its end. */
import { sql } from 'kysely'
import { newId } from '../domain/ids.ts'
import type { Principal } from '../domain/principal.ts'
import type { Queryable, Transaction } from './database.ts'
import { markFixes } from './fix-marks.ts'
import { escapeText, json, unescapeText } from './values.ts'

export type FindingDecision = { id: string; at: Date; by: string; decision: 'suppress' | 'unsuppress'; reason: string; until: Date | null }

export async function decideFinding(
  tx: Transaction,
  { findingId, at, principal, reason, until }: { findingId: string; at: Date; principal: Principal; reason: string; until: Date | null },
): Promise<void> {
  await tx.query(sql`insert into finding_decisions (id, finding_id, at, principal, decision, reason, until)
    values (${newId()}, ${findingId}, ${at}, ${json({ id: principal.id, name: principal.name, personId: principal.personId })}, ${until === null ? 'unsuppress' : 'suppress'}, ${escapeText(reason)}, ${until})`)
  const changed = await tx.query(
    sql<{ fix: string | null }>`update findings set suppressed_until = ${until} where id = ${findingId} returning fix_id::text as fix`,
  )
  await markFixes(
    tx,
    changed.flatMap(({ fix }) => fix ?? []),
  )
}

/** Newest first. */
export async function findingDecisions(db: Queryable, findingId: string): Promise<FindingDecision[]> {
  const rows = await db.query(sql<
    Omit<FindingDecision, 'by'> & { by: string }
  >`select id::text, at, principal->>'name' as by, decision, reason, until
    from finding_decisions where finding_id = ${findingId} order by at desc, id desc`)
  return rows.map((row) => ({ ...row, by: unescapeText(row.by), reason: unescapeText(row.reason) }))
}
