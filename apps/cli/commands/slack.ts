import { InputError } from '../../../domain/errors.ts'
import { type CliCommand, examples, jsonOption } from '../command.ts'
import { print } from '../output.ts'
import type { RoutesOptions } from '../slack-routes.ts'

export const slackCommand: CliCommand = {
  group: 'Start',
  register: (program, cli) => {
    const slack = program.command('slack').description('Falconer in Slack: the manifest of its app, and serving Slack alone')
    slack
      .command('manifest')
      .description('print the manifest to make the Slack app from (https://api.slack.com/apps, “From a manifest”)')
      .option('--url <address>', 'hear Slack over HTTP at this public address of Falconer; without it over Socket Mode')
      .option('--why', 'say what each scope is for instead')
      .addHelpText('after', examples('falconer slack manifest', 'falconer slack manifest --url https://falconer.example.org'))
      .action(async ({ url, why }: { url?: string; why?: boolean }) => {
        if (url !== undefined && !/^https:\/\/[^/\s]+/.test(url))
          throw new InputError('--url must begin with https://: Slack reaches nothing else.')
        const { botScopes, slackManifest } = await import('../../slack/manifest.ts')
        if (why === true) for (const [scope, reason] of Object.entries(botScopes)) print(`${scope.padEnd(18)} ${reason}`)
        else print(JSON.stringify(slackManifest(url ?? null), null, 2))
      })
    slack
      .command('serve')
      .description('serve Slack and nothing else, beside a server on the same Postgres')
      .option('--port <port>', 'port to listen on where Slack is heard over HTTP')
      .option('--host <address>', 'address to listen on')
      .addHelpText(
        'after',
        examples('DATABASE_URL=postgres://… FALCONER_SLACK_BOT_TOKEN=xoxb-… FALCONER_SLACK_APP_TOKEN=xapp-… falconer slack serve'),
      )
      .action(async (options: { port?: string; host?: string }) =>
        (await import('../slack-serve.ts')).serveSlack({ ...cli.overrides(), FALCONER_PORT: options.port, FALCONER_HOST: options.host }),
      )
    slack
      .command('routes')
      .description('where incidents are told in Slack: all routes, or the one that an incident takes')
      .option('--try <incident>', 'of this incident, inc-… or id')
      .option('--cluster <name>', 'of one in this cluster')
      .option('--namespace <name>', 'of one in this namespace')
      .option('--team <name>', 'of one that touches a pod or workload of this team')
      .option('--severity <severity>', 'of one so severe')
      .addOption(jsonOption())
      .addHelpText('after', examples('falconer slack routes', 'falconer slack routes --try inc-1f9c04be2a --team payments'))
      .action(async (options: RoutesOptions) => (await import('../slack-routes.ts')).slackRoutes(cli, options))
    return slack.addHelpText('after', examples('falconer slack manifest', 'falconer slack routes', 'falconer slack serve'))
  },
}
