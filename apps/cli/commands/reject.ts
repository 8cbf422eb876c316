import { type CliCommand, examples, type JsonOption, jsonOption } from '../command.ts'

export const rejectCommand: CliCommand = {
  group: 'Incidents and responses',
  register: (program, cli) =>
    program
      .command('reject')
      .description('reject a proposal on a simulated cluster; for a real one the page to open is printed')
      .argument('<proposal>', 'prp-… or id')
      .option('--reason <text>', 'kept in the audit log', '')
      .addOption(jsonOption())
      .addHelpText('after', examples("falconer reject prp-0b6f5d3c11 --reason 'it was a planned migration'"))
      .action(async (id: string, options: JsonOption & { reason: string }) =>
        (await import('../decide.ts')).decide(cli, 'reject', id, options),
      ),
}
