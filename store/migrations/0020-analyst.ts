/** What analysts did, step by step, and every call of a model: what it cost, and its answer, so that a crash pays for none twice; where they stand, and who holds what. */
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
  // One at a time: whoever holds it says so again and again; what nobody holds any more is taken up by the next who asks.
  `update investigations set status = 'failed', error = 'Falconer stopped while this ran; it is run again.' where status = 'running'`,
  `alter table investigations add column held_until timestamptz`,
  `create unique index investigations_one on investigations (incident_id) where status = 'running'`,
  // LangGraph's, as its saver for Postgres expects them (@langchain/langgraph-checkpoint-postgres, its migrations 0 to 4).
  `create table checkpoints (
    thread_id text not null, checkpoint_ns text not null default '', checkpoint_id text not null, parent_checkpoint_id text, type text,
    checkpoint jsonb not null, metadata jsonb not null default '{}', primary key (thread_id, checkpoint_ns, checkpoint_id))`,
  `create table checkpoint_blobs (
    thread_id text not null, checkpoint_ns text not null default '', channel text not null, version text not null, type text not null, blob bytea,
    primary key (thread_id, checkpoint_ns, channel, version))`,
  `create table checkpoint_writes (
    thread_id text not null, checkpoint_ns text not null default '', checkpoint_id text not null, task_id text not null, idx integer not null,
    channel text not null, type text, blob bytea not null, primary key (thread_id, checkpoint_ns, checkpoint_id, task_id, idx))`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
