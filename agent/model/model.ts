/**
 * The models Falconer is allowed to ask, and what one asking may cost. Every HTTP call goes through one door: it is counted against the budget before
 * it is made, written to the ledger with what it cost, and answered from the ledger when a crash has it made again. Secrets are masked on the way out.
 */
import type { BaseChatModel } from '@langchain/core/language_models/chat_models'
import { FalconerError } from '../../domain/errors.ts'
import type { Spend } from '../../domain/spend.ts'

export const modelUses = ['investigation', 'triage', 'chat'] as const
export type ModelUse = (typeof modelUses)[number]

/** What one asking may take: reached, it stops, and says so. */
export type Limits = { calls: number; tokens: number; seconds: number; usd: number }

/** What was reached: of this asking, or of the month. */
export class BudgetSpent extends FalconerError {
  readonly what: keyof Limits | 'month'
  constructor(what: keyof Limits | 'month', message: string) {
    super('budget', message)
    this.what = what
  }
}

export type OpenModel = {
  /** For LangChain. */ chat: BaseChatModel
  /** As reports name it: provider/name. */ name: string
  provider: 'anthropic' | 'openai'
  spent(): Spend
}

export interface Models {
  /** `about`: the investigation or thread it is for. Throws BudgetSpent where the month's money is spent. */
  open(use: ModelUse, about: string, options: { limits?: Partial<Limits>; signal: AbortSignal }): Promise<OpenModel>
  /** Which model is asked for what. */
  names(): Record<ModelUse, string>
}
