import { Option } from 'commander'
import { type CliCommand, examples, type JsonOption, jsonOption, limitOption, place } from '../command.ts'
import { safe, shortTime, table } from '../output.ts'
import type { IncidentRow } from '../rows.ts'
import { incidentStates, severities } from '../words.ts'

type Given = JsonOption & { severity?: string; state?: string; cluster?: string; limit: number; cursor?: string }

export const incidentsCommand: CliCommand = {
  group: 'Incidents and responses',
  register: (program, cli) =>
    program
      .command('incidents')
      .description('list incidents, worst first')
      .addOption(jsonOption())
      .addOption(new Option('--severity <least>', 'at least this severe').choices(severities))
      .addOption(new Option('--state <state>', 'only in this state').choices(incidentStates))
      .option('--cluster <name>', 'only of this cluster')
      .addOption(limitOption(500))
      .option('--cursor <cursor>', '`next` of the page before')
      .addHelpText('after', examples('falconer incidents --severity high', "falconer incidents --json | jq -r '.incidents[].title'"))
      .action(({ severity, state, cluster: scope, limit, cursor, ...options }: Given) =>
        cli.show<{ incidents: IncidentRow[]; next: string | null }>(
          options,
          place('/incidents', { severity, state, scope, limit, cursor }),
          ({ incidents, next }) => `${incidentTable(incidents)}${next === null ? '' : `\nmore: --cursor ${next}`}`,
        ),
      ),
}

const incidentTable = (incidents: readonly IncidentRow[]): string =>
  table(
    ['incident', 'severity', 'state', 'verdict', 'alerts', 'last (UTC)', 'cluster', 'what'],
    incidents.map((one) => [
      one.shortId,
      one.severity,
      one.state,
      one.verdict?.replaceAll('_', ' ') ?? '–',
      String(one.alerts),
      shortTime(one.lastAt),
      safe(one.scope, 40),
      safe(one.title),
    ]),
  )
