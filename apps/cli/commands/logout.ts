import { ConfigError } from '../../../domain/errors.ts'
import { type CliCommand, examples } from '../command.ts'
import { remark, safe } from '../output.ts'

export const logoutCommand: CliCommand = {
  group: 'Start',
  register: (program, cli) =>
    program
      .command('logout')
      .description('revoke what `falconer login` was given, and forget it')
      .argument('[url]', 'the server (default: FALCONER_URL, or the one that runs on the data folder)')
      .addHelpText('after', examples('falconer logout', 'falconer logout https://falconer.example.org'))
      .action(async (given: string | undefined) => {
        const [{ serverAddress }, { endAtServer }, { storedToken, storeToken }] = await Promise.all([
          import('../server-address.ts'),
          import('../sign-in.ts'),
          import('../credentials.ts'),
        ])
        const url = await serverAddress(given, cli.overrides())
        const token = await storedToken(url)
        if (token === undefined) throw new ConfigError(`Nobody is logged in at ${url}.`)
        const ended = await endAtServer(url, token)
        await storeToken(url, null)
        if (!ended) throw new ConfigError(`Forgotten here, but ${url} does not answer: revoke the token at ${url}/account.`)
        remark(`Logged out of ${safe(url)}; the token is revoked.`)
      }),
}
