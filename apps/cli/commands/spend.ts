import { modelName, money, spendWords } from '../../../domain/written-by.ts'
import { shortId } from '../../../domain/ids.ts'
import type { Spend } from '../../../domain/spend.ts'
import { type CliCommand, examples, type JsonOption, jsonOption, place } from '../command.ts'
import { safe, shortTime, table } from '../output.ts'

type Spent = Omit<Spend, 'usd'> & { usd: number; unpriced: number }
type Answer = {
  month: string
  capUsd: number
  reached: boolean
  model: { asked: boolean; why: string | null }
  total: Spent
  uses: (Spent & { use: string; model: string; failed: number })[]
  investigations: (Spent & { incidentId: string; title: string; startedAt: string })[]
}

export const spendCommand: CliCommand = {
  group: 'Administration',
  register: (program, cli) =>
    program
      .command('spend')
      .description('what models cost in a month, by use and model and by investigation, and the cap')
      .addOption(jsonOption())
      .option('--month <month>', 'as 2026-11; default: this one, in UTC')
      .addHelpText('after', examples('falconer spend', 'falconer spend --month 2026-11 --json | jq .total.usd'))
      .action(({ month, ...options }: JsonOption & { month?: string }) => cli.show<Answer>(options, place('/spend', { month }), shown)),
}

function shown({ month, capUsd, reached, model, total, uses, investigations }: Answer): string {
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
