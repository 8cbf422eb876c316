/**
 * What an alert's own document says is not stored beside it once more: `fields` and `output` are null where they can be read from
 * `raw`. What is only read back whole is json, which is kept as it is written, not jsonb. Rows of before stay as they are.
 */
import { type Kysely, sql } from 'kysely'

const statements = [
  // `event_ns` says it, and exactly.
  `alter table alerts alter column fields drop not null, alter column normal type json, drop column event_time`,
  `alter table incident_alerts alter column reasons type json, alter column facts type json, alter column context type json`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
