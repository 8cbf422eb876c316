import { Option } from 'commander'
import { type CliCommand, examples, type JsonOption, jsonOption, part, place, wholeNumber } from '../command.ts'
import { fixText, fixesText } from '../fix-text.ts'

type Given = JsonOption & { cluster?: string; namespace?: string; incident?: string; cursor?: string; limit: number }

export const fixFirstCommand: CliCommand = {
  group: 'Incidents and responses',
  register: (program, cli) =>
    program
      .command('fix-first')
      .description('what to fix first: changes, by what they take away; with an id, that one')
      .argument('[fix]', 'id of one')
      .addOption(jsonOption())
      .option('--cluster <name>', 'that concern this cluster or account')
      .option('--namespace <name>', 'that concern this Kubernetes namespace')
      .option('--incident <id>', 'only what lies where this incident is')
      .addOption(new Option('--limit <number>', 'at most so many, up to 500').default(10).argParser(wholeNumber(1, 500)))
      .option('--cursor <cursor>', '`next` of the page before')
      .addHelpText(
        'after',
        examples('falconer fix-first', 'falconer fix-first --incident inc-1f9c04be2a', 'falconer fix-first --namespace shop --json'),
      )
      .action((id: string | undefined, { cluster: scope, json, ...query }: Given) =>
        id === undefined
          ? cli.show({ json }, place('/fixes', { scope, ...query }), fixesText)
          : cli.show({ json }, `/fixes/${part(id)}`, fixText),
      ),
}
