/** The same event received by two routes: the alert that stands for it is named at the other. */
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table incident_alerts add column same_as uuid`.execute(db)
  await sql`create index incident_alerts_same on incident_alerts (same_as) where same_as is not null`.execute(db)
}
