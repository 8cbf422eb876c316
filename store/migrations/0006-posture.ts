/** Posture: scans, findings with their witnesses and observations; activities of audit logs; advisories; Falco rules as loaded; aliases of entities. */
import { type Kysely, sql } from 'kysely'

const statements = [
  // `ordered`: its time is when it looked, so that what it does not list may be said to be fixed since.
  `create table scans (
    id bigint generated always as identity primary key, scope text not null, content_key bytea not null, scanner text not null, version text,
    target_kind text not null, target_scope text not null, target_key text not null, target_name text not null, covers text[] not null,
    observed_ns bigint not null, ordered boolean not null, source_id uuid, received_at timestamptz not null, ended_at timestamptz,
    findings integer not null default 0, failed text, unique (scope, content_key))`,
  `create index scans_target on scans (scope, scanner, target_kind, target_key, observed_ns)`,
  `create index scans_newest on scans (received_at desc, id desc)`,

  // What is derived from its witnesses (finding-life.ts): status, title, severity, first and last seen, whether it came back.
  `create table findings (
    id uuid primary key, finding_key bytea not null unique, scope text not null, class text not null, check_id text not null, aliases text[] not null,
    title text not null, severity smallint, status text not null, status_ns bigint not null, reopened boolean not null default false,
    resource_kind text not null, resource_key text not null, resource_name text not null, namespace text, package_key text, package_name text,
    first_ns bigint not null, last_ns bigint not null, suppressed_until timestamptz, created_at timestamptz not null)`,
  `create index findings_list on findings (status, (coalesce(severity, 0::smallint)) desc, last_ns desc, id desc)`,
  `create index findings_worst on findings ((coalesce(severity, 0::smallint)) desc, last_ns desc, id desc)`,
  `create index findings_check on findings (check_id)`,
  `create index findings_aliases on findings using gin (aliases)`,
  `create index findings_resource on findings (resource_kind, resource_key)`,
  `create index findings_package on findings (package_name) where package_name is not null`,

  `create table finding_witnesses (
    id bigint generated always as identity primary key, finding_id uuid not null references findings (id), scanner text not null, scope text not null,
    target_kind text not null, target_key text not null, first_ns bigint not null, last_ns bigint not null, last_scan bigint not null references scans (id),
    last_key bytea not null,
    outcome smallint not null, outcome_reason text, severity smallint, title text not null, paths text[] not null, data jsonb not null, raw bytea not null,
    unique (finding_id, scanner, scope, target_kind, target_key)) with (fillfactor = 85)`,
  `create index finding_witnesses_target on finding_witnesses (scope, scanner, target_kind, target_key)`,
  `create table finding_observations (
    witness_id bigint not null references finding_witnesses (id), scan_id bigint not null references scans (id), outcome smallint not null,
    primary key (witness_id, scan_id))`,
  `create table finding_decisions (
    id uuid primary key, finding_id uuid not null references findings (id), at timestamptz not null, principal jsonb not null, decision text not null,
    reason text not null, until timestamptz)`,
  `create index finding_decisions_finding on finding_decisions (finding_id, at)`,

  `create table activities (
    id uuid primary key, scope text not null, content_key bytea not null, source_id uuid, received_at timestamptz not null, producer text not null,
    event_ns bigint not null, service text not null, operation text not null, outcome text not null, error text, actor_id text not null, actor jsonb not null,
    origin jsonb not null, ip text, resources text[] not null, properties jsonb not null, raw bytea not null, unique (scope, content_key))`,
  `create index activities_event on activities (event_ns desc, id desc)`,
  `create index activities_actor on activities (actor_id, event_ns desc)`,
  `create index activities_operation on activities (operation, event_ns desc)`,
  `create index activities_received on activities (received_at)`,

  `create table advisories (
    list text not null, cve text not null, snapshot text not null, snapshot_ns bigint not null, facts jsonb not null, primary key (cve, list, snapshot))`,

  // A load is one reading of one file: what an older load had and the newest has not is no longer loaded.
  `create table falco_rules (
    scope text not null, file text not null, content_key bytea not null, position integer not null, kind text not null, name text not null, mode text not null,
    item jsonb not null, condition text, priority text, source text, tags text[] not null, enabled boolean, source_id uuid, first_load_ns bigint not null,
    last_load_ns bigint not null, primary key (scope, file, content_key))`,
  `create index falco_rules_name on falco_rules (name)`,

  // Small facts of an edge: where a package lies in its image.
  `alter table relations add column properties jsonb`,
  // How long it may be silent before that is a gap; null: as its collector says. How many alerts came cut.
  `alter table sources add column expected_ms bigint, add column truncated bigint not null default 0`,

  `create table entity_aliases (
    scope text not null, kind text not null, key text not null, also_key text not null, because text not null, source_id uuid, first_ns bigint not null,
    last_ns bigint not null, primary key (scope, kind, key, also_key, because))`,
  `create index entity_aliases_back on entity_aliases (scope, kind, also_key)`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
