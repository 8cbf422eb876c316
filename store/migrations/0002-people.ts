/** People: users, sessions, passkeys, API tokens, and one-time links for invitations. Only hashes of secrets are stored. */
import { type Kysely, sql } from 'kysely'

const statements = [
  `create table users (
    id uuid primary key, name text not null, role text not null, created_at timestamptz not null, created_by uuid, disabled_at timestamptz,
    webauthn_handle bytea not null unique)`,
  `create unique index users_name on users (lower(name))`,
  `create table one_time_links (
    token_hash bytea primary key, user_id uuid not null references users (id), purpose text not null, created_at timestamptz not null,
    expires_at timestamptz not null, used_at timestamptz)`,
  `create table sessions (
    token_hash bytea primary key, user_id uuid not null references users (id), created_at timestamptz not null, expires_at timestamptz not null,
    last_seen_at timestamptz not null, user_agent text, csrf text not null)`,
  `create index sessions_user on sessions (user_id)`,
  `create table passkeys (
    credential_id text primary key, user_id uuid not null references users (id), public_key bytea not null, counter bigint not null,
    transports text[] not null, name text not null, created_at timestamptz not null, last_used_at timestamptz)`,
  `create table passkey_challenges (challenge text primary key, user_id uuid, expires_at timestamptz not null)`,
  `create table api_tokens (
    id uuid primary key, user_id uuid not null references users (id), name text not null, role text not null, token_hash bytea not null unique,
    created_at timestamptz not null, expires_at timestamptz not null, last_used_at timestamptz, revoked_at timestamptz)`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
