/** What those outside are told that is about no incident: each once to each destination. */
import { sql } from 'kysely'
import type { Queryable, Transaction } from './database.ts'
import { json, unescapeDeep } from './values.ts'

export type Note = { id: string; type: string; at: Date; data: Record<string, unknown> }

/** To all destinations there are now. False: it was noted before. */
export async function addNote(tx: Transaction, { id, type, data }: Omit<Note, 'at'>, at: Date): Promise<boolean> {
  const added = await tx.query(
    sql`insert into outside_notes (id, at, type, data) values (${id}, ${at}, ${type}, ${json(data)}) on conflict (id) do nothing returning 1`,
  )
  if (added.length === 0) return false
  await tx.query(sql`insert into outside_note_deliveries (note_id, destination) select ${id}, name from destinations`)
  return true
}

export type DueNote = Note & { attempts: number }

export async function dueNotes(db: Queryable, destination: string, now: Date): Promise<DueNote[]> {
  const rows =
    await db.query(sql<DueNote>`select n.id, n.at, n.type, n.data, d.attempts from outside_note_deliveries d join outside_notes n on n.id = d.note_id
    where d.destination = ${destination} and d.sent_at is null and (d.next_at is null or d.next_at <= ${now}) order by n.at, n.id limit 10`)
  return rows.map((row) => ({ ...row, data: unescapeDeep(row.data) }))
}

/** It is about to be sent; not before `nextAt` again. False: another server sends it. */
export async function noteTried(
  db: Queryable,
  { id, destination, now, nextAt }: { id: string; destination: string; now: Date; nextAt: Date },
): Promise<boolean> {
  const ours = await db.query(sql`update outside_note_deliveries set attempts = attempts + 1, next_at = ${nextAt}
    where note_id = ${id} and destination = ${destination} and sent_at is null and (next_at is null or next_at <= ${now}) returning 1`)
  return ours.length > 0
}

/** It was taken, or never will be. */
export async function noteSent(db: Queryable, { id, destination, at }: { id: string; destination: string; at: Date }): Promise<void> {
  await db.query(sql`update outside_note_deliveries set sent_at = ${at} where note_id = ${id} and destination = ${destination}`)
}
