import { type CliCommand, examples, type JsonOption, jsonOption, part } from '../command.ts'
import type { IncidentAnswer } from '../report-text.ts'

export const incidentCommand: CliCommand = {
  group: 'Incidents and responses',
  register: (program, cli) =>
    program
      .command('incident')
      .description('one incident: what happened, why, what is proposed')
      .argument('<incident>', 'inc-… or id')
      .addOption(jsonOption())
      .addHelpText('after', examples('falconer incident inc-1f9c04be2a'))
      .action((id: string, options: JsonOption) =>
        cli.show<IncidentAnswer>(options, `/incidents/${part(id)}`, async (answer) =>
          (await import('../report-text.ts')).incidentText(answer),
        ),
      ),
}
