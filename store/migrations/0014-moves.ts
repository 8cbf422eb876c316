/** Moves: segments that reach others, alerts of several scopes in one incident, what an alert's moves wait for, and by what inventory is found for them. */
import { type Kysely, sql } from 'kysely'

const statements = [
  `alter table incident_segments add column by_key text not null default ''`,
  `alter table incident_segments add column about jsonb`,
  `alter table incident_segments drop constraint incident_segments_pkey`,
  `alter table incident_segments add primary key (scope, fact_key, rule, by_key, start_ns)`,
  `alter table incident_alerts add column scope text not null default ''`,
  `update incident_alerts m set scope = i.scope from incidents i where i.id = m.incident_id`,

  // News of these keys may change what an alert’s moves are: it is placed again.
  `create table incident_waits (alert_id uuid not null, key text not null, event_ns bigint not null, primary key (alert_id, key))`,
  `create index incident_waits_key on incident_waits (key, event_ns)`,

  `create index entities_address on entities (scope, (coalesce(properties->>'ip', properties->>'clusterIP'))) where kind in ('pod', 'service')`,
  `create index entities_run_as on entities (scope, namespace, (properties->>'serviceAccount'), (coalesce(deleted_ns, 9223372036854775807))) where kind = 'pod'`,
  `create index entities_role on entities ((regexp_replace(properties->'annotations'->>'eks.amazonaws.com/role-arn', '^arn:aws[a-z-]*:iam::([0-9]+):role/(.+/)?([^/]+)$', '\\1/\\3')))
    where kind = 'service_account' and properties->'annotations'->>'eks.amazonaws.com/role-arn' is not null`,
  `create index entities_instance on entities ((regexp_replace(properties->>'providerId', '^aws:.*/', ''))) where kind = 'node' and properties->>'providerId' like 'aws:%'`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
