/** Chat: threads, and in each its questions in order with their answers. */
import { type Kysely, sql } from 'kysely'

const statements = [
  // No reference to incidents: a thread of one that was merged stays, and is shown with the one it became part of.
  `create table threads (
    id uuid primary key, incident_id uuid, owner_id text not null, owner_name text not null, channel text not null, created_at timestamptz not null)`,
  `create index threads_owner on threads (owner_id, created_at desc)`,
  `create index threads_incident on threads (incident_id) where incident_id is not null`,
  // Until it is answered, `claimed_until` tells others that somebody is at it; over, whoever was at it is gone.
  `create table thread_turns (
    thread_id uuid not null references threads, number integer not null, asked_by text not null, asked_name text not null, text text not null, model boolean not null,
    asked_at timestamptz not null, state text not null, claim uuid, claimed_until timestamptz, first_step integer, answer jsonb, answered_at timestamptz, error text,
    primary key (thread_id, number))`,
  `create index thread_turns_due on thread_turns (state) where state in ('waiting', 'working')`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
