/** What alerts showed over time: which files of an image were run or opened, on which days a scope was watched, and what is normal in a place. */
import { type Kysely, sql } from 'kysely'

const statements = [
  // Compared byte by byte, so that everything below a directory is one stretch of the index.
  `create table image_paths (
    image_id bigint not null references entities (id), path text collate "C" not null, kind text not null, first_ns bigint not null, last_ns bigint not null,
    alert_id uuid not null, primary key (image_id, path, kind)) with (fillfactor = 85)`,
  // How many further ones an image had no room for.
  `create table image_paths_left_out (image_id bigint primary key references entities (id), paths bigint not null)`,

  // Event days (UTC) of which a scope has an alert at all; runtime_ns: the first of the day that a sensor of system calls sent.
  `create table watched_days (scope text not null, day date not null, runtime_ns bigint, primary key (scope, day))`,

  // What a count is of: a rule in a place by a process. Its days are counted apart, so that a batch writes few and short rows.
  `create table baseline_keys (
    id bigint generated always as identity primary key, scope text not null, rule text not null, place text not null, process text not null,
    unique (scope, place, rule, process))`,
  `create index baseline_keys_rule on baseline_keys (scope, rule)`,
  `create table baseline_days (
    key_id bigint not null references baseline_keys (id) on delete cascade, day date not null, count integer not null, counted_at timestamptz not null,
    primary key (key_id, day)) with (fillfactor = 85)`,
  // Which of them an alert was counted as, so that it can be moved; and which an incident has to do with.
  `alter table incident_alerts add column baseline_id bigint`,
  `create table incident_baselines (incident_id uuid not null, baseline_id bigint not null, primary key (incident_id, baseline_id))`,
  `create index incident_baselines_back on incident_baselines (baseline_id)`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
