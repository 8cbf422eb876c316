/**
 * What pieces of knowledge mean to an embedder, by its name. A piece is claimed before it is sent, for a while: two servers share the work, and what one
 * left when it died is claimed again. A vector counts for the text it was made of; an older one stands until the new one is there.
 */
import { sql } from 'kysely'
import type { Database, Queryable } from './database.ts'
import { chunkFrom, columns, type FoundChunk, type KnowledgeKind, type Row } from './knowledge.ts'
import { escapeText, unescapeText } from './values.ts'

export type Claimed = { id: string; title: string; text: string; hash: string }
/** How far it is, and how it fares. `dimensions` null: it has not answered yet. */
export type EmbedderState = {
  name: string
  done: number
  refused: number
  of: number
  dimensions: number | null
  /** Null: never. */ usedAt: Date | null
  failures: number
  error: string | null
  /** Null: it does not fail. */ failingSince: Date | null
  retryAt: Date | null
  /** The oldest piece that it has neither embedded nor refused is known since then; null: there is none. */ waitingSince: Date | null
}

const due = sql`(v.chunk_id is null or (v.hash is distinct from c.hash and v.refused_hash is distinct from c.hash))`

/** Up to so many pieces that this embedder has not seen as they are now, and nobody else is at. */
export async function claimChunks(
  db: Database,
  embedder: string,
  { by, now, until, limit }: { by: string; now: Date; until: Date; limit: number },
): Promise<Claimed[]> {
  return db.transaction(async (tx) => {
    // Who else claims at this moment is seen by the insert alone, which waits for it: by then a piece may be claimed, or embedded already.
    const claimed = await tx.query(sql<{
      chunk_id: bigint
    }>`insert into knowledge_vectors as v (embedder, chunk_id, claimed_by, claimed_until)
      select ${embedder}, c.id, ${by}::uuid, ${until} from knowledge_chunks c left join knowledge_vectors v on v.chunk_id = c.id and v.embedder = ${embedder}
        where ${due} and coalesce(v.claimed_until <= ${now}, true) order by c.id limit ${limit} for key share of c skip locked
      on conflict (embedder, chunk_id) do update set claimed_by = excluded.claimed_by, claimed_until = excluded.claimed_until
        where coalesce(v.claimed_until <= ${now}, (select ${due} from knowledge_chunks c where c.id = v.chunk_id)) returning chunk_id`)
    const rows = await tx.query(sql<{ id: string; title: string; text: string; hash: string }>`
      select id::text, title, text, encode(hash, 'hex') as hash from knowledge_chunks where id = any(${claimed.map(({ chunk_id: id }) => String(id))}::bigint[]) order by id`)
    return rows.map(({ title, text, ...row }) => ({ ...row, title: unescapeText(title), text: unescapeText(text) }))
  })
}

/** Keeps what came, of pieces that are still claimed by the one who sent them. */
export async function keepVectors(
  db: Queryable,
  embedder: string,
  by: string,
  made: readonly { id: string; hash: string; vector: readonly number[] }[],
): Promise<void> {
  const rows = JSON.stringify(made.map(({ id, hash, vector }) => ({ id, hash, vector: textOf(vector) })))
  await db.query(sql`update knowledge_vectors v set hash = decode(r.hash, 'hex'), vector = r.vector::vector, claimed_until = null, claimed_by = null, refused_hash = null
    from jsonb_to_recordset(${rows}::jsonb) as r(id bigint, hash text, vector text) where v.embedder = ${embedder} and v.chunk_id = r.id and v.claimed_by = ${by}::uuid`)
}

/** Gives pieces back, to be claimed again. */
export async function giveBack(db: Queryable, embedder: string, by: string, ids: readonly string[]): Promise<void> {
  await db.query(sql`update knowledge_vectors set claimed_until = null, claimed_by = null
    where embedder = ${embedder} and claimed_by = ${by}::uuid and chunk_id = any(${[...ids]}::bigint[])`)
}

/** The embedder will not take it as it was sent; what it has become since is sent. */
export async function keepRefusal(db: Queryable, embedder: string, by: string, { id, hash }: Pick<Claimed, 'id' | 'hash'>): Promise<void> {
  await db.query(sql`update knowledge_vectors set claimed_until = null, claimed_by = null, refused_hash = decode(${hash}, 'hex')
    where embedder = ${embedder} and claimed_by = ${by}::uuid and chunk_id = ${id}::bigint`)
}

const textOf = (vector: readonly number[]): string => `[${vector.join(',')}]`

