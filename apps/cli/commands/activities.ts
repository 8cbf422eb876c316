import { type CliCommand, examples, type JsonOption, jsonOption, limitOption, place } from '../command.ts'
import { safe, shortTime, table } from '../output.ts'
import type { ActivityRow } from '../rows.ts'

type Given = JsonOption & { cluster?: string; limit: number } & Record<'actor' | 'operation' | 'from' | 'to' | 'cursor', string | undefined>
type Answer = { activities: ActivityRow[]; next: string | null }

export const activitiesCommand: CliCommand = {
  group: 'Incidents and responses',
  register: (program, cli) =>
    program
      .command('activities')
      .description('what audit logs tell, newest first: who did what, with which identity')
      .addOption(jsonOption())
      .option('--actor <id>', 'exactly this identity: an ARN, a user name of Kubernetes')
      .option('--operation <name>', 'exactly this: GetObject, “create pods/exec”')
      .option('--cluster <name>', 'only of this cluster or account')
      .option('--from <time>', 'event time, as 2026-11-25 or 2026-11-25T08:30:00Z')
      .option('--to <time>', 'event time')
      .addOption(limitOption(500))
      .option('--cursor <cursor>', '`next` of the page before')
      .addHelpText(
        'after',
        examples('falconer activities --operation AssumeRole', 'falconer activities --actor system:serviceaccount:shop:checkout --json'),
      )
      .action(({ cluster: scope, json, ...query }: Given) => cli.show<Answer>({ json }, place('/activities', { scope, ...query }), shown)),
}

function shown({ activities, next }: Answer): string {
  if (activities.length === 0) return 'No activity that was received fits.'
  const rows = table(
    ['event time (UTC)', 'actor', 'operation', 'service', 'outcome', 'from', 'on'],
    activities.map((one) => [
      shortTime(one.eventTime),
      safe(one.actor.name, 50),
      safe(one.operation, 50),
      safe(one.service, 40),
      one.error === null ? one.outcome : safe(`${one.outcome}: ${one.error}`, 40),
      safe(one.source.ip ?? one.source.service ?? '–', 40),
      safe(one.resources.join(', '), 80),
    ]),
  )
  return [rows, ...(next === null ? [] : [`more: --cursor ${next}`])].join('\n')
}
