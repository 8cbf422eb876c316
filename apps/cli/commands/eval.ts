import { InputError } from '../../../domain/errors.ts'
import { type CliCommand, examples, type JsonOption, jsonOption, wholeNumber } from '../command.ts'
import type { EvalOptions } from '../eval.ts'

export const evalCommand: CliCommand = {
  group: 'Administration',
  register: (program) => {
    const group = program.command('eval').description('examines an analyst on recorded scenarios whose truth is known')
    group.addHelpText('after', examples('falconer eval list', 'falconer eval run --analyst playbook'))
    group
      .command('run')
      .description('every scenario, every grader; exit code 1 when less held than --at-least')
      .requiredOption('--analyst <name>', 'who is examined; see falconer eval list')
      .option('--scenario <name>', 'only this one')
      .option(
        '--mutations <number>',
        'so many of each beside the recorded one: other names, ids, rules, gaps and order',
        wholeNumber(0, 1_000),
        0,
      )
      .option('--at-least <percent>', 'of what was asked must hold', wholeNumber(0, 100), 0)
      .option('--markdown', 'print the table as documents hold it')
      .addOption(jsonOption())
      .addHelpText(
        'after',
        examples(
          'falconer eval run --analyst playbook',
          'falconer eval run --analyst oracle --at-least 100',
          'falconer eval run --analyst playbook --scenario nightly-backup --mutations 5 --json',
        ),
      )
      .action(async (options: EvalOptions) => {
        const { runEvals } = await import('../eval.ts')
        if (!(await runEvals(options))) process.exitCode = 1
      })
    group
      .command('list')
      .description('scenarios, graders and analysts there are')
      .addOption(jsonOption())
      .addHelpText('after', examples('falconer eval list'))
      .action(async (options: JsonOption) => {
        const { listEvals } = await import('../eval.ts')
        listEvals(options)
      })
    group.on('command:*', ([word]: string[]) => {
      throw new InputError(`There is no “eval ${word}”. There are: run, list.`)
    })
    return group
  },
}
