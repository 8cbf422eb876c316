import type { Command } from 'commander'
import {
  type Cli,
  type CliCommand,
  defaultCommand,
  examples,
  type JsonOption,
  jsonOption,
  limitOption,
  part,
  place,
  wholeNumber,
} from '../command.ts'
import { plainMarkdown, print, safe, shortTime, table } from '../output.ts'
import type { SourceRow } from '../rows.ts'
import { type SensorsAnswer, sensorTable } from '../sensors-text.ts'

export const sourcesCommand: CliCommand = {
  group: 'Input',
  register: (program, cli) => {
    const sources = program.command('sources').description('what may send records, and when each was last heard')
    defaultCommand(sources, 'list')
      .description('list sources')
      .addOption(jsonOption())
      .addHelpText('after', examples('falconer sources list --json'))
      .action((options: JsonOption) => list(cli, options))
    sources
      .command('add')
      .description('add a source; prints its secret once, and what to put where')
      .argument('<name>', 'small letters, digits, dots, dashes')
      .option('--collector <name>', 'what it sends', 'falco')
      .option('--cluster <name>', 'cluster its records belong to (default: FALCONER_SCOPE)')
      .addOption(jsonOption())
      .addHelpText('after', examples('falconer sources add falco-prod --cluster prod'))
      .action((name: string, { collector, cluster: scope, ...options }: JsonOption & { collector: string; cluster?: string }) =>
        cli.show(options, '/sources', withSecret, { method: 'POST', body: { name, collector, scope } }),
      )
    sources
      .command('rotate')
      .description('give a source a new secret; the old one stops working')
      .argument('<name>')
      .addOption(jsonOption())
      .addHelpText('after', examples('falconer sources rotate falco-prod'))
      .action((name: string, options: JsonOption) =>
        cli.show(options, `/sources/${part(name)}/rotate`, withSecret, { method: 'POST', body: {} }),
      )
    sources
      .command('expect')
      .description('how long a source may be silent before that is a gap in coverage')
      .argument('<name>')
      .argument('<minutes>', 'or “default”: as its collector says', (text) => (text === 'default' ? null : wholeNumber(1, 525_600)(text)))
      .addOption(jsonOption())
      .addHelpText('after', examples('falconer sources expect falco-prod 30', 'falconer sources expect falco-prod default'))
      .action((name: string, minutes: number | null, options: JsonOption) =>
        cli.show<SourceRow>(
          options,
          `/sources/${part(name)}/expect`,
          (one) =>
            `${safe(one.name)}: ${one.expectedMs === null ? 'as its collector says' : `expected at least every ${one.expectedMs / 60_000} minutes`}.`,
          { method: 'POST', body: { minutes } },
        ),
      )
    sources
      .command('forget')
      .description('take back what a source said of the graph, and only what no other source says; alerts and findings stay')
      .argument('<name>')
      .addOption(jsonOption())
      .addHelpText('after', examples('falconer sources forget wrong-cluster'))
      .action((name: string, options: JsonOption) =>
        cli.show<{ source: SourceRow; relations: number; entities: number }>(
          options,
          `/sources/${part(name)}/forget`,
          ({ source, relations, entities }) =>
            `${safe(source.name)} is forgotten: ${relations} relations, and ${entities} entities that no other source knows.`,
          { method: 'POST', body: {} },
        ),
      )
    for (const to of ['disable', 'enable'] as const) registerSwitch(sources, cli, to)
    sources
      .command('sensors')
      .description('what sensors say of themselves: version, last heard, events they dropped and when')
      .addOption(jsonOption())
      .option('--host <name>', 'of this host only')
      .addOption(limitOption(1_000))
      .addHelpText('after', examples('falconer sources sensors --host worker-2'))
      .action(({ host, limit, ...options }: JsonOption & { host?: string; limit: number }) =>
        cli.show<SensorsAnswer>(options, place('/sensors', { host, limit }), sensorTable),
      )
    return sources.addHelpText('after', examples('falconer sources', 'falconer sources add falco-prod --cluster prod'))
  },
}

function registerSwitch(sources: Command, cli: Cli, to: 'disable' | 'enable'): void {
  sources
    .command(to)
    .description(to === 'disable' ? 'refuse what a source sends' : 'take what a source sends again')
    .argument('<name>')
    .addOption(jsonOption())
    .addHelpText('after', examples(`falconer sources ${to} falco-prod`))
    .action((name: string, options: JsonOption) =>
      cli.show<SourceRow>(options, `/sources/${part(name)}/${to}`, (one) => `${safe(one.name)} is ${to}d.`, { method: 'POST', body: {} }),
    )
}

/** Sources, and what their sensors say of themselves. */
async function list(cli: Cli, options: JsonOption): Promise<void> {
  await cli.withClient(async (client) => {
    const { sources } = JSON.parse(await client.call('GET', '/sources')) as { sources: SourceRow[] }
    const sensors = JSON.parse(await client.call('GET', place('/sensors', { limit: 20 }))) as SensorsAnswer
    if (options.json === true) print(JSON.stringify({ sources, sensors }))
    else print(`${sourceTable(sources)}\n\nWhat the sensors say of themselves\n${sensorTable(sensors)}`)
  })
}

const withSecret = ({ source, secret, connect }: { source: SourceRow; secret: string; connect: string }): string =>
  `Source ${safe(source.name)}; its secret is shown this once: ${secret}\n\n${plainMarkdown(connect)}`

const sourceTable = (sources: readonly SourceRow[]): string =>
  table(
    ['source', 'collector', 'cluster', 'last heard (UTC)', 'accepted', 'repeated', 'dead'],
    sources.map((one) => [
      `${safe(one.name)}${one.disabledAt === null ? '' : ' (disabled)'}`,
      one.collector,
      safe(one.scope),
      shortTime(one.lastSeenAt),
      String(one.accepted),
      String(one.duplicates),
      String(one.deadLetters),
    ]),
  )
