/** Walking the graph by indexes alone: whether a step holds is read with its ends, and the few things that are gone are known without reading all others. */
import { type Kysely, sql } from 'kysely'

const statements = [
  `create index entities_gone on entities (id) where deleted_ns is not null`,
  `drop index attack_steps_out`,
  `drop index attack_steps_in`,
  `create index attack_steps_out on attack_steps (src, cost, dst) include (until_ns, from_ns)`,
  `create index attack_steps_in on attack_steps (dst, cost, src) include (until_ns, from_ns)`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
