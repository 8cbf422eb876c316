/** Programs that a person let in over MCP: clients, what was granted, codes and tokens of it. Of codes and tokens only hashes are stored. */
import { type Kysely, sql } from 'kysely'

const statements = [
  `create table oauth_clients (id text primary key, name text not null, redirect_uris text[] not null, created_at timestamptz not null)`,
  `create table oauth_grants (
    id uuid primary key, client_id text not null, client_name text not null, user_id uuid not null references users (id), role text not null,
    scopes text[] not null, resource text not null, created_at timestamptz not null, expires_at timestamptz not null, last_used_at timestamptz,
    revoked_at timestamptz)`,
  `create index oauth_grants_user on oauth_grants (user_id)`,
  `create index oauth_grants_client on oauth_grants (client_id)`,
  `create table oauth_codes (
    code_hash bytea primary key, grant_id uuid not null references oauth_grants (id) on delete cascade, redirect_uri text not null,
    challenge text not null, expires_at timestamptz not null, used_at timestamptz)`,
  `create table oauth_tokens (
    token_hash bytea primary key, grant_id uuid not null references oauth_grants (id) on delete cascade, kind text not null,
    expires_at timestamptz not null, used_at timestamptz)`,
  `create index oauth_tokens_grant on oauth_tokens (grant_id)`,
  `alter table api_tokens add column scopes text[]`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
