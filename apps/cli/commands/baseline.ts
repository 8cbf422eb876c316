import { Option } from 'commander'
import { type CliCommand, examples, type JsonOption, jsonOption, limitOption, place } from '../command.ts'
import { processName, safe, table } from '../output.ts'
import type { NormalRow } from '../rows.ts'

type Given = JsonOption & { cluster?: string; place?: string; rule?: string; level?: string; limit: number }
type Answer = { normal: (NormalRow & { scope: string })[]; whole: boolean }

export const baselineCommand: CliCommand = {
  group: 'Incidents and responses',
  register: (program, cli) =>
    program
      .command('baseline')
      .description('what is normal where: rules by place and process with their days, most frequent first')
      .addOption(jsonOption())
      .option('--place <text>', 'part of the workload’s, pod’s or host’s name')
      .option('--rule <text>', 'part of the rule’s name')
      .option('--cluster <name>', 'only of this cluster')
      .addOption(new Option('--level <level>', '“usual”: what may be tuned out').choices(['new', 'rare', 'recurring', 'usual']))
      .addOption(limitOption(500))
      .addHelpText('after', examples('falconer baseline --place shop/checkout', 'falconer baseline --level usual --limit 10'))
      .action(({ cluster: scope, place: where, rule, level, limit, ...options }: Given) =>
        cli.show<Answer>(options, place('/baseline', { scope, place: where, rule, level, limit }), shown),
      ),
}

function shown({ normal, whole }: Answer): string {
  if (normal.length === 0)
    return 'No rule was seen on any of the 31 days before today. That is not to say that anybody watched: falconer coverage'
  const rows = table(
    ['cluster', 'place', 'rule', 'process', 'level', 'how often'],
    normal.map((one) => [
      safe(one.scope, 30),
      safe(one.place === '' ? '–' : one.place, 60),
      safe(one.rule, 60),
      processName(one.process, 50),
      one.usual.level,
      one.usual.text,
    ]),
  )
  return [rows, ...(whole ? [] : ['There are more: raise --limit, or say which place.'])].join('\n')
}
