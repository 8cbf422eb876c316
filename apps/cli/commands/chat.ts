import { type CliCommand, examples, type JsonOption, jsonOption } from '../command.ts'

type Given = JsonOption & { incident?: string; thread?: string; model: boolean }

export const chatCommand: CliCommand = {
  group: 'Incidents and responses',
  register: (program, cli) =>
    program
      .command('chat')
      .description('ask about an incident or about all there is; without a question, one after another')
      .argument('[question...]', 'what you want to know')
      .addOption(jsonOption())
      .option('--incident <id>', 'about this incident')
      .option('--thread <id>', 'go on in this thread')
      .option('--no-model', 'ask no model, though one is configured')
      .addHelpText(
        'after',
        examples(
          'falconer chat what should I fix first in namespace payments',
          "falconer chat --incident inc-1f9c04be2a 'what happened?'",
          'falconer chat',
        ),
      )
      .action(async (words: string[], given: Given) => {
        const { chat } = await import('../chat.ts')
        await cli.withClient((client) => chat(client, words.join(' ').trim(), given))
      }),
}
