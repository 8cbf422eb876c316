/** Alerts are searched by rule and by pod; by container they are already, and for text there is no index (ADR 0008). */
import { type Kysely, sql } from 'kysely'

const statements = [
  `create index alerts_rule on alerts (rule, event_ns desc, id desc)`,
  `create index alerts_pod on alerts (pod_namespace, pod_name, event_ns desc, id desc) where pod_name is not null`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
