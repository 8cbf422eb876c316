/**
 * The contract of a command: one file in commands/ exports `<name>Command`, and `npm run generate` lists it.
 * Registering must be cheap (`--help` registers all of them), so a command imports what it runs on only when it runs.
 */
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { Config } from '../../config/config.ts'
import { InputError } from '../../domain/errors.ts'
import type { Client } from './client.ts'

/** Headings of --help, in their order. */
export const groups = ['Start', 'Incidents and responses', 'Input', 'Administration'] as const
export type CliCommand = {
  readonly group: (typeof groups)[number]
  /** Adds the command, with an example, to the program; answers it. */
  register(program: Command, cli: Cli): Command
}

/** Configuration given as flags. */
export type Overrides = Partial<Record<keyof Config, string>>
export type JsonOption = { json?: boolean }
type Send<T> = {
  method?: 'POST' | 'DELETE'
  body?: unknown
  /** False: what was asked for was answered, but is not well; exit code 1. */ held?: (answer: T) => boolean
}

/** What commands are given. */
export type Cli = {
  overrides(): Overrides
  /** Opens the way to the API and closes it afterwards. */
  withClient<T>(work: (client: Client) => Promise<T>): Promise<T>
  /** Calls the API and prints its answer: as it came with --json, else by `toText`. */
  show<T>(options: JsonOption, path: string, toText: (answer: T, client: Client) => string | Promise<string>, send?: Send<T>): Promise<void>
}

export const jsonOption = (): Option => new Option('--json', 'print JSON')
export const limitOption = (most: number): Option =>
  new Option('--limit <number>', `at most so many, up to ${most}`).default(50).argParser(wholeNumber(1, most))

/** A parser of whole numbers; what is none, or out of range, is bad usage. */
export const wholeNumber =
  (least: number, most: number) =>
  (text: string): number => {
    const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN
    if (!(value >= least && value <= most)) throw new InvalidArgumentError(`a whole number from ${least} to ${most} is needed`)
    return value
  }

/** The subcommand that runs when none is named. Another word is not its argument, but no subcommand. */
export function defaultCommand(group: Command, name: string): Command {
  return group
    .command(name, { isDefault: true })
    .allowExcessArguments()
    .hook('preAction', (_group, { args: [word] }) => {
      if (word !== undefined)
        throw new InputError(`There is no “${group.name()} ${word}”. There are: ${group.commands.map((one) => one.name()).join(', ')}.`)
    })
}

/** Shown below a command's options. */
export const examples = (...lines: string[]): string =>
  `\n${lines.length === 1 ? 'Example' : 'Examples'}:\n${lines.map((line) => `  $ ${line}`).join('\n')}`

/** A path of the API with the query that was given. */
export function place(path: string, query: Record<string, string | number | undefined> = {}): string {
  const given = Object.entries(query).filter((entry): entry is [string, string | number] => entry[1] !== undefined)
  if (given.length === 0) return path
  return `${path}?${new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)]))}`
}
/** A name or id as one part of a path. */
export const part = encodeURIComponent
