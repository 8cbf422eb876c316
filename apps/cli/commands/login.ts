import { type CliCommand, examples } from '../command.ts'
import { print, remark, safe } from '../output.ts'

export const loginCommand: CliCommand = {
  group: 'Start',
  register: (program, cli) =>
    program
      .command('login')
      .description('sign this machine’s user in at a server, through the browser; commands and `falconer mcp` then act for them')
      .argument('[url]', 'the server (default: FALCONER_URL, or the one that runs on the data folder)')
      .option('--token', 'read an API token from standard input instead')
      .addHelpText('after', examples('falconer login', 'falconer login https://falconer.example.org', 'falconer login --token < token.txt'))
      .action(async (given: string | undefined, { token: pasted }: { token?: boolean }) => {
        const [{ serverAddress }, { pastedToken, signInInBrowser }, { credentialsFile, storeToken }] = await Promise.all([
          import('../server-address.ts'),
          import('../sign-in.ts'),
          import('../credentials.ts'),
        ])
        const url = await serverAddress(given, cli.overrides())
        const token =
          pasted === true
            ? await pastedToken(url)
            : await signInInBrowser(url, (address) => {
                remark('Open this in the browser where you are signed in to Falconer, and let it in:')
                print(address)
              })
        await storeToken(url, token)
        remark(`Signed in at ${safe(url)}. The token is in ${credentialsFile()}; \`falconer logout\` ends it.`)
      }),
}
