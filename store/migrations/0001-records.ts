/** The first tables: sources, alerts and their keys, dead letters, inventory, incidents, investigations, proposals, audit. */
import { type Kysely, sql } from 'kysely'

const statements = [
  `create extension if not exists vector`,

  `create table sources (
    id uuid primary key, name text not null unique, collector text not null, scope text not null, secret_hash bytea unique,
    created_at timestamptz not null, disabled_at timestamptz, last_seen_at timestamptz, last_event_at timestamptz,
    accepted bigint not null default 0, duplicates bigint not null default 0, internal bigint not null default 0,
    dead_letters bigint not null default 0, skew_ms bigint)`,

  // Partitioned by received time: freshness and retention use our clock, so an import of old data does not vanish at once.
  `create table alerts (
    id uuid not null, received_at timestamptz not null, scope text not null, source_id uuid, sensor text not null, sensor_source text,
    event_ns bigint not null, event_time timestamptz not null, rule text not null, priority smallint not null, severity smallint not null,
    hostname text, container_id text, pod_namespace text, pod_name text, output text, normal jsonb not null, fields jsonb not null, raw bytea not null,
    content_key bytea not null, primary key (id, received_at)) partition by range (received_at)`,
  `create table alerts_default partition of alerts default`,
  `create index alerts_event on alerts (event_ns desc, id desc)`,
  `create index alerts_container on alerts (container_id, event_ns) where container_id is not null`,

  // What makes an alert the same alert. Its own table, because a unique index on alerts must include the partition key.
  `create table alert_keys (
    scope text not null, content_key bytea not null, alert_id uuid not null, received_at timestamptz not null,
    last_received_at timestamptz not null, seen bigint not null default 1, primary key (scope, content_key))`,
  `create table alerts_pending (alert_id uuid primary key)`,

  `create table internal_messages (
    scope text not null, content_key bytea not null, id uuid not null, source_id uuid, received_at timestamptz not null, name text not null,
    event_ns bigint, hostname text, fields jsonb not null, raw bytea not null, primary key (scope, content_key))`,
  `create index internal_messages_at on internal_messages (received_at)`,
  `create table dead_letters (
    id uuid primary key, scope text not null, source_id uuid, received_at timestamptz not null, place text not null, reason text not null,
    raw bytea not null, size bigint not null, digest bytea not null, replayed_at timestamptz)`,
  `create unique index dead_letters_same on dead_letters (scope, digest, place)`,
  `create index dead_letters_at on dead_letters (received_at)`,

  `create table entities (
    id bigint generated always as identity primary key, scope text not null, kind text not null, key text not null, name text not null,
    namespace text, properties jsonb not null, origin text not null, source_id uuid, first_ns bigint not null, last_ns bigint not null,
    valid_from_ns bigint not null, deleted_ns bigint, unique (scope, kind, key)) with (fillfactor = 85)`,
  `create index entities_name on entities (scope, kind, namespace, name)`,
  `create index entities_key_prefix on entities (kind, key text_pattern_ops)`,
  `create table relations (
    src bigint not null references entities (id), type text not null, dst bigint not null references entities (id),
    first_ns bigint not null, last_ns bigint not null, primary key (src, type, dst)) with (fillfactor = 85)`,
  `create index relations_back on relations (dst, type, src)`,

  `create table incidents (
    id uuid primary key, scope text not null, title text not null, state text not null, severity smallint not null, severity_floor smallint not null,
    severity_reasons jsonb not null, correlation_version text not null, alert_count integer not null, first_ns bigint not null, last_ns bigint not null,
    tactics text[] not null, techniques text[] not null, rules text[] not null, entity_ids bigint[] not null, revision integer not null,
    investigated_revision integer not null default 0, expired_alerts integer not null default 0, merged_into uuid, created_at timestamptz not null, updated_at timestamptz not null)`,
  `create index incidents_list on incidents (severity desc, last_ns desc, id desc) where merged_into is null`,
  // What awaits an investigation: asked for every second.
  `create index incidents_due on incidents (severity desc, updated_at) where merged_into is null and state <> 'closed' and revision > investigated_revision`,
  `create index incidents_merged on incidents (merged_into) where merged_into is not null`,
  `create index incidents_tail on incidents ((right(replace(id::text, '-', ''), 10)))`,
  `create table incident_segments (
    scope text not null, rule text not null, fact_key text not null, start_ns bigint not null, end_ns bigint not null, incident_id uuid not null,
    label text not null, last_alert_id uuid not null, primary key (scope, fact_key, rule, start_ns))`,
  `create index incident_segments_incident on incident_segments (incident_id)`,
  `create table incident_alerts (
    alert_id uuid primary key, incident_id uuid not null, event_ns bigint not null, received_at timestamptz not null, reasons jsonb not null,
    facts jsonb not null, context jsonb not null, resolved boolean not null, container_id text, pod_name text, hostname text)`,
  // Alerts that await their inventory record, by the names it may explain them with; gone from the index once it did.
  `create index incident_alerts_unresolved_container on incident_alerts (container_id) where not resolved`,
  `create index incident_alerts_unresolved_pod on incident_alerts (pod_name) where not resolved`,
  `create index incident_alerts_unresolved_host on incident_alerts (hostname) where not resolved`,
  // One row per incident and rule: severity and title are derived from these, however many alerts there are.
  `create table incident_groups (
    incident_id uuid not null, rule text not null, priority smallint not null, tactics text[] not null, techniques text[] not null,
    count integer not null, first_ns bigint not null, last_ns bigint not null, primary key (incident_id, rule, priority))`,
  // The same counts of alerts that retention has removed since.
  `create table incident_expired (
    incident_id uuid not null, rule text not null, priority smallint not null, tactics text[] not null, techniques text[] not null,
    count integer not null, first_ns bigint not null, last_ns bigint not null, primary key (incident_id, rule, priority))`,
  // And one row per inventory record its alerts were resolved to.
  `create table incident_places (incident_id uuid not null, kind text not null, entity_id bigint not null, primary key (incident_id, kind, entity_id))`,
  `create index incident_alerts_incident on incident_alerts (incident_id, event_ns, alert_id)`,
  `create table incident_decisions (
    id uuid primary key, at timestamptz not null, principal_id text not null, incident_id uuid not null, decision jsonb not null, reason text not null,
    links jsonb not null)`,
  `create index incident_decisions_incident on incident_decisions (incident_id, at)`,

  `create table investigations (
    id uuid primary key, incident_id uuid not null, incident_revision integer not null, analyst text not null, status text not null,
    case_file jsonb, report jsonb, error text, started_at timestamptz not null, finished_at timestamptz)`,
  `create index investigations_incident on investigations (incident_id, started_at desc)`,

  `create table proposals (
    id uuid primary key, incident_id uuid, investigation_id uuid, scope text not null, action text not null, params jsonb not null, params_key text not null,
    target jsonb not null, target_entity_id bigint not null references entities (id), reason text not null, state text not null, state_reason text,
    proposed_by jsonb not null, plan jsonb, plan_hash text, quorum integer not null, expires_at timestamptz, superseded_by uuid, result jsonb,
    claim_id uuid, created_at timestamptz not null, updated_at timestamptz not null)`,
  `create index proposals_state on proposals (state, updated_at)`,
  `create index proposals_incident on proposals (incident_id)`,
  `create table approvals (
    id uuid primary key, proposal_id uuid not null references proposals (id), principal_id text not null, person_id text not null, name text not null, role text not null, decision text not null,
    plan_hash text not null, reason text not null, channel text not null, at timestamptz not null)`,
  `create unique index approvals_once on approvals (proposal_id, person_id, decision)`,
  `create table artifacts (
    id uuid primary key, proposal_id uuid not null references proposals (id), name text not null, media_type text not null, content bytea not null,
    sha256 bytea not null, created_at timestamptz not null)`,

  `create table audit (
    seq bigint primary key, at timestamptz not null, principal jsonb not null, channel text not null, action text not null, subject text not null,
    details jsonb not null, shown_digest text, previous_hash bytea not null, hash bytea not null)`,
  `create index audit_subject on audit (subject, seq)`,

  `create table settings (name text primary key, value jsonb not null)`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
