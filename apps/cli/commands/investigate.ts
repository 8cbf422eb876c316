import { type CliCommand, examples, type JsonOption, jsonOption, part } from '../command.ts'
import type { InvestigationRow } from '../rows.ts'

export const investigateCommand: CliCommand = {
  group: 'Incidents and responses',
  register: (program, cli) =>
    program
      .command('investigate')
      .description('investigate an incident now, whatever its severity')
      .argument('<incident>', 'inc-… or id')
      .addOption(jsonOption())
      .addHelpText('after', examples('falconer investigate inc-1f9c04be2a'))
      .action((id: string, options: JsonOption) =>
        cli.show<InvestigationRow>(
          options,
          `/incidents/${part(id)}/investigate`,
          async (answer) => (await import('../report-text.ts')).reportText(answer),
          { method: 'POST', body: {}, held: ({ status }) => status === 'done' },
        ),
      ),
}
