/** Knowledge in pieces: of runbooks, past incidents and the organisation's notes. Each piece has its own hash, so that only what changed is written, and told to an embedder, again. */
import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import type { Database, Queryable, Transaction } from './database.ts'
import { wordsOf } from './word-search.ts'
import { escapeText, jsonText, unescapeText } from './values.ts'

export const knowledgeKinds = ['runbook', 'incident', 'document'] as const
export type KnowledgeKind = (typeof knowledgeKinds)[number]
export type Piece = { title: string; text: string }
/** `ref`: a runbook's name, an incident's id, a file's path. */
export type Known = { kind: KnowledgeKind; ref: string; pieces: readonly Piece[] }
export type FoundChunk = { id: string; kind: KnowledgeKind; ref: string; title: string; text: string; at: Date }

export const hashOf = ({ title, text }: Piece): Buffer =>
  createHash('sha256')
    .update(JSON.stringify([title, text]))
    .digest()
    .subarray(0, 16)

/** Puts these in place of what was known of each; answers how many pieces that changed. Two at once end as one of them would. */
export async function keepKnown(db: Database, known: readonly Known[], at: Date): Promise<number> {
  const rows = known.flatMap(({ kind, ref, pieces }) =>
    pieces.map((piece, part) => ({ kind, ref, part, ...piece, hash: hashOf(piece).toString('hex') })),
  )
  const whole = known.map(({ kind, ref, pieces }) => ({ kind, ref, parts: pieces.length }))
  return db.transaction(async (tx) => {
    await lockKnowledge(tx)
    const written = await tx.query(sql<{ id: bigint }>`insert into knowledge_chunks as c (kind, ref, part, title, text, hash, updated_at)
      select kind, ref, part, title, text, decode(hash, 'hex'), ${at} from jsonb_to_recordset(${jsonText(rows)}::jsonb)
        as r(kind text, ref text, part integer, title text, text text, hash text) order by kind, ref, part
      on conflict (kind, ref, part) do update set title = excluded.title, text = excluded.text, hash = excluded.hash, updated_at = excluded.updated_at
        where c.hash <> excluded.hash returning id`)
    const gone = await tx.query(sql<{ id: bigint }>`delete from knowledge_chunks c using jsonb_to_recordset(${jsonText(whole)}::jsonb)
      as r(kind text, ref text, parts integer) where c.kind = r.kind and c.ref = r.ref and c.part >= r.parts returning c.id`)
    return written.length + gone.length
  })
}

/** Forgets all of a kind that is none of these; answers how many pieces. */
export async function keepOnly(db: Database, kind: KnowledgeKind, refs: readonly string[]): Promise<number> {
  return db.transaction(async (tx) => {
    await lockKnowledge(tx)
    const gone = await tx.query(
      sql<{ id: bigint }>`delete from knowledge_chunks where kind = ${kind} and ref <> all(${refs.map(escapeText)}::text[]) returning id`,
    )
    return gone.length
  })
}

/** Forgets incidents that became part of another; answers those others, whose knowledge now is theirs too. */
export async function forgetMerged(db: Database): Promise<string[]> {
  const gone = await db.query(sql<{ into: string }>`with merged as (select i.id, i.merged_into from incidents i
      where i.id in (select ref::uuid from knowledge_chunks where kind = 'incident') and i.merged_into is not null),
    gone as (delete from knowledge_chunks c using merged m where c.kind = 'incident' and c.ref = m.id::text)
    select distinct merged_into::text as into from merged`)
  return gone.map(({ into }) => into)
}

/** Of incidents only so many are kept: those learned of last. */
export async function forgetOldest(db: Database, kind: KnowledgeKind, most: number): Promise<number> {
  const gone = await db.query(sql<{ id: bigint }>`delete from knowledge_chunks where kind = ${kind} and ref in (
    select ref from knowledge_chunks where kind = ${kind} group by ref order by max(updated_at) desc, ref offset ${most}) returning id`)
  return gone.length
}

/** Of what a question's words weigh together, so much must be in a piece. A single word is there or it is not. */
const leastShare = (words: readonly string[]): number => (words.length === 1 ? 0.5 : 0.1)

/**
 * Best first: by the words of the question that a piece has, each weighing what it tells apart. What most pieces have hardly counts, and what is in a title
 * counts more.
 */
export async function chunksByWords(db: Queryable, text: string, kinds: readonly KnowledgeKind[], limit: number): Promise<FoundChunk[]> {
  const words = wordsOf(text)
  const rows = await db.query(sql<Row>`with asked as (
      select lexeme, ('''' || regexp_replace(lexeme, '([''\\\\])', '\\1\\1', 'g') || '''')::tsquery as query
      from unnest(to_tsvector('pg_catalog.english', ${escapeText(words.join(' '))}))),
    matched as materialized (select a.lexeme, c.id, c.kind, ts_rank(c.words, a.query, 1) as rank from asked a join knowledge_chunks c on c.words @@ a.query),
    weights as (select lexeme, ln(1 + (select count(*) from knowledge_chunks)::float / greatest(1, (select count(*) from matched m where m.lexeme = a.lexeme))) as weight from asked a),
    best as (select m.id, sum(sqrt(m.rank) * w.weight) as score from matched m join weights w using (lexeme) where m.kind = any(${[...kinds]}::text[])
      group by m.id having sum(w.weight) >= ${leastShare(words)} * (select sum(weight) from weights) order by score desc, m.id limit ${limit})
    select ${columns} from best b join knowledge_chunks c on c.id = b.id order by b.score desc, c.id`)
  return rows.map(chunkFrom)
}

export async function knownCounts(db: Queryable): Promise<Record<KnowledgeKind, number>> {
  const rows = await db.query(
    sql<{ kind: KnowledgeKind; count: bigint }>`select kind, count(*) as count from knowledge_chunks group by kind`,
  )
  return { runbook: 0, incident: 0, document: 0, ...Object.fromEntries(rows.map(({ kind, count }) => [kind, Number(count)])) }
}

export const columns = sql`c.id::text, c.kind, c.ref, c.title, c.text, c.updated_at`
export type Row = { id: string; kind: KnowledgeKind; ref: string; title: string; text: string; updated_at: Date }
export const chunkFrom = ({ id, kind, ref, title, text, updated_at: at }: Row): FoundChunk => ({
  id,
  kind,
  ref: unescapeText(ref),
  title: unescapeText(title),
  text: unescapeText(text),
  at,
})

/** One writer at a time; who searches or embeds waits for none. */
const lockKnowledge = (tx: Transaction): Promise<unknown> =>
  tx.query(sql`select pg_advisory_xact_lock(hashtextextended('falconer knowledge', 0))`)
