/** Rows of the ledger of models, as calls leave them. */
import { sql } from 'kysely'
import { newId } from '../../domain/ids.ts'
import type { Database } from '../../store/database.ts'

type Call = {
  at: Date
  about?: string
  use?: string
  model?: string
  usd?: number | null
  input?: number
  cached?: number
  output?: number
  error?: string | null
}

export async function spend(
  db: Database,
  { at, about = newId(), use = 'investigation', model = 'claude-sonnet-5-5', ...cost }: Call,
): Promise<void> {
  const { usd = 0.05, input = 900, cached = 9_000, output = 700, error = null } = cost
  await db.query(sql`insert into model_calls (id, about, use, provider, model, request_hash, started_at, finished_at, status, input_tokens, cache_read_tokens, output_tokens, usd, ms, error)
    values (${newId()}, ${about}, ${use}, 'anthropic', ${model}, ${Buffer.from(newId())}, ${at}, ${at}, ${error === null ? 200 : 529}, ${input}, ${cached}, ${output}, ${usd}, 3000, ${error})`)
}