/** The nearest first, by the angle between them. Exact: all of them are looked at. */
export async function nearestChunks(
  db: Queryable,
  embedder: string,
  vector: readonly number[],
  { kinds, limit }: { kinds: readonly KnowledgeKind[]; limit: number },
): Promise<FoundChunk[]> {
  const rows = await db.query(sql<Row>`select ${columns} from (
      select v.chunk_id, v.vector <=> ${textOf(vector)}::vector as far from knowledge_vectors v join knowledge_chunks k on k.id = v.chunk_id
      where v.embedder = ${embedder} and vector_dims(v.vector) = ${vector.length} and k.kind = any(${[...kinds]}::text[]) order by far, v.chunk_id limit ${limit}) n
    join knowledge_chunks c on c.id = n.chunk_id order by n.far, c.id`)
  return rows.map(chunkFrom)
}

export async function embedderState(db: Queryable, name: string): Promise<EmbedderState> {
  const [row] = await db.query(sql<{
    done: bigint
    refused: bigint
    total: bigint
    waiting_since: Date | null
    dimensions: number | null
    used_at: Date | null
    failures: number | null
    error: string | null
    failing_since: Date | null
    retry_at: Date | null
  }>`select e.*, counts.* from (select count(*) filter (where v.hash = c.hash) as done, count(*) filter (where v.refused_hash = c.hash) as refused, count(*) as total,
        min(c.updated_at) filter (where v.hash is distinct from c.hash and v.refused_hash is distinct from c.hash) as waiting_since
      from knowledge_chunks c left join knowledge_vectors v on v.chunk_id = c.id and v.embedder = ${name}) counts
    left join (select dimensions, used_at, failures, error, failing_since, retry_at from knowledge_embedders where name = ${name}) e on true`)
  return {
    name,
    done: Number(row?.done ?? 0),
    refused: Number(row?.refused ?? 0),
    of: Number(row?.total ?? 0),
    dimensions: row?.dimensions ?? null,
    usedAt: row?.used_at ?? null,
    failures: row?.failures ?? 0,
    error: row?.error == null ? null : unescapeText(row.error),
    failingSince: row?.failing_since ?? null,
    retryAt: row?.retry_at ?? null,
    waitingSince: row?.waiting_since ?? null,
  }
}

/** How often in a row it failed, and when it may be asked again; null: now. */
export async function embedderRest(db: Queryable, name: string): Promise<{ failures: number; retryAt: Date | null }> {
  const [row] = await db.query(
    sql<{ failures: number; retry_at: Date | null }>`select failures, retry_at from knowledge_embedders where name = ${name}`,
  )
  return { failures: row?.failures ?? 0, retryAt: row?.retry_at ?? null }
}

/** The first answer says how long its vectors are. Answers what then counts. */
export async function embedderWorked(db: Queryable, name: string, dimensions: number, at: Date): Promise<number> {
  const [row] = await db.query(sql<{
    dimensions: number
  }>`insert into knowledge_embedders as e (name, dimensions, used_at) values (${name}, ${dimensions}, ${at})
    on conflict (name) do update set dimensions = coalesce(e.dimensions, excluded.dimensions), used_at = ${at}, failures = 0, error = null, failing_since = null, retry_at = null returning dimensions`)
  return row?.dimensions ?? dimensions
}

export async function embedderFailed(
  db: Queryable,
  name: string,
  { error, at, retryAt }: { error: string; at: Date; retryAt: Date },
): Promise<void> {
  await db.query(sql`insert into knowledge_embedders as e (name, used_at, failures, error, failing_since, retry_at)
      values (${name}, ${at}, 1, ${escapeText(error)}, ${at}, ${retryAt})
    on conflict (name) do update set used_at = ${at}, failures = e.failures + 1, error = excluded.error,
      failing_since = coalesce(e.failing_since, excluded.failing_since), retry_at = excluded.retry_at`)
}

/** Nobody used them for so long: another embedder took their place, or none. */
export async function forgetEmbedders(db: Database, usedBefore: Date): Promise<void> {
  await db.query(sql`with gone as (delete from knowledge_embedders where used_at < ${usedBefore} returning name)
    delete from knowledge_vectors where embedder in (select name from gone)`)
}
/** It is still wanted, though there was nothing to send. */
export async function embedderUsed(db: Queryable, name: string, at: Date): Promise<void> {
  await db.query(sql`insert into knowledge_embedders as e (name, used_at) values (${name}, ${at})
    on conflict (name) do update set used_at = ${at} where e.used_at < ${new Date(at.getTime() - 3_600_000)}`)
}
