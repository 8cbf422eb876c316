/** Cards in Slack: which posts may have arrived without an answer, what is summarised instead of told one by one; and who was told of which proposal. */
import { type Kysely, sql } from 'kysely'

const statements = [
  // Written before a message is posted and removed with the noting of its ts: what is still here may be there already.
  `create table slack_intents (key text not null, channel text not null, at timestamptz not null, primary key (channel, key))`,
  // What a storm or quiet hours brought: one message for many incidents. Open until \`ended_at\`; \`changed_at\`: when it last had something new.
  `create table slack_digests (
    id uuid primary key, channel text not null, kind text not null, began_at timestamptz not null, changed_at timestamptz not null, told_at timestamptz, ended_at timestamptz)`,
  `create unique index slack_digests_open on slack_digests (channel, kind) where ended_at is null`,
  `create table slack_digest_incidents (
    digest_id uuid not null references slack_digests (id) on delete cascade, incident_id uuid not null, severity text not null, at timestamptz not null, primary key (incident_id, digest_id))`,
  `create index slack_digest_incidents_of on slack_digest_incidents (digest_id, at)`,
  // Threads that are still to be told something, and when.
  `create index slack_messages_due on slack_messages (channel, (data->>'due')) where data->>'due' is not null`,
  // Of which state of a proposal a destination was told: what it is in now is told until it was taken.
  `create table proposal_notices (
    destination text not null references destinations (name) on delete cascade, proposal_id uuid not null, told text, attempts integer not null default 0, next_at timestamptz, error text,
    primary key (destination, proposal_id))`,
  `create index proposals_updated on proposals (updated_at)`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
