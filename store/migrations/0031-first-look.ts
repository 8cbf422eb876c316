/** Since when an embedder fails, and vectors read faster; and what a model for triage said before an incident is investigated in full. */
import { type Kysely, sql } from 'kysely'

const statements = [
  `alter table knowledge_embedders add column failing_since timestamptz`,
  // A vector of up to 2,000 numbers stays in its row's page: looking at all of them takes half as long. Those that are there stay where they are.
  `alter table knowledge_vectors alter column vector set storage main`,
  // 'wanted', then what came of it; null: none is wanted. `look_said`: in words of ours.
  `alter table deepenings add column look text, add column look_said text, add column looked_at timestamptz`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
