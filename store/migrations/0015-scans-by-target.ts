/** Who looked at this image, in whichever scope its report came: asked of every incident. */
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create index scans_of_target on scans (target_kind, target_key, observed_ns)`.execute(db)
}
