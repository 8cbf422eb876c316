/**
 * What analysts leave behind, and for how long: answers of models and where conversations stood are for work that a crash cut off, and go a day after it is over;
 * steps go with the alerts that they are about. What was paid stays.
 */
import { sql } from 'kysely'
import type { Database } from './database.ts'

/** `over`: what ended before it is not gone on with. `old`: as alerts are kept. */
export async function tidyAnalysts(db: Database, { over, old }: { over: Date; old: Date }): Promise<void> {
  const wanted = sql`select id from investigations where status = 'running' or finished_at >= ${over} union all select id from deepenings where state in ('waiting', 'running')`
  await db.query(sql`update model_calls set answer = null where answer is not null and started_at < ${over} and about not in (${wanted})`)
  for (const table of ['checkpoint_writes', 'checkpoint_blobs', 'checkpoints'])
    await db.query(sql`delete from ${sql.table(table)} where left(thread_id, 36) not in (select id::text from (${wanted}) w)`)
  await db.query(sql`delete from analyst_steps where at < ${old} and about not in (${wanted})`)
}
