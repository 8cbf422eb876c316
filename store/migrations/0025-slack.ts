/** Slack: who is who there, what was heard of it before, which message shows what, and which of its threads is which thread of chat. */
import { type Kysely, sql } from 'kysely'

const statements = [
  `create table slack_links (
    team_id text not null, slack_user text not null, user_id uuid not null references users (id), linked_at timestamptz not null,
    primary key (team_id, slack_user), unique (team_id, user_id))`,
  // Asked for in Slack, confirmed by a signed-in person on the page.
  `create table slack_link_requests (
    token_hash bytea primary key, team_id text not null, slack_user text not null, slack_name text not null, created_at timestamptz not null, expires_at timestamptz not null, used_at timestamptz)`,
  `create table slack_seen (id text primary key, at timestamptz not null)`,
  `create index slack_seen_at on slack_seen (at)`,
  // One message for each thing and channel. \`shown\`: a hash of what it shows; \`data\`: what else its writer keeps.
  `create table slack_messages (
    kind text not null, about uuid not null, channel text not null, ts text not null, shown text not null, data jsonb not null default '{}', posted_at timestamptz not null,
    updated_at timestamptz not null, primary key (kind, about, channel))`,
  `create unique index slack_messages_at on slack_messages (channel, ts)`,
  // \`owner\`: the person whose thread it is, or '' where everybody shares it (about an incident).
  `create table slack_threads (
    channel text not null, ts text not null, owner text not null, thread_id uuid not null references threads (id), primary key (channel, ts, owner))`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
