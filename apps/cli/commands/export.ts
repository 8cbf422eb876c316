import { Argument, Option } from 'commander'
import { type CliCommand, examples } from '../command.ts'

export const exportCommand: CliCommand = {
  group: 'Incidents and responses',
  register: (program, cli) =>
    program
      .command('export')
      .description('write what there is for other tools, one event a line')
      .addArgument(new Argument('<what>', 'what to write').choices(['incidents', 'findings', 'alerts']))
      .option('--since <time>', 'changed since then, as 2026-11-25 or 2026-11-25T08:30:00Z')
      .addOption(new Option('--format <format>', 'the events’ format').choices(['ocsf']).default('ocsf'))
      .addHelpText(
        'after',
        `${examples('falconer export incidents --since 2026-11-25 > incidents.ndjson', 'falconer export findings | jq -r \'select(.status == "New") | .finding_info.title\'')}

The events are OCSF; docs/output.md says what stands where, and how to be told of incidents instead of asking.`,
      )
      .action(async (what: string, { since }: { since?: string }) => {
        const { exportEvents } = await import('../export.ts')
        await cli.withClient((client) => exportEvents(client, what, since))
      }),
}
