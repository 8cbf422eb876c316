import { type CliCommand, examples, type JsonOption, jsonOption } from '../command.ts'

export const doctorCommand: CliCommand = {
  group: 'Start',
  register: (program, cli) =>
    program
      .command('doctor')
      .description('check what a start needs; exit code 1 when something must be mended first')
      .addOption(jsonOption())
      .addHelpText('after', examples('falconer doctor', 'falconer doctor --json | jq .ok'))
      .action(async (options: JsonOption) => {
        if (!(await (await import('../doctor.ts')).doctor(cli.overrides(), options.json === true))) process.exitCode = 1
      }),
}
