/** What deriving attack steps asks for: scans by what they looked at, and what only a manifest declares. */
import { type Kysely, sql } from 'kysely'

const statements = [
  `create index scans_target_key on scans (target_kind, target_key)`,
  `create index entities_declared on entities (scope, kind) where (properties->'declaredOnly') is not null`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
