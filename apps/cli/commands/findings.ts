import { Option } from 'commander'
import { noneSeenInUse } from '../../../domain/in-use.ts'
import {
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
import { findingText } from '../finding-text.ts'
import { safe, shortTime, table } from '../output.ts'
import type { FindingRow } from '../rows.ts'
import { findingClasses, findingStatuses, severities } from '../words.ts'

type Given = JsonOption & { cluster?: string; limit: number; inUse?: boolean } & Record<
    'status' | 'class' | 'severity' | 'check' | 'resource' | 'package' | 'namespace' | 'scanner' | 'cursor',
    string | undefined
  >
type Answer = { findings: FindingRow[]; next: string | null; freshness: string }

export const findingsCommand: CliCommand = {
  group: 'Incidents and responses',
  register: (program, cli) => {
    const findings = program.command('findings').description('what scanners found: open ones, most severe and newest first')
    defaultCommand(findings, 'list')
      .description('list findings')
      .addOption(jsonOption())
      .addOption(new Option('--status <status>', 'open unless told otherwise').choices([...findingStatuses, 'any']))
      .addOption(new Option('--class <class>', 'only of this class').choices(findingClasses))
      .addOption(new Option('--severity <least>', 'at least this severe').choices(severities))
      .option('--check <id>', 'CVE, or the scanner’s id of the check')
      .option('--resource <name>', 'part of the resource’s name')
      .option('--package <name>', 'exactly this package')
      .option('--namespace <name>', 'Kubernetes namespace')
      .option('--scanner <name>', 'seen by this scanner')
      .option('--cluster <name>', 'seen in scans of this cluster or account')
      .option('--in-use', 'only of packages that were seen run or opened')
      .addOption(limitOption(500))
      .option('--cursor <cursor>', '`next` of the page before')
      .addHelpText('after', examples('falconer findings --severity high', 'falconer findings --check CVE-2021-3711 --json'))
      .action(({ cluster: scope, json, inUse, ...query }: Given) =>
        cli.show<Answer>(
          { json },
          place('/findings', { scope, ...query, ...(inUse === true ? { inUse: 'true' } : {}) }),
          shown(inUse === true),
        ),
      )
    findings
      .command('show')
      .description('one finding: every scanner’s own words, and what people decided')
      .argument('<finding>', 'its id')
      .addOption(jsonOption())
      .addHelpText('after', examples('falconer findings show 019a…'))
      .action((id: string, options: JsonOption) => cli.show(options, `/findings/${part(id)}`, findingText))
    findings
      .command('suppress')
      .description('suppress a finding for some days; it comes back by itself')
      .argument('<finding>', 'its id')
      .requiredOption('--days <number>', '1 to 365', wholeNumber(1, 365))
      .requiredOption('--reason <text>', 'why')
      .addOption(jsonOption())
      .addHelpText('after', examples("falconer findings suppress 019a… --days 30 --reason 'not reachable: admin port only'"))
      .action((id: string, { days, reason, ...options }: JsonOption & { days: number; reason: string }) =>
        cli.show<FindingRow>(
          options,
          `/findings/${part(id)}/suppress`,
          (one) => `Suppressed until ${shortTime(one.suppressedUntil)} UTC.`,
          { method: 'POST', body: { days, reason } },
        ),
      )
    findings
      .command('unsuppress')
      .description('take a suppression back')
      .argument('<finding>', 'its id')
      .requiredOption('--reason <text>', 'why')
      .addOption(jsonOption())
      .addHelpText('after', examples("falconer findings unsuppress 019a… --reason 'the port is open now'"))
      .action((id: string, { reason, ...options }: JsonOption & { reason: string }) =>
        cli.show<FindingRow>(options, `/findings/${part(id)}/unsuppress`, (one) => `It is ${one.status} again.`, {
          method: 'POST',
          body: { reason },
        }),
      )
    return findings.addHelpText('after', examples('falconer findings', 'falconer findings --status fixed'))
  },
}

/** Not “no”: nobody saw it, or nobody watched. */
function useText(use: FindingRow['use']): string {
  if (use === null) return '–'
  if (use.inUse === true) return `yes, ${shortTime(use.at ?? '')}`
  return use.notObservedSince === null ? 'never watched' : `not observed since ${shortTime(use.notObservedSince)}`
}

const shown =
  (inUse: boolean) =>
  ({ findings, next, freshness }: Answer): string => {
    const none = inUse ? noneSeenInUse : 'No finding fits.'
    const rows = table(
      ['severity', 'check', 'package', 'where', 'in use', 'seen by', 'last seen (UTC)', 'title', 'finding'],
      findings.map((one) => [
        one.severity ?? 'not rated',
        safe(one.check, 40),
        safe(one.package?.name ?? '–', 30),
        safe(one.resource.name, 50),
        useText(one.use),
        safe(one.scanners.join(', '), 30),
        shortTime(one.lastSeenAt),
        safe(one.title, 60),
        one.id,
      ]),
    )
    return [findings.length === 0 ? none : rows, safe(freshness, 400), ...(next === null ? [] : [`more: --cursor ${next}`])].join('\n')
  }
