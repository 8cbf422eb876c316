import { Argument, type Command, Option } from 'commander'
import { type Cli, type CliCommand, defaultCommand, examples, type JsonOption, jsonOption, part } from '../command.ts'
import type { Client } from '../client.ts'
import { safe, shortTime, table } from '../output.ts'
import type { UserRow } from '../rows.ts'
import { roles } from '../words.ts'

export const usersCommand: CliCommand = {
  group: 'Administration',
  register: (program, cli) => {
    const users = program.command('users').description('people, their roles and sign-in links')
    defaultCommand(users, 'list')
      .description('list people')
      .addOption(jsonOption())
      .addHelpText('after', examples('falconer users list --json'))
      .action((options: JsonOption) => cli.show<{ users: UserRow[] }>(options, '/users', (answer) => userTable(answer.users)))
    users
      .command('invite')
      .description('add somebody; prints their one-time link')
      .argument('<name>')
      .addOption(new Option('--role <role>', 'what they may do').choices(roles).default('responder'))
      .addOption(jsonOption())
      .addHelpText('after', examples('falconer users invite "Vera Rubin" --role viewer'))
      .action((name: string, { role, ...options }: JsonOption & { role: string }) =>
        cli.show(options, '/users', linkText, { method: 'POST', body: { name, role } }),
      )
    users
      .command('link')
      .description('print a fresh one-time link for somebody who lost their way in')
      .argument('<name>')
      .addOption(jsonOption())
      .addHelpText('after', examples('falconer users link admin'))
      .action((name: string, options: JsonOption) => cli.show(options, `/users/${part(name)}/link`, linkText, { method: 'POST', body: {} }))
    registerChanges(users, cli)
    return users.addHelpText('after', examples('falconer users', 'falconer users invite "Vera Rubin" --role viewer'))
  },
}

function registerChanges(users: Command, cli: Cli): void {
  users
    .command('role')
    .description('change a role')
    .argument('<name>')
    .addArgument(new Argument('<role>', 'the new role').choices(roles))
    .addOption(jsonOption())
    .addHelpText('after', examples('falconer users role "Vera Rubin" investigator'))
    .action((name: string, role: string, options: JsonOption) =>
      cli.show<UserRow>(options, `/users/${part(name)}`, (one) => `${safe(one.name)} is ${one.role}.`, { method: 'POST', body: { role } }),
    )
  for (const to of ['disable', 'enable'] as const)
    users
      .command(to)
      .description(to === 'disable' ? 'keep somebody out and end their sessions' : 'let somebody in again')
      .argument('<name>')
      .addOption(jsonOption())
      .addHelpText('after', examples(`falconer users ${to} "Vera Rubin"`))
      .action((name: string, options: JsonOption) =>
        cli.show<UserRow>(options, `/users/${part(name)}`, (one) => `${safe(one.name)} is ${to}d.`, {
          method: 'POST',
          body: { disabled: to === 'disable' },
        }),
      )
}

type LinkAnswer = { user: UserRow; url: string; expiresAt: string }
const linkText = ({ user, url, expiresAt }: LinkAnswer, client: Client): string =>
  `One-time link for ${safe(user.name)}, until ${shortTime(expiresAt)} UTC${client.url === null ? ', once `falconer serve` runs' : ''}:\n${url}`

const userTable = (users: readonly UserRow[]): string =>
  table(
    ['name', 'role', 'last seen (UTC)'],
    users.map((one) => [`${safe(one.name)}${one.disabledAt === null ? '' : ' (disabled)'}`, one.role, shortTime(one.lastSeenAt)]),
  )
