/** The models that the configuration names, opened one asking at a time, each behind a door of its own. LangChain is loaded when the first is. */
import type { Clock } from '../../domain/clock.ts'
import { nothingSpent } from '../../domain/spend.ts'
import type { Database } from '../../store/database.ts'
import { monthAt, spentOn, usdIn } from '../../store/spend.ts'
import { monthSpent, openBudget } from './budget.ts'
import { type Door, openDoor } from './door.ts'
import type { Models, ModelUse, OpenModel } from './model.ts'
import { costOf } from './prices.ts'
import { type ModelConfig, modelSettings, type ModelSettings } from './settings.ts'

export type ModelParts = {
  db: Database
  clock: Clock
  log?: { info(message: string, fields?: Record<string, unknown>): void }
  /** Default: the network, by no proxy. */
  wire?: typeof fetch
}

/** Null where no model is configured, or none wanted. Throws ConfigError. */
export function modelsFrom(config: ModelConfig, parts: ModelParts): Models | null {
  const settings = modelSettings(config)
  if (settings === null) return null
  return { names: () => named(settings), open: (use, about, options) => open(settings, parts, use, about, options) }
}

/** provider/name for each use. */
export const named = ({ provider, models }: Pick<ModelSettings, 'provider' | 'models'>): Record<ModelUse, string> => ({
  investigation: `${provider}/${models.investigation}`,
  triage: `${provider}/${models.triage}`,
  chat: `${provider}/${models.chat}`,
})

async function open(
  settings: ModelSettings,
  { db, clock, log, wire = fetch }: ModelParts,
  use: ModelUse,
  about: string,
  options: Parameters<Models['open']>[2],
): Promise<OpenModel> {
  const month = { cap: settings.usdMonth, usd: () => usdIn(db, monthAt(clock.now())) }
  const over = await monthSpent(month)
  if (over !== null) throw over
  // A thread of chat goes on for months: each of its questions has a budget. All else is one piece of work, crashes or not.
  const carried = use === 'chat' ? nothingSpent : await spentOn(db, about)
  const budget = openBudget({ ...settings.limits, ...options.limits }, carried, month)
  const { provider } = settings
  const model = settings.models[use]
  const price = (usage: Parameters<typeof costOf>[2]): number | null => costOf(settings.prices, model, usage)
  const door = openDoor({ db, clock, about, use, provider, model, budget, costOf: price, wire, signal: options.signal })
  log?.info('A model is asked', { use, about, model: `${provider}/${model}` })
  return { chat: await chatOf(settings, model, door), name: `${provider}/${model}`, provider, spent: budget.spent }
}

async function chatOf({ provider, baseURL, key }: ModelSettings, model: string, door: Door): Promise<OpenModel['chat']> {
  if (provider === 'anthropic') return (await import('./anthropic.ts')).openAnthropic(door, { model, key: key?.reveal() ?? '', baseURL })
  return (await import('./openai.ts')).openOpenai(door, { model, key: key?.reveal(), baseURL })
}
