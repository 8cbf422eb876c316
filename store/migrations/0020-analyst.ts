/** What analysts did, step by step, and every call of a model: what it cost, and its answer, so that a crash pays for none twice. */
import { type Kysely, sql } from 'kysely'

const statements = [
  // `about`: an investigation, or a thread of chat.
  `create table analyst_steps (
    about uuid not null, number integer not null, at timestamptz not null, kind text not null, tool text, text text not null, bytes integer,
    primary key (about, number))`,
  `create table model_calls (
    id uuid primary key, about uuid not null, use text not null, provider text not null, model text not null, request_hash bytea not null,
    started_at timestamptz not null, finished_at timestamptz, status integer, input_tokens bigint not null default 0, cache_read_tokens bigint not null default 0,
    cache_write_tokens bigint not null default 0, output_tokens bigint not null default 0, usd double precision, ms integer not null default 0, answer bytea, error text)`,
  `create index model_calls_about on model_calls (about, started_at)`,
  `create index model_calls_month on model_calls (started_at)`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
