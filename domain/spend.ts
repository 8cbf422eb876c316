/** What asking a model took: calls, tokens as the provider counted them, and money where the model's prices are known. */
import { z } from 'zod'

export const Spend = z.object({
  calls: z.number().int(),
  inputTokens: z.number().int().describe('Neither read from a cache nor written to one'),
  cacheReadTokens: z.number().int(),
  cacheWriteTokens: z.number().int(),
  outputTokens: z.number().int(),
  usd: z.number().nullable().describe('Null: the prices of this model are not known'),
  ms: z.number().int().describe('Time spent waiting for the model'),
})
export type Spend = z.infer<typeof Spend>

export const nothingSpent: Spend = { calls: 0, inputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 0, usd: 0, ms: 0 }

export const addSpend = (a: Spend, b: Spend): Spend => ({
  calls: a.calls + b.calls,
  inputTokens: a.inputTokens + b.inputTokens,
  cacheReadTokens: a.cacheReadTokens + b.cacheReadTokens,
  cacheWriteTokens: a.cacheWriteTokens + b.cacheWriteTokens,
  outputTokens: a.outputTokens + b.outputTokens,
  usd: a.usd === null || b.usd === null ? null : a.usd + b.usd,
  ms: a.ms + b.ms,
})
export const tokensOf = (spend: Spend): number => spend.inputTokens + spend.cacheReadTokens + spend.cacheWriteTokens + spend.outputTokens
