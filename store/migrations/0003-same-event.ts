/** The same event received by two routes: the alert that stands for it is named at the other. And a storm can be listed rule by rule. */
import { type Kysely, sql } from 'kysely'

const statements = [
  `alter table incident_alerts add column same_as uuid, add column rule text, add column priority smallint`,
  `update incident_alerts m set rule = a.rule, priority = a.priority from alerts a where a.id = m.alert_id and a.received_at = m.received_at`,
  // Of an alert that is gone already its membership goes too.
  `delete from incident_alerts where rule is null`,
  `alter table incident_alerts alter column rule set not null, alter column priority set not null`,
  `create index incident_alerts_same on incident_alerts (same_as) where same_as is not null`,
  `create index incident_alerts_rule on incident_alerts (incident_id, rule, event_ns, alert_id)`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
