import { Option } from 'commander'
import { type CliCommand, examples, type JsonOption, jsonOption } from '../command.ts'

type Given = JsonOption & { analyst: 'playbook' | 'claude'; follow?: boolean }

export const investigateCommand: CliCommand = {
  group: 'Incidents and responses',
  register: (program, cli) =>
    program
      .command('investigate')
      .description('investigate an incident now, whatever its severity; exit code 1 when nothing came of it')
      .argument('<incident>', 'inc-… or id')
      .addOption(new Option('--analyst <name>', 'who: the playbook, or a model').choices(['playbook', 'claude']).default('playbook'))
      .option('--follow', 'show what a model does, as it does it')
      .addOption(jsonOption())
      .addHelpText(
        'after',
        examples('falconer investigate inc-1f9c04be2a', 'falconer investigate inc-1f9c04be2a --analyst claude --follow'),
      )
      .action(async (id: string, given: Given) => (await import('../investigate.ts')).investigate(cli, id, given)),
}
