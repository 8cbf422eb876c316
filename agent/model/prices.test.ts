/** What a call costs: by the longest beginning of a model's name, cached tokens at their rates, long prompts at theirs; unknown is null. */
import { describe, expect, it } from 'vitest'
import { ConfigError } from '../../domain/errors.ts'
import { costOf, knownPrices, pricesFrom, type Usage } from './prices.ts'

const usage = (given: Partial<Usage>): Usage => ({ inputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 0, ...given })
const million = 1_000_000

describe('prices', () => {
  it.each([
    ['claude-sonnet-5-5', { inputTokens: million, outputTokens: million }, 12],
    ['claude-sonnet-5-5', { cacheReadTokens: million, cacheWriteTokens: million }, 2.6],
    ['claude-sonnet-5', { cacheReadTokens: million }, 0.2],
    ['claude-sonnet-4-6', { inputTokens: million }, 3],
    ['claude-haiku-4-5-20251001', { inputTokens: million }, 1],
    ['claude-opus-5-5', { outputTokens: million }, 20],
    ['claude-haiku-5-5', { inputTokens: 100_000, outputTokens: 1_000 }, 0.0105],
    ['claude-haiku-5-5', { inputTokens: 1, cacheReadTokens: 100_000 }, 0.005_000_5],
    ['claude-haiku-5-5', { inputTokens: 100_001, outputTokens: 1_000 }, 0.052_500_5],
  ])('%s %j', (model, given, usd) => {
    expect(costOf(knownPrices, model, usage(given))).toBeCloseTo(usd, 9)
  })

  it('of a model nobody knows are null, and may be given', () => {
    expect(costOf(knownPrices, 'llama3.3', usage({ inputTokens: 1 }))).toBeNull()
    const prices = pricesFrom('{"llama": {"input": 0, "output": 0}, "claude-sonnet-5-5": {"input": 1, "output": 1}}')
    expect(costOf(prices, 'llama3.3', usage({ inputTokens: 9 }))).toBe(0)
    expect(costOf(prices, 'claude-sonnet-5-5', usage({ cacheReadTokens: million, outputTokens: million }))).toBe(2)
    expect(costOf(prices, 'claude-opus-5', usage({ inputTokens: million }))).toBe(5)
  })

  it.each([
    '{',
    '[]',
    '{"a": 1}',
    '{"a": {"input": -1, "output": 1}}',
    '{"a": {"input": 1}}',
    '{"a": {"input": 1, "output": 2, "per": 3}}',
  ])('that cannot be read are told: %s', (text) => {
    expect(() => pricesFrom(text)).toThrow(ConfigError)
    expect(() => pricesFrom(text)).toThrow(/FALCONER_MODEL_PRICES/)
  })
})
