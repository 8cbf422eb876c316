/**
 * What models cost, in USD for a million tokens, by the beginning of their names. From platform.claude.com/docs/en/about-claude/pricing, read 2026-11-26.
 * `cacheWrite` is for five minutes, which is what is asked for. A model that is not here costs an unknown amount, never nothing.
 */
import { z } from 'zod'
import { ConfigError } from '../../domain/errors.ts'
import type { Spend } from '../../domain/spend.ts'

const amount = z.number().min(0).max(100_000)
const Rates = z.strictObject({ input: amount, output: amount, cacheRead: amount.optional(), cacheWrite: amount.optional() })
type Rates = z.infer<typeof Rates>
/** `long`: the rates of a whole request whose prompt, cache included, has more tokens than `above`. */
type Price = Rates & { long?: Rates & { above: number } }
const Price = Rates.extend({ long: Rates.extend({ above: z.number().int().min(1) }).optional() })
const Prices = z.record(z.string().min(1), Price)
export type Prices = Readonly<Record<string, Price>>

const rates = (input: number, output: number, cacheRead: number): Rates => ({ input, output, cacheRead, cacheWrite: input * 1.25 })
export const knownPrices: Prices = {
  'claude-haiku-5-5': { ...rates(0.1, 0.5, 0.01), long: { above: 100_000, ...rates(0.5, 2.5, 0.05) } },
  'claude-haiku-4-5': rates(1, 5, 0.1),
  'claude-sonnet-5-5': rates(2, 10, 0.1),
  'claude-sonnet-5': rates(2, 10, 0.2),
  'claude-sonnet-4': rates(3, 15, 0.3),
  'claude-opus-5-5': rates(4, 20, 0.2),
  'claude-opus-5': rates(5, 25, 0.5),
  'claude-opus-4-': rates(5, 25, 0.5),
  'claude-fable-5-1': rates(10, 50, 0.25),
  'claude-mythos-5-1': rates(10, 50, 0.25),
  'claude-fable-5': rates(10, 50, 1),
  'claude-mythos-5': rates(10, 50, 1),
}

/** `{"llama": {"input": 0, "output": 0}}`: beside those that are known, or instead of them. Throws ConfigError. */
export function pricesFrom(given: string | undefined): Prices {
  if (given === undefined) return knownPrices
  let read: unknown
  try {
    read = JSON.parse(given)
  } catch (error) {
    throw new ConfigError(`FALCONER_MODEL_PRICES is not JSON: write {"model": {"input": 2, "output": 10}}, USD for a million tokens.`, {
      cause: error,
    })
  }
  const parsed = Prices.safeParse(read)
  if (parsed.success) return { ...knownPrices, ...parsed.data }
  const [problem] = parsed.error.issues
  throw new ConfigError(`FALCONER_MODEL_PRICES cannot be used: ${problem?.path.join('.')}: ${problem?.message}`)
}

export type Usage = Pick<Spend, 'inputTokens' | 'cacheReadTokens' | 'cacheWriteTokens' | 'outputTokens'>

/** Null: nobody knows. Where cached tokens have no rate of their own they cost what others do. */
export function costOf(prices: Prices, model: string, usage: Usage): number | null {
  const name = Object.keys(prices)
    .filter((start) => model.startsWith(start))
    .sort((a, b) => b.length - a.length)[0]
  const price = name === undefined ? undefined : prices[name]
  if (price === undefined) return null
  const prompt = usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens
  const {
    input,
    output,
    cacheRead = input,
    cacheWrite = input,
  }: Rates = price.long !== undefined && prompt > price.long.above ? price.long : price
  const sum =
    usage.inputTokens * input + usage.cacheReadTokens * cacheRead + usage.cacheWriteTokens * cacheWrite + usage.outputTokens * output
  return sum / 1_000_000
}
