/** What is known beside the records: runbooks, past incidents and the organisation's notes in pieces, and what the pieces mean to an embedder. */
import { type Kysely, sql } from 'kysely'

const statements = [
  `create table knowledge_chunks (
    id bigint generated always as identity primary key, kind text not null, ref text not null, part integer not null, title text not null, text text not null,
    words tsvector generated always as (setweight(searched_words(variadic array[title]), 'A') || setweight(searched_words(variadic array[text]), 'B')) stored,
    hash bytea not null, updated_at timestamptz not null, unique (kind, ref, part))`,
  `create index knowledge_chunks_words on knowledge_chunks using gin (words)`,
  // No index of nearness: chunks are thousands, and an exact scan of those takes milliseconds (docs/adr/0018-knowledge.md).
  // A row without a vector is a claim, or a refusal. A vector of an earlier text stands until the new one is there.
  `create table knowledge_vectors (
    embedder text not null, chunk_id bigint not null references knowledge_chunks on delete cascade, hash bytea, vector vector, claimed_until timestamptz,
    claimed_by uuid, refused_hash bytea, primary key (embedder, chunk_id))`,
  `create index knowledge_vectors_chunk on knowledge_vectors (chunk_id)`,
  `create table knowledge_embedders (
    name text primary key, dimensions integer, used_at timestamptz not null, failures integer not null default 0, error text, retry_at timestamptz)`,
  `create index investigations_finished on investigations (finished_at)`,
  `create index incident_decisions_at on incident_decisions (at)`,
  `create index incident_decisions_verdicts on incident_decisions (at) where decision->>'kind' = 'verdict'`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
