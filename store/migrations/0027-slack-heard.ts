/** Slack: questions that are kept until they are answered, since when it is heard over Socket Mode, and how often all servers together ask it. */
import { type Kysely, sql } from 'kysely'

const statements = [
  // Written before Slack is told that it was heard. `n`: the order they came in; `begun`: it has its place in its thread of chat, so that the next may follow.
  `create table slack_heard (
    id uuid primary key, n bigint generated always as identity, channel text not null, thread text not null, body jsonb not null, heard_at timestamptz not null,
    begun boolean not null default false, attempts integer not null default 0, next_at timestamptz, held_by uuid, held_until timestamptz, error text)`,
  `create index slack_heard_in_order on slack_heard (n)`,
  // One row: of all servers that are to hear it, when the last did.
  `create table slack_hearing (
    one boolean primary key default true check (one), since timestamptz not null, named_at timestamptz not null, heard_at timestamptz, error text)`,
  `create table slack_pace (key text primary key, next_at timestamptz not null)`,
  // Messages of answers belong to what was heard from now on.
  `delete from slack_messages where kind = 'turn'`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
