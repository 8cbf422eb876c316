/** What models cost as plain text. */
import { shortId } from '../../domain/ids.ts'
import type { Spend } from '../../domain/spend.ts'
import { modelName, money, spendWords } from '../../domain/written-by.ts'
import { safe, shortTime, table } from './output.ts'

type Spent = Omit<Spend, 'usd'> & { usd: number; unpriced: number }
export type SpendAnswer = {
  month: string
  capUsd: number
  reached: boolean
  model: { asked: boolean; why: string | null }
  total: Spent
  uses: (Spent & { use: string; model: string; failed: number })[]
  investigations: (Spent & { incidentId: string; title: string; startedAt: string })[]
}

export function spendText({ month, capUsd, reached, model, total, uses, investigations }: SpendAnswer): string {
  const tokens = (one: Spent): number => one.inputTokens + one.cacheReadTokens + one.cacheWriteTokens + one.outputTokens
  const numbers = (one: Spent): string[] => [
    String(one.calls),
    tokens(one).toLocaleString('en'),
    `${tokens(one) === 0 ? 0 : Math.round((one.cacheReadTokens / tokens(one)) * 100)}%`,
    one.unpriced > 0 && one.usd === 0 ? 'not known' : money(one.usd),
  ]
  return [
    `${month}: ${spendWords(total)}. The cap of a month is ${money(capUsd)}${reached ? ', and it is reached: no model is asked, only the playbook investigates' : ''}.`,
    ...(total.unpriced === 0
      ? []
      : [`! ${total.unpriced} calls are of models whose prices are not known; no cap holds them (FALCONER_MODEL_PRICES).`]),
    ...(model.asked ? [] : [`No model is asked now: ${safe(model.why ?? '', 200)}.`]),
    ...(uses.length === 0
      ? []
      : [
          '',
          table(
            ['use', 'model', 'failed', 'calls', 'tokens', 'from cache', 'cost'],
            uses.map((one) => [safe(one.use), safe(modelName(one.model)), String(one.failed), ...numbers(one)]),
          ),
        ]),
    ...(investigations.length === 0
      ? []
      : [
          '',
          table(
            ['incident', 'begun (UTC)', 'calls', 'tokens', 'from cache', 'cost', 'what'],
            investigations.map((one) => [
              shortId('incident', one.incidentId),
              shortTime(one.startedAt),
              ...numbers(one),
              safe(one.title, 80),
            ]),
          ),
        ]),
  ].join('\n')
}
