/** What sensors say of themselves, summed as it comes: a page must not read a million messages to tell who was last heard. */
import { type Kysely, sql } from 'kysely'

const statements = [
  // `counted_*` are the counters of the newest metrics snapshot; `dropped` and `events` are sums over messages about drops.
  `create table sensors (
    scope text not null, source_id uuid not null, hostname text not null, event_source text not null, messages bigint not null,
    first_ns bigint not null, last_ns bigint not null, received_at timestamptz not null,
    snapshot_ns bigint, version text, kernel text, engine text, started_ns bigint, counted_events bigint, counted_drops bigint, queue_drops bigint,
    drop_messages bigint not null, dropped bigint not null, events bigint not null, first_drop_ns bigint, last_drop_ns bigint,
    primary key (scope, hostname, source_id, event_source)) with (fillfactor = 80)`,
  // By stretches of ten minutes: a sensor that drops events says so every second.
  `create table sensor_gaps (
    scope text not null, hostname text not null, source_id uuid not null, stretch bigint not null, from_ns bigint not null, to_ns bigint not null,
    messages bigint not null, dropped bigint not null, events bigint not null, received_at timestamptz not null,
    primary key (scope, hostname, source_id, stretch)) with (fillfactor = 80)`,
  `create index sensor_gaps_stretch on sensor_gaps (scope, stretch)`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
