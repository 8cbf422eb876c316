/** What the configuration says of models, as far as this room reads it: which one is asked for what, where, and what it may take. */
import type { Model } from '@anthropic-ai/sdk/resources/messages'
import { ConfigError } from '../../domain/errors.ts'
import type { Secret } from '../../domain/redact.ts'
import type { Limits, ModelUse } from './model.ts'
import { type Prices, pricesFrom } from './prices.ts'

/** How often an SDK tries a call again. Each try is a call of its own to the budget. */
export const retries = 2
/** Longest wait for an answer to begin. */
export const waitMs = 180_000
/** Longest answer that is asked for. */
export const tokensOfAnswer = 16_000

/** A part of the configuration. */
export type ModelConfig = {
  ANTHROPIC_API_KEY?: Secret | undefined
  ANTHROPIC_BASE_URL?: string | undefined
  FALCONER_MODEL?: string | undefined
  FALCONER_MODEL_TRIAGE?: string | undefined
  FALCONER_MODEL_CHAT?: string | undefined
  FALCONER_MODEL_URL?: string | undefined
  FALCONER_MODEL_KEY?: Secret | undefined
  FALCONER_NO_MODEL: boolean
  FALCONER_MODEL_CALLS: number
  FALCONER_MODEL_TOKENS: number
  FALCONER_MODEL_SECONDS: number
  FALCONER_MODEL_USD: number
  FALCONER_MODEL_USD_MONTH: number
  FALCONER_MODEL_PRICES?: string | undefined
}

/** The names that the SDK knows, without its "or any other". */
export type KnownModel<M = Model> = M extends string ? (string extends M ? never : M) : never
const ofClaude = { investigation: 'claude-sonnet-5-5', triage: 'claude-haiku-5-5', chat: 'claude-sonnet-5-5' } as const satisfies Record<
  ModelUse,
  KnownModel
>

export type ModelSettings = {
  provider: 'anthropic' | 'openai'
  baseURL: string
  key: Secret | undefined
  models: Record<ModelUse, string>
  limits: Limits
  usdMonth: number
  prices: Prices
}

/** Null: no model is to be asked. Throws ConfigError. */
export function modelSettings(config: ModelConfig): ModelSettings | null {
  if (config.FALCONER_NO_MODEL) return null
  const rest = {
    limits: {
      calls: config.FALCONER_MODEL_CALLS,
      tokens: config.FALCONER_MODEL_TOKENS,
      seconds: config.FALCONER_MODEL_SECONDS,
      usd: config.FALCONER_MODEL_USD,
    },
    usdMonth: config.FALCONER_MODEL_USD_MONTH,
    prices: pricesFrom(config.FALCONER_MODEL_PRICES),
  }
  const { FALCONER_MODEL: model, FALCONER_MODEL_TRIAGE: triage, FALCONER_MODEL_CHAT: chat, FALCONER_MODEL_URL: url } = config
  if (url !== undefined) {
    if (model === undefined)
      throw new ConfigError('FALCONER_MODEL_URL names an endpoint, and FALCONER_MODEL must say which of its models is asked.')
    const models = { investigation: model, triage: triage ?? model, chat: chat ?? model }
    return { provider: 'openai', baseURL: url, key: config.FALCONER_MODEL_KEY, models, ...rest }
  }
  if (config.ANTHROPIC_API_KEY === undefined) return null
  const investigation = model ?? ofClaude.investigation
  const models = { investigation, triage: triage ?? ofClaude.triage, chat: chat ?? model ?? ofClaude.chat }
  const baseURL = config.ANTHROPIC_BASE_URL ?? 'https://api.anthropic.com'
  return { provider: 'anthropic', baseURL, key: config.ANTHROPIC_API_KEY, models, ...rest }
}
