/** What people called what is counted: each count that an incident had to do with when a signed-in person gave their verdict on it. And calls by instance. */
import { type Kysely, sql } from 'kysely'

const statements = [
  // Only the verdict that stands: a later one on the same incident takes these away. Appended decisions stay in incident_decisions.
  `create table baseline_verdicts (
    baseline_id bigint not null, decision_id uuid not null, incident_id uuid not null, verdict text not null, principal_id text not null, at timestamptz not null,
    primary key (baseline_id, decision_id))`,
  `create index baseline_verdicts_incident on baseline_verdicts (incident_id)`,
  // Sessions of instances alone: theirs end in the instance’s id.
  `create index activities_instance on activities ((substring(actor_id from '/(i-[0-9a-f]{8,17})$')), event_ns)
    where substring(actor_id from '/(i-[0-9a-f]{8,17})$') is not null`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
