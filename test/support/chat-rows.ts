/** Rows changed under an answer: what a test of chat needs and no part of Falconer does. */
import { sql } from 'kysely'
import type { Queryable } from '../../store/database.ts'
import { escapeText } from '../../store/values.ts'

export async function updateIncidentTitle(db: Queryable, id: string, title: string): Promise<void> {
  await db.query(sql`update incidents set title = ${escapeText(title)} where id = ${id}`)
}
