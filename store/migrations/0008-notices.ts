/** Who is told of incidents outside, and what of it is still to be told: one row per destination and incident, however often that changes. */
import { type Kysely, sql } from 'kysely'

const statements = [
  // Told by one server at a time, who holds it for moments. `since`: what had ended before is not told.
  `create table destinations (
    name text primary key, since timestamptz not null, named_at timestamptz not null, held_by uuid, held_until timestamptz, delivered bigint not null default 0, delivered_at timestamptz,
    failures integer not null default 0, failing_since timestamptz, next_at timestamptz, error text)`,
  // `version` counts changes, `sent` is the one that was taken, `trying` the one that may have arrived: it is repeated as it was until it is taken.
  // `told`: what the receiver last heard, open or closed; null: nothing yet.
  `create table incident_notices (
    destination text not null references destinations (name) on delete cascade, incident_id uuid not null, version integer not null, sent integer not null default 0,
    trying integer, trying_change text, told text, since timestamptz not null, attempts integer not null default 0, next_at timestamptz, error text, primary key (destination, incident_id))`,
  `create index incident_notices_due on incident_notices (destination, since, incident_id) where version > sent`,
  // What changed since a moment, for whoever fetches instead.
  `create index incidents_updated on incidents (updated_at, id)`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
