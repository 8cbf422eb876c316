/** What to fix first: the change that fixes a finding, places as risk sees them, and what both come to, derived from marks (graph/fix-first.ts). */
import { type Kysely, sql } from 'kysely'
import { fixIdOf } from '../fix-marks.ts'

const statements = [
  // Of what a scanner said, that which groups and orders; it stands in `data` too, which is long and read seldom.
  `alter table finding_witnesses add column base text, add column distribution text, add column fixed_in text[] not null default '{}', add column cvss double precision`,
  `update finding_witnesses set distribution = data->'properties'->>'distribution', base = coalesce(data->'properties'->>'baseLayer', data->'properties'->>'distribution'), cvss = (data->'cvss'->>'score')::float8,
    fixed_in = case when jsonb_typeof(data->'package'->'fixedIn') = 'array' then array(select jsonb_array_elements_text(data->'package'->'fixedIn')) else '{}' end`,
  // The change that fixes it: SHA-256 over what is to be changed.
  `alter table findings add column fix_id uuid`,

  `create table fixes (
    id uuid primary key, kind text not null, title text not null, score double precision not null, tie double precision not null, level smallint not null,
    findings integer not null, suppressed integer not null, fixable integer not null, steps integer not null, resources integer not null,
    places integer not null, live_places integer not null, oldest_ns bigint, newest_ns bigint, within text[] not null, details jsonb not null,
    due_at timestamptz, derived_at timestamptz not null) with (fillfactor = 85)`,
  `create index fixes_order on fixes (score desc, tie desc, findings desc, id)`,
  `create index fixes_within on fixes using gin (within) with (fastupdate = off)`,
  `create index fixes_due on fixes (due_at) where due_at is not null`,
  // What a fix stands on: to find it again when a place, or what runs in one, changes.
  `create table fix_resources (fix_id uuid not null, scope text not null, kind text not null, key text not null, primary key (fix_id, scope, kind, key))`,
  `create index fix_resources_key on fix_resources (kind, key)`,
  `create table fix_places (fix_id uuid not null, place_id bigint not null, primary key (fix_id, place_id))`,
  `create index fix_places_place on fix_places (place_id)`,
  `create table fix_steps (fix_id uuid not null, scope text not null, step_key text not null, primary key (fix_id, scope, step_key))`,
  `create index fix_steps_key on fix_steps (scope, step_key)`,

  // Places as risk sees them; written with the steps of their unit.
  `create table risk_places (
    id bigint primary key references entities (id), scope text not null, namespace text, unit text not null, title text not null,
    facts jsonb not null, reach integer, takes_host boolean not null default false, live jsonb) with (fillfactor = 85)`,
  `create index risk_places_unit on risk_places (scope, unit)`,
  `create table risk_place_images (place_id bigint not null, scope text not null, key text not null, by_name boolean not null, primary key (place_id, scope, key))`,
  `create index risk_place_images_key on risk_place_images (key)`,
  `create table risk_place_members (member_id bigint not null, place_id bigint not null, primary key (member_id, place_id))`,
  `create index risk_place_members_place on risk_place_members (place_id)`,
  `create table risk_place_objects (place_id bigint not null, scope text not null, key text not null, primary key (scope, key, place_id))`,
  `create index risk_place_objects_place on risk_place_objects (place_id)`,

  // Appended: who marks never waits for whoever derives. One of the three is given; `scope`: how far its places lead.
  `create table fix_marks (id bigint generated always as identity primary key, fix_id uuid, place_id bigint, scope text)`,

  // Which snapshots of a list there were: what the newest one does not name is not on the list.
  `create table advisory_snapshots (list text not null, snapshot text not null, snapshot_ns bigint not null, primary key (list, snapshot))`,
  `insert into advisory_snapshots (list, snapshot, snapshot_ns) select list, snapshot, min(snapshot_ns) from advisories group by 1, 2`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
  await sql`update findings f set fix_id = ${fixIdOf(sql`(select min(base) from finding_witnesses w where w.finding_id = f.id)`)}`.execute(
    db,
  )
  await sql.raw(`create index findings_fix on findings (fix_id) where fix_id is not null`).execute(db)
  await sql`insert into fix_marks (fix_id) select distinct fix_id from findings where fix_id is not null`.execute(db)
  // Places are written with the steps of their unit: once for all of them.
  await sql`update graph_units set dirty_at = now() where dirty_at is null and unit like 'namespace/%'`.execute(db)
}
