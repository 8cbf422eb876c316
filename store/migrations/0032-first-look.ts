/** Since when an embedder fails; and what a model for triage said before an incident is investigated in full. */
import { type Kysely, sql } from 'kysely'

const statements = [
  `alter table knowledge_embedders add column failing_since timestamptz`,
  // 'wanted', then what came of it; null: none is wanted. `look_said`: in words of ours.
  `alter table deepenings add column look text, add column look_said text, add column looked_at timestamptz`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
