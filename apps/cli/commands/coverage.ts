import { looks } from '../../../domain/coverage.ts'
import { type CliCommand, examples, type JsonOption, jsonOption, place, wholeNumber } from '../command.ts'
import { safe, shortTime, table } from '../output.ts'
import type { CoveredRow } from '../rows.ts'

type Answer = { covered: CoveredRow[]; total: number; withGaps: number; complete: boolean }

export const coverageCommand: CliCommand = {
  group: 'Input',
  register: (program, cli) =>
    program
      .command('coverage')
      .description('what was looked at and when, and what is not known; exit code 1 with --check when there is a gap')
      .addOption(jsonOption())
      .option('--cluster <name>', 'only of this cluster or account')
      .option('--gaps', 'only what has gaps')
      .option('--check', 'exit code 1 when anything has a gap, or nothing was looked at')
      .option('--limit <number>', 'at most so many sensors and scans', wholeNumber(1, 10_000), 500)
      .addHelpText('after', examples('falconer coverage --gaps', 'falconer coverage --check --cluster prod'))
      .action(
        ({
          cluster: scope,
          gaps,
          check,
          limit,
          ...options
        }: JsonOption & { cluster?: string; gaps?: boolean; check?: boolean; limit: number }) =>
          cli.show<Answer>(
            options,
            place('/coverage', { scope, limit }),
            (answer) => shown(answer, gaps === true),
            check === true ? { held: (answer) => answer.withGaps === 0 && answer.covered.some(looks) } : {},
          ),
      ),
}

function shown({ covered, total, withGaps, complete }: Answer, gapsOnly: boolean): string {
  const rows = covered.filter((one) => !gapsOnly || one.gaps.length > 0)
  return [
    ...(rows.length === 0
      ? []
      : [
          table(
            ['what', 'name', 'by', 'cluster', 'last looked (UTC)', 'records', 'dead', 'what is not known'],
            rows.map((one) => [
              one.kind,
              safe(one.name, 50),
              safe(one.by, 30),
              safe(one.scope, 30),
              one.lastAt === null ? 'never' : shortTime(one.lastAt),
              String(one.records),
              String(one.deadLetters),
              safe(
                one.gaps.map((gap) => `${gap.since === null ? '' : `not observed since ${shortTime(gap.since)}: `}${gap.says}`).join(' '),
                300,
              ),
            ]),
          ),
        ]),
    covered.some(looks)
      ? `${total} looked at, ${withGaps} with gaps.${complete ? '' : ' There are more: raise --limit.'}`
      : 'Nothing was looked at yet: no source, no sensor, no scan. So nothing is known.',
  ].join('\n')
}
