/** Linking somebody in Slack takes a code that only the page shows and that is typed in Slack. Requests last minutes: what was open is asked for again. */
import { type Kysely, sql } from 'kysely'

const statements = [
  `drop table slack_link_requests`,
  // One for each account in Slack. \`user_id\`: who opened it, signed in, and was shown the code; \`wrong\`: how often another code was typed.
  `create table slack_link_requests (
    team_id text not null, slack_user text not null, team_name text not null, slack_name text not null, token_hash bytea not null unique, expires_at timestamptz not null,
    user_id uuid references users (id), code_hash bytea, wrong integer not null default 0, primary key (team_id, slack_user))`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
