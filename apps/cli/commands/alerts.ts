import { Option } from 'commander'
import { type CliCommand, examples, type JsonOption, jsonOption, limitOption, place } from '../command.ts'
import { safe, shortTime, table } from '../output.ts'
import type { AlertRow } from '../rows.ts'
import { severities } from '../words.ts'

type Given = JsonOption & { cluster?: string; limit: number } & Record<
    'rule' | 'pod' | 'container' | 'severity' | 'from' | 'to' | 'cursor',
    string | undefined
  >
type Answer = { alerts: AlertRow[]; next: string | null; lookedBackTo: string | null }

export const alertsCommand: CliCommand = {
  group: 'Incidents and responses',
  register: (program, cli) =>
    program
      .command('alerts')
      .description('search alerts, newest first')
      .argument('[text]', 'in the sensor’s sentence or a field')
      .addOption(jsonOption())
      .option('--rule <name>', 'exactly this rule')
      .option('--pod <namespace/name>', 'as the sensor writes it')
      .option('--container <id>', 'as the sensor writes it')
      .option('--cluster <name>', 'only of this cluster')
      .addOption(new Option('--severity <least>', 'at least this severe').choices(severities))
      .option('--from <time>', 'event time, as 2026-11-25 or 2026-11-25T08:30:00Z')
      .option('--to <time>', 'event time')
      .addOption(limitOption(500))
      .option('--cursor <cursor>', '`next` of the page before')
      .addHelpText(
        'after',
        `${examples("falconer alerts --rule 'Terminal shell in container' --from 2026-11-25", 'falconer alerts /etc/shadow --severity medium --json')}

Time and one of container, pod and rule are found by index. For the rest so many alerts are looked at, and it says how far back.`,
      )
      .action((text: string | undefined, { rule, pod, container, cluster: scope, severity, from, to, limit, cursor, ...options }: Given) =>
        cli.show<Answer>(options, place('/alerts', { text, rule, pod, container, scope, severity, from, to, limit, cursor }), shown),
      ),
}

function shown({ alerts, next, lookedBackTo }: Answer): string {
  const rows = table(
    ['event time (UTC)', 'priority', 'rule', 'where', 'before that day', 'alert'],
    alerts.map((one) => [
      shortTime(one.eventTime),
      one.priority,
      safe(one.rule, 60),
      safe(whereOf(one), 50),
      one.usual?.text ?? 'not placed yet',
      one.id,
    ]),
  )
  return [
    rows,
    ...(lookedBackTo === null ? [] : [`looked back to ${shortTime(lookedBackTo)} UTC; what is older was not looked at`]),
    ...(next === null ? [] : [`more: --cursor ${next}`]),
  ].join('\n')
}

function whereOf({ pod, container, hostname }: AlertRow): string {
  const { namespace, name } = (pod ?? {}) as { namespace?: string; name?: string }
  if (namespace !== undefined) return `${namespace}/${name}`
  return (container as { id?: string } | null)?.id?.slice(0, 12) ?? hostname ?? '–'
}
