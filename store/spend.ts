/** What the ledger of models adds up to: of one piece of work, of a month by use and model and by incident. The ledger itself is model-calls.ts’s. */
import { type RawBuilder, sql } from 'kysely'
import type { Spend } from '../domain/spend.ts'
import type { Queryable } from './database.ts'
import { unescapeText } from './values.ts'

/** From its first moment until the next one’s, in UTC. */
export type Month = { name: string; from: Date; to: Date }
export function monthOf(name: string): Month | undefined {
  const [, year = '', month = ''] = /^(\d{4})-(0[1-9]|1[0-2])$/.exec(name) ?? []
  if (month === '') return undefined
  const at = (months: number): Date => new Date(Date.UTC(Number(year), months, 1))
  return { name, from: at(Number(month) - 1), to: at(Number(month)) }
}
export const monthAt = (now: Date): Month => monthOf(now.toISOString().slice(0, 7)) as Month

const sums = sql`count(*) as calls, coalesce(sum(input_tokens), 0)::bigint as input, coalesce(sum(cache_read_tokens), 0)::bigint as cache_read,
  coalesce(sum(cache_write_tokens), 0)::bigint as cache_write, coalesce(sum(output_tokens), 0)::bigint as output, coalesce(sum(usd), 0)::double precision as usd,
  count(*) filter (where usd is null and finished_at is not null) as unpriced, coalesce(sum(ms), 0)::bigint as ms`
type Sums = {
  calls: bigint
  input: bigint
  cache_read: bigint
  cache_write: bigint
  output: bigint
  usd: number
  unpriced: bigint
  ms: bigint
}
/** `usd` is what is known; `unpriced` calls are not in it. */
export type Spent = Omit<Spend, 'usd'> & { usd: number; unpriced: number }
const spentFrom = (row: Sums): Spent => ({
  calls: Number(row.calls),
  inputTokens: Number(row.input),
  cacheReadTokens: Number(row.cache_read),
  cacheWriteTokens: Number(row.cache_write),
  outputTokens: Number(row.output),
  usd: row.usd,
  unpriced: Number(row.unpriced),
  ms: Number(row.ms),
})
const within = ({ from, to }: Month): RawBuilder<unknown> => sql`started_at >= ${from} and started_at < ${to}`

export async function usdIn(db: Queryable, month: Month): Promise<number> {
  const [row] = await db.query(
    sql<{ usd: number }>`select coalesce(sum(usd), 0)::double precision as usd from model_calls where ${within(month)}`,
  )
  return row?.usd ?? 0
}

export type MonthSpend = {
  total: Spent
  uses: (Spent & { use: string; provider: string; model: string; failed: number })[]
  /** The most expensive first. */ investigations: (Spent & { id: string; incidentId: string; title: string; startedAt: Date })[]
}

export async function spendIn(db: Queryable, month: Month, { limit }: { limit: number }): Promise<MonthSpend> {
  const [total] = await db.query(sql<Sums>`select ${sums} from model_calls where ${within(month)}`)
  const uses = await db.query(sql<Sums & { use: string; provider: string; model: string; failed: bigint }>`
    select use, provider, model, ${sums}, count(*) filter (where error is not null or status not between 200 and 299) as failed
    from model_calls where ${within(month)} group by use, provider, model order by usd desc, calls desc, use, provider, model`)
  const investigations = await db.query(sql<Sums & { id: string; incident_id: string; title: string; started_at: Date }>`
    select v.id::text, i.id::text as incident_id, i.title, v.started_at, c.* from (select about, ${sums} from model_calls where ${within(month)} group by about) c
      join investigations v on v.id = c.about join incidents i on i.id = v.incident_id
    order by c.usd desc, c.calls desc, v.started_at desc limit ${limit}`)
  return {
    total: spentFrom(total as Sums),
    uses: uses.map((row) => ({
      use: row.use,
      provider: row.provider,
      model: unescapeText(row.model),
      failed: Number(row.failed),
      ...spentFrom(row),
    })),
    investigations: investigations.map((row) => ({
      id: row.id,
      incidentId: row.incident_id,
      title: unescapeText(row.title),
      startedAt: row.started_at,
      ...spentFrom(row),
    })),
  }
}

/** What one piece of work took so far, by every process that did some of it; unpriced calls make the sum unknown. */
export async function spentOn(db: Queryable, about: string): Promise<Spend> {
  const [row] = await db.query(sql<Sums>`select ${sums} from model_calls where about = ${about}`)
  const { unpriced, usd, ...spent } = spentFrom(row as Sums)
  return { ...spent, usd: unpriced > 0 ? null : usd }
}

/** What an investigation has cost so far, also one that failed or is at work. */
export async function spentOnEach(db: Queryable, abouts: readonly string[]): Promise<Map<string, Spent>> {
  const rows = await db.query(
    sql<Sums & { about: string }>`select about::text, ${sums} from model_calls where about = any(${abouts}::uuid[]) group by about`,
  )
  return new Map(rows.map((row) => [row.about, spentFrom(row)]))
}
