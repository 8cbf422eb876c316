import { Option } from 'commander'
import { type CliCommand, defaultCommand, examples, type JsonOption, jsonOption, part, wholeNumber } from '../command.ts'
import { safe, shortTime, table } from '../output.ts'
import type { TokenRow } from '../rows.ts'
import { roles } from '../words.ts'

type Given = JsonOption & { role: string; days: number; user: string; scopes?: string }

export const tokensCommand: CliCommand = {
  group: 'Administration',
  register: (program, cli) => {
    const tokens = program.command('tokens').description('API tokens, for scripts and this command line; none can approve')
    defaultCommand(tokens, 'list')
      .description('list tokens')
      .addOption(jsonOption())
      .addHelpText('after', examples('falconer tokens list --json'))
      .action((options: JsonOption) => cli.show<{ tokens: TokenRow[] }>(options, '/tokens', (answer) => tokenTable(answer.tokens)))
    tokens
      .command('add')
      .description('make a token and print it once; while a server runs, make it on its account page instead')
      .argument('<name>', 'what it is for')
      .addOption(new Option('--role <role>', 'what it may do, at most what its owner may').choices(roles).default('viewer'))
      .option('--days <days>', 'valid for so many days', wholeNumber(1, 366), 90)
      .option('--scopes <list>', 'only for MCP, and there only these: falconer:incidents,falconer:graph,falconer:propose,…')
      .option('--user <name>', 'whose', 'admin')
      .addOption(jsonOption())
      .addHelpText('after', examples('falconer tokens add ci --role viewer --days 30'))
      .action((name: string, { role, days, user, scopes, ...options }: Given) =>
        cli.show<{ token: string; expiresAt: string }>(
          options,
          '/tokens',
          (one) => `${one.token}\n(shown this once; valid until ${shortTime(one.expiresAt)} UTC; give it as FALCONER_TOKEN)`,
          { method: 'POST', body: { name, role, days, user, ...(scopes === undefined ? {} : { scopes: scopes.split(',') }) } },
        ),
      )
    tokens
      .command('revoke')
      .description('revoke a token')
      .argument('<id>', 'from the list')
      .addOption(jsonOption())
      .addHelpText('after', examples('falconer tokens revoke 019a5c7e-…'))
      .action((id: string, options: JsonOption) => cli.show(options, `/tokens/${part(id)}`, () => 'Revoked.', { method: 'DELETE' }))
    return tokens.addHelpText('after', examples('falconer tokens', 'falconer tokens add ci --role viewer --days 30'))
  },
}

const tokenTable = (tokens: readonly TokenRow[]): string =>
  table(
    ['token', 'name', 'role', 'owner', 'last used (UTC)', 'expires (UTC)'],
    tokens.map((one) => [
      one.id,
      safe(one.name),
      one.role,
      safe(one.owner),
      shortTime(one.lastUsedAt),
      one.revokedAt === null ? shortTime(one.expiresAt) : 'revoked',
    ]),
  )
