import { InputError } from '../../../domain/errors.ts'
import { type CliCommand, examples, jsonOption, wholeNumber } from '../command.ts'

type Given = { exit?: boolean; json?: boolean; port?: string; scenario: string; seed?: number; inventory: boolean }

export const demoCommand: CliCommand = {
  group: 'Start',
  register: (program, cli) =>
    program
      .command('demo')
      .description('a recorded attack on a simulated cluster, from alert to approved action')
      .option('--exit', 'decide as the demo principal, and leave with 0 only if every step held')
      .addOption(jsonOption().implies({ exit: true }))
      .option('--port <port>', 'port to listen on, 0 picks a free one')
      .option('--scenario <name>', 'which recording', 'shop-checkout-intrusion')
      .option('--seed <number>', 'change every name, id, rule, gap and order by this seed', wholeNumber(0, 999_999_999))
      .option('--no-inventory', 'as if nobody had collected inventory')
      .addHelpText(
        'after',
        examples(
          'falconer demo',
          'falconer demo --exit --json | jq .proposal',
          'falconer demo --exit --scenario deploy-job-shell    the same shell, opened by a job that declares it',
        ),
      )
      .action(async (options: Given) => {
        const { scenarioNames } = await import('../../../evals/scenario.ts')
        if (!scenarioNames().includes(options.scenario))
          throw new InputError(`There is no scenario “${options.scenario}”. There are: ${scenarioNames().join(', ')}.`)
        const { demo } = await import('../demo.ts')
        const held = await demo(
          { ...options, exit: options.exit === true, json: options.json === true, data: cli.overrides().FALCONER_DATA },
          { FALCONER_PORT: options.port, FALCONER_NO_MODEL: cli.overrides().FALCONER_NO_MODEL },
        )
        if (!held) process.exitCode = 1
      }),
}
