import { type CliCommand, examples, type JsonOption, jsonOption } from '../command.ts'

export const followCommand: CliCommand = {
  group: 'Input',
  register: (program, cli) =>
    program
      .command('follow')
      .description('send what Falco writes to a file as it comes, over rotation and restarts')
      .argument(
        '<file...>',
        'files that grow, one JSON document a line (file_output of Falco, a container’s log); one may not be there yet',
      )
      .addOption(jsonOption())
      .option('--cluster <name>', 'cluster the records belong to (default: FALCONER_SCOPE)')
      .option('--again', 'begin at the start of the file, not where it stopped; nothing is stored twice')
      .addHelpText(
        'after',
        `${examples(
          'falconer follow /var/log/falco/events.log --cluster prod',
          'FALCONER_URL=https://falconer.example.org FALCONER_TOKEN=… falconer follow /var/log/falco/events.log --data /var/lib/falconer',
        )}

Like tail -F, but nothing is read twice and nothing is skipped: it starts where it stopped before, a place that is kept in the
data folder (--data) and moves on only once Falconer has stored what was read. While Falconer is away or busy it waits; the file
keeps what comes. Renamed, copied-and-emptied and replaced files are read to their end; packed ones (.gz) are for \`import\`.`,
      )
      .action(async (paths: string[], options: JsonOption & { cluster?: string; again?: boolean }) => {
        const [{ follow }, { stopSignal }] = await Promise.all([import('../follow.ts'), import('../stop.ts')])
        await follow(cli.overrides(), paths, { ...options, signal: stopSignal() })
      }),
}
