/** Where what would be told in Slack, by this machine’s configuration: all routes, or the one that an incident takes. */
import { loadConfig } from '../../config/config.ts'
import { ConfigError, InputError } from '../../domain/errors.ts'
import { stringifyExact } from '../../domain/exact-json.ts'
import { Severity } from '../../domain/severity.ts'
import { loadSlackRoutes, type Route, routeOf } from '../../notify/slack/routes.ts'
import { type Cli, type JsonOption, part } from './command.ts'
import { print, safe } from './output.ts'

export type RoutesOptions = { try?: string; cluster?: string; namespace?: string; team?: string; severity?: string } & JsonOption
type IncidentAnswer = { incident: { scope: string; severity: string } }
type AlertsAnswer = { alerts: { pod?: { namespace?: string | null } | null }[] }

export async function slackRoutes(cli: Cli, options: RoutesOptions): Promise<void> {
  const { FALCONER_SLACK_ROUTES: path, FALCONER_SLACK_CHANNEL: fallback = null } = loadConfig(cli.overrides())
  if (path === undefined && fallback === null)
    throw new ConfigError('Nothing is told in Slack: set FALCONER_SLACK_CHANNEL or FALCONER_SLACK_ROUTES (docs/slack-cards.md).')
  const routes = loadSlackRoutes(path)
  const asked = [options.try, options.cluster, options.namespace, options.team, options.severity].some((one) => one !== undefined)
  if (!asked && options.json === true) return print(stringifyExact({ routes: routes.routes, otherwise: fallback }))
  if (!asked) {
    for (const [index, route] of routes.routes.entries()) print(`${index + 1}. ${routeWords(route)}`)
    print(`else: ${fallback ?? 'not told in Slack (FALCONER_SLACK_CHANNEL is not set)'}`)
    return
  }
  const known = options.try === undefined ? null : await lookUp(cli, options.try)
  const severity = Severity.safeParse(options.severity ?? known?.severity ?? 'medium')
  if (!severity.success) throw new InputError(`There is no severity “${options.severity}”: ${Severity.options.join(', ')}.`)
  const given = (one: string | undefined): string[] => (one === undefined ? [] : [one])
  const routed = {
    cluster: options.cluster ?? known?.cluster ?? 'default',
    namespaces: [...given(options.namespace), ...(known?.namespaces ?? [])],
    teams: given(options.team),
    severity: severity.data,
  }
  const { channel, at } = routeOf(routes, fallback, routed)
  if (options.json === true) return print(stringifyExact({ channel, route: at === null ? null : at + 1, of: routed }))
  const why = at === null ? 'no route fits: the default' : `route ${at + 1}`
  print(
    safe(
      `${channel ?? 'not told in Slack'} (${why}): cluster ${routed.cluster}, namespace ${routed.namespaces.join(', ') || '–'}, team ${routed.teams.join(', ') || '–'}, ${routed.severity}`,
      600,
    ),
  )
}

/** As the server has it. Teams are labels of inventory, which is not asked here. */
const lookUp = (cli: Cli, id: string): Promise<{ cluster: string; severity: string; namespaces: string[] }> =>
  cli.withClient(async (client) => {
    const { incident } = JSON.parse(await client.call('GET', `/incidents/${part(id)}`)) as IncidentAnswer
    const { alerts } = JSON.parse(await client.call('GET', `/incidents/${part(id)}/alerts?limit=100`)) as AlertsAnswer
    return {
      cluster: incident.scope,
      severity: incident.severity,
      namespaces: [...new Set(alerts.flatMap(({ pod }) => pod?.namespace ?? []))],
    }
  })

function routeWords({ channel, ...conditions }: Route): string {
  const said = Object.entries(conditions).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name} ${name === 'severity' ? 'at least ' : ''}${Array.isArray(value) ? value.join(' or ') : value}`],
  )
  return safe(`${said.join(', ') || 'everything'}: ${channel ?? 'not told in Slack'}`, 600)
}
