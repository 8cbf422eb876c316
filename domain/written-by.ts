/** Who wrote a report, in words that leave no doubt whether a model did, and what it took. For pages, terminals and chat alike. */
import type { Report } from './report.ts'
import { type Spend, tokensOf } from './spend.ts'

/** “Written by claude-sonnet-5-5, prompt investigate v3f2a91c0, 7 calls, 18,200 tokens (81% from cache), $0.06”. The model’s name is a provider’s text. */
export function writtenBy({ analyst, analystVersion, model, prompt, spend }: Report): string {
  if (model === null)
    return analyst === 'playbook'
      ? `Written by the playbook (no model), version ${analystVersion}`
      : `Written by ${analyst}, version ${analystVersion}`
  const told = prompt === null ? [] : [`prompt ${prompt.name} v${prompt.version.slice(0, 8)}`]
  // A model was asked and could not finish: what stands there is not its own.
  const by = analyst === 'playbook' ? `Written by the playbook, after ${modelName(model)} came to no end` : `Written by ${modelName(model)}`
  return [by, ...told, ...(spend === null ? [] : [spendWords(spend)])].join(', ')
}

/** provider/name without the provider. */
export const modelName = (model: string): string => model.slice(model.indexOf('/') + 1)

export function spendWords(spend: Omit<Spend, 'usd'> & { usd: number | null }): string {
  const tokens = tokensOf({ ...spend, usd: null })
  const cached = tokens === 0 ? 0 : Math.round((spend.cacheReadTokens / tokens) * 100)
  return `${count(spend.calls, 'call')}, ${count(tokens, 'token')}${cached === 0 ? '' : ` (${cached}% from cache)`}, ${spend.usd === null ? 'price not known' : money(spend.usd)}`
}

export const money = (usd: number): string =>
  usd > 0 && usd < 0.005 ? '< $0.01' : `$${usd.toLocaleString('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`
const count = (many: number, one: string): string => `${many.toLocaleString('en')} ${one}${many === 1 ? '' : 's'}`

/** Whose it is, in a few words: “Claude”, “the playbook”. `model` is not known of one that failed. */
export function whose({ analyst, model }: { analyst: string; model?: string | null }): string {
  if (analyst === 'playbook') return 'the playbook'
  if (analyst !== 'claude') return analyst
  return model == null || modelName(model).startsWith('claude') ? 'Claude' : modelName(model)
}

/** Where two reports on one incident say different things: “Claude says benign (high confidence), the playbook says suspicious (low)”. Null: they agree. */
export function differences(first: Report, other: Report): string | null {
  if (first.verdict === other.verdict && first.confidence === other.confidence) return null
  const says = (report: Report, more = ''): string =>
    `${whose(report)} says ${report.verdict.replaceAll('_', ' ')} (${report.confidence}${more})`
  const what = `${says(first, ' confidence')}, ${says(other)}`
  return what.charAt(0).toUpperCase() + what.slice(1)
}
