/** The cheapest path from the internet to each place, beside how far it leads; and what opens it, which is derived with its unit. */
import { type Kysely, sql } from 'kysely'

const statements = [
  `alter table risk_places add column way jsonb`,
  // Places are written with the steps of their unit: once for all of them, and how far they lead with that.
  `update graph_units set dirty_at = now() where dirty_at is null and unit like 'namespace/%'`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
