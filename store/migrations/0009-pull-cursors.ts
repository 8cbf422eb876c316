/** Where pulling each custom resource stands, and which objects of it were read in which version. */
import { type Kysely, sql } from 'kysely'

const statements = [
  // Whoever holds a row reads that resource; when it dies, the row is another’s after `held_until`.
  `create table pull_cursors (
    scope text not null, resource text not null, source_id uuid not null, due_at timestamptz not null, held_by uuid, held_until timestamptz,
    state text not null default 'waiting', detail text, state_since timestamptz, looked_at timestamptz, objects integer not null default 0,
    primary key (scope, resource))`,
  // `scan_key`: the scan it told of. An object that has gone stays, so that it can be said since when it is not observed.
  `create table pulled_objects (
    scope text not null, resource text not null, uid text not null, version text not null, place text not null, scan_key bytea,
    read_at timestamptz not null, gone_at timestamptz, primary key (scope, resource, uid))`,
  `create index pulled_objects_scan on pulled_objects (scope, scan_key) where scan_key is not null`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
