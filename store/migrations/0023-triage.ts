/** Whether a model is asked about an incident and why; what it is to be asked, one at a time of an incident; and notes to destinations that are about no incident. */
import { type Kysely, sql } from 'kysely'

const statements = [
  // `due_at`: to be decided (again) from then on. Written when the playbook has read it.
  `create table incident_triage (
    incident_id uuid primary key, investigation_id uuid not null, outcome text, code text, reason text, decided_at timestamptz, due_at timestamptz)`,
  `create index incident_triage_due on incident_triage (due_at) where due_at is not null`,
  // Its id is its investigation’s: steps, calls and checkpoints go by it, before a crash and after. What the incident was when it was asked stays with it.
  `create table deepenings (
    id uuid primary key, incident_id uuid not null, asked_at timestamptz not null, asked_by text not null, by_person boolean not null, reason text not null,
    state text not null, severity smallint not null, rules text[] not null, entity_ids bigint[] not null, attempts integer not null default 0,
    held_by uuid, held_until timestamptz, started_at timestamptz, finished_at timestamptz, error text)`,
  `create unique index deepenings_one on deepenings (incident_id) where state in ('waiting', 'running')`,
  `create index deepenings_incident on deepenings (incident_id, asked_at)`,
  `create index deepenings_started on deepenings (started_at) where not by_person`,
  `create index analyst_steps_at on analyst_steps (at)`,
  `create table outside_notes (id text primary key, at timestamptz not null, type text not null, data jsonb not null)`,
  `create table outside_note_deliveries (note_id text not null references outside_notes (id), destination text not null, attempts integer not null default 0, next_at timestamptz,
    sent_at timestamptz, primary key (note_id, destination))`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
