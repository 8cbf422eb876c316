/**
 * The command line put together from the registry of commands; nothing heavy is loaded before a command runs.
 * Exit codes: 0 it held, 1 it failed, 2 it was used wrongly, 130 it was stopped.
 */
import { Command, CommanderError } from 'commander'
import { FalconerError, InputError } from '../../domain/errors.ts'
import { type Cli, examples, groups, type JsonOption, type Overrides } from './command.ts'
import { version } from '../../config/version.ts'
import { commands } from './commands/registry.generated.ts'
import { print, remark } from './output.ts'

/** Runs one command and sets the process's exit code. */
export async function runProgram(args: readonly string[]): Promise<void> {
  try {
    await buildProgram().parseAsync(args, { from: 'user' })
  } catch (error) {
    process.exitCode = told(error)
  }
}

/** Says what went wrong, in words for whoever typed the command; answers the exit code. */
function told(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  if (!(error instanceof FalconerError)) {
    remark(`falconer: a fault of ours\n${error instanceof Error ? error.stack : String(error)}`)
    return 1
  }
  remark(`falconer: ${error.message}`)
  if (error.code === 'interrupted') return 130
  return error instanceof InputError || error.code === 'input' ? 2 : 1
}

export function buildProgram(): Command {
  const program = new Command('falconer')
    .description('Falco alerts in, incidents investigated, responses proposed; a person approves.')
    .option('--data <folder>', 'folder of the embedded database (default: FALCONER_DATA or .falconer)')
    .option('--no-model', 'ask no model, whatever is configured: the playbook investigates (or FALCONER_NO_MODEL=true)')
    .version(version, '--version')
    .showHelpAfterError('(add --help for the options)')
    .exitOverride()
    .addHelpText(
      'after',
      `${examples(
        'falconer demo                          a recorded attack on a simulated cluster; approve the response on the page',
        'falconer serve                         for real: prints what to put into falco.yaml and a sign-in link',
        'falconer import alerts.jsonl --cluster prod',
        "falconer incidents --severity high --json | jq '.incidents[].title'",
      )}

Where data is: --data or FALCONER_DATA (embedded), or DATABASE_URL (a Postgres server with pgvector).
While a server runs on that folder, or with FALCONER_URL, commands talk to the server with FALCONER_TOKEN, or as
whoever signed in with “falconer login”.
Exit codes: 0 it held, 1 it failed, 2 it was used wrongly, 130 it was stopped by Ctrl-C.`,
    )
  const cli = cliOf(program)
  for (const group of groups)
    for (const command of commands.filter((one) => one.group === group)) command.register(program, cli).helpGroup(`${group}:`)
  return program.addHelpCommand(
    new Command('help')
      .argument('[command]')
      .description('all about one command')
      .helpGroup(`${groups[groups.length - 1]}:`),
  )
}

function cliOf(program: Command): Cli {
  const overrides = (): Overrides => {
    const { data, model } = program.opts<{ data?: string; model: boolean }>()
    return { ...(data === undefined ? {} : { FALCONER_DATA: data }), ...(model ? {} : { FALCONER_NO_MODEL: 'true' }) }
  }
  const cli: Cli = {
    overrides,
    async withClient(work) {
      const client = await (await import('./client.ts')).openClient(overrides())
      try {
        return await work(client)
      } finally {
        await client.close()
      }
    },
    show: <T>(...[options, path, toText, send = {}]: Parameters<typeof cli.show<T>>) =>
      cli.withClient(async (client) => {
        const text = await client.call(send.method ?? 'GET', path, send.body)
        const answer = JSON.parse(text) as T
        if (send.held?.(answer) === false) process.exitCode = 1
        print((options as JsonOption).json === true ? text : await toText(answer, client))
      }),
  }
  return cli
}
