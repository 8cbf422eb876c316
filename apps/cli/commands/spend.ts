import { type CliCommand, examples, type JsonOption, jsonOption, place } from '../command.ts'
import type { SpendAnswer } from '../spend-text.ts'

export const spendCommand: CliCommand = {
  group: 'Administration',
  register: (program, cli) =>
    program
      .command('spend')
      .description('what models cost in a month, by use and model and by investigation, and the cap')
      .addOption(jsonOption())
      .option('--month <month>', 'as 2026-11; default: this one, in UTC')
      .addHelpText('after', examples('falconer spend', 'falconer spend --month 2026-11 --json | jq .total.usd'))
      .action(({ month, ...options }: JsonOption & { month?: string }) =>
        cli.show<SpendAnswer>(options, place('/spend', { month }), async (answer) => (await import('../spend-text.ts')).spendText(answer)),
      ),
}
