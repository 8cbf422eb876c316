import { InputError } from '../../../domain/errors.ts'
import { type CliCommand, defaultCommand, examples, type JsonOption, jsonOption, limitOption, place } from '../command.ts'
import { safe, shortTime, table } from '../output.ts'
import type { DeadLetterRow } from '../rows.ts'

export const deadLettersCommand: CliCommand = {
  group: 'Input',
  register: (program, cli) => {
    const letters = program.command('dead-letters').description('input that could not be read, with its reason; read it again')
    defaultCommand(letters, 'list')
      .description('list dead letters, newest first')
      .addOption(jsonOption())
      .addOption(limitOption(200))
      .option('--before <letter>', 'older than this one')
      .addHelpText('after', examples('falconer dead-letters', "falconer dead-letters list --json | jq -r '.deadLetters[].reason'"))
      .action(({ limit, before, ...options }: JsonOption & { limit: number; before?: string }) =>
        cli.show<{ deadLetters: DeadLetterRow[] }>(
          options,
          place('/dead-letters', { limit, before }),
          ({ deadLetters }) =>
            `${letterTable(deadLetters)}${deadLetters.length === limit ? `\nmore: --before ${deadLetters.at(-1)?.id}` : ''}`,
        ),
      )
    letters
      .command('replay')
      .description('read dead letters again with this version’s collectors; exit code 1 when one still cannot be read')
      .argument('[letter...]', 'ids from the list')
      .option('--all', 'all that were not read yet')
      .addOption(jsonOption())
      .addHelpText('after', examples('falconer dead-letters replay 019a…', 'falconer dead-letters replay --all'))
      .action(async (ids: string[], options: JsonOption & { all?: boolean }) => {
        if (ids.length > 0 === (options.all === true)) throw new InputError('Name the letters to replay, or give --all.')
        await (await import('../replay.ts')).replayLetters(cli, ids.length === 0 ? 'all' : ids, options)
      })
    return letters.addHelpText('after', examples('falconer dead-letters', 'falconer dead-letters replay --all'))
  },
}

const letterTable = (letters: readonly DeadLetterRow[]): string =>
  table(
    ['letter', 'received (UTC)', 'cluster', 'bytes', 'read again', 'where', 'why', 'begins with'],
    letters.map((one) => [
      one.id,
      shortTime(one.receivedAt),
      safe(one.scope, 30),
      String(one.size),
      one.replayedAt === null ? 'no' : shortTime(one.replayedAt),
      safe(one.place, 60),
      safe(one.reason, 100),
      safe(one.preview, 60),
    ]),
  )
