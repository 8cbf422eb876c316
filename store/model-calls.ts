/**
 * The ledger of what models were asked: one row for each HTTP call, begun before it is made and ended with what it cost.
 * Appended. The answer is kept beside it, so that work done again after a crash is answered from here and paid for once. What it adds up to: spend.ts.
 */
import { sql } from 'kysely'
import { newId } from '../domain/ids.ts'
import type { Spend } from '../domain/spend.ts'
import type { Queryable } from './database.ts'
import { escapeText, unescapeText } from './values.ts'

export type NewCall = { about: string; use: string; provider: string; model: string; requestHash: Buffer }
export type CallEnd = { status: number | null; cost: Omit<Spend, 'calls'>; answer: Uint8Array | null; error: string | null }
export type ModelCall = NewCall & CallEnd & { id: string; startedAt: Date; finishedAt: Date | null }

export async function beginCall(db: Queryable, call: NewCall, at: Date): Promise<string> {
  const id = newId()
  await db.query(sql`insert into model_calls (id, about, use, provider, model, request_hash, started_at)
    values (${id}, ${call.about}, ${call.use}, ${call.provider}, ${escapeText(call.model)}, ${call.requestHash}, ${at})`)
  return id
}

export async function endCall(db: Queryable, id: string, { status, cost, answer, error }: CallEnd, at: Date): Promise<void> {
  await db.query(sql`update model_calls set finished_at = ${at}, status = ${status}, input_tokens = ${cost.inputTokens}, cache_read_tokens = ${cost.cacheReadTokens},
    cache_write_tokens = ${cost.cacheWriteTokens}, output_tokens = ${cost.outputTokens}, usd = ${cost.usd}, ms = ${cost.ms},
    answer = ${answer === null ? null : Buffer.from(answer)}, error = ${error === null ? null : escapeText(error)} where id = ${id}`)
}

/** A whole answer to this very request for the same work, the oldest that is not among `but`. */
export async function answeredCall(
  db: Queryable,
  { about, requestHash, but }: { about: string; requestHash: Buffer; but: readonly string[] },
): Promise<{ id: string; status: number; answer: Buffer } | undefined> {
  const [row] = await db.query(sql<{ id: string; status: number; answer: Buffer }>`select id::text, status, answer from model_calls
    where about = ${about} and request_hash = ${requestHash} and status between 200 and 299 and error is null and answer is not null and not (id = any(${but}::uuid[]))
    order by started_at, id limit 1`)
  return row === undefined ? undefined : { ...row, answer: Buffer.from(row.answer) }
}

/** In order: what was asked for one piece of work. */
export async function callsOf(db: Queryable, about: string): Promise<ModelCall[]> {
  const rows = await db.query(
    sql<{
      id: string
      use: string
      provider: string
      model: string
      request_hash: Buffer
      started_at: Date
      finished_at: Date | null
      status: number | null
      input_tokens: bigint
      cache_read_tokens: bigint
      cache_write_tokens: bigint
      output_tokens: bigint
      usd: number | null
      ms: number
      answer: Buffer | null
      error: string | null
    }>`select id::text, use, provider, model, request_hash, started_at, finished_at, status, input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, usd, ms, answer, error
      from model_calls where about = ${about} order by started_at, id`,
  )
  return rows.map((row) => ({
    id: row.id,
    about,
    use: row.use,
    provider: row.provider,
    model: unescapeText(row.model),
    requestHash: Buffer.from(row.request_hash),
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    status: row.status,
    cost: {
      inputTokens: Number(row.input_tokens),
      cacheReadTokens: Number(row.cache_read_tokens),
      cacheWriteTokens: Number(row.cache_write_tokens),
      outputTokens: Number(row.output_tokens),
      usd: row.usd,
      ms: row.ms,
    },
    answer: row.answer === null ? null : Buffer.from(row.answer),
    error: row.error === null ? null : unescapeText(row.error),
  }))
}
