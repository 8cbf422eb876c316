/** Where an incident is told in Slack: the first route that fits, else the default channel. Read from YAML once, strictly; it only chooses, it never tells. */
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { z } from 'zod'
import { ConfigError } from '../../domain/errors.ts'
import { Severity, severityId } from '../../domain/severity.ts'
import type { IncidentFacts } from '../incident-facts.ts'
import { QuietHours } from './quiet.ts'

const ChannelId = z
  .string()
  .regex(/^[CG][A-Z0-9]{5,20}$/, 'is the id of a channel, e.g. C0123456789: it stands at the end of “View channel details” in Slack')
const names = z
  .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
  .transform((given) => (typeof given === 'string' ? [given] : given))
  .describe('One or several; * at the end stands for any rest')

const Route = z.strictObject({
  cluster: names.optional(),
  namespace: names.optional(),
  team: names.optional().describe('Value of the team label of a pod or workload that it touches'),
  severity: Severity.optional().describe('At least so severe'),
  channel: ChannelId.nullable().describe('null: not told in Slack'),
})
export type Route = z.infer<typeof Route>

const Mentions = z.partialRecord(Severity, z.enum(['here', 'channel']))
export const SlackRoutes = z.strictObject({
  version: z.literal(1),
  teamLabel: z.string().min(1).default('team'),
  routes: z.array(Route).max(200).default([]),
  quiet: QuietHours.nullable().default(null),
  mention: Mentions.default({}).describe('Whom the first message on an incident of that severity calls; nobody else is ever called'),
  stormPerMinute: z.number().int().min(3).max(60).default(15).describe('More new incidents in a minute in one channel are summarised'),
})
export type SlackRoutes = z.infer<typeof SlackRoutes>

export type Routed = { cluster: string; namespaces: readonly string[]; teams: readonly string[]; severity: Severity }

/** `channel`: FALCONER_SLACK_CHANNEL, where no route fits. Throws ConfigError naming every problem. */
export function loadSlackRoutes(path: string | undefined): SlackRoutes {
  if (path === undefined) return SlackRoutes.parse({ version: 1 })
  let given: unknown
  try {
    given = parse(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new ConfigError(
      `The routes ${path} (FALCONER_SLACK_ROUTES) cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    )
  }
  const parsed = SlackRoutes.safeParse(given)
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map((issue) => `  ${issue.path.join('.') || 'file'}: ${issue.message}`)
  throw new ConfigError(`The routes ${path} (FALCONER_SLACK_ROUTES) cannot be used:\n${problems.join('\n')}`)
}

/** `at`: which route, from 0; null: the default. */
export function routeOf(routes: SlackRoutes, fallback: string | null, routed: Routed): { channel: string | null; at: number | null } {
  const at = routes.routes.findIndex((route) => fits(route, routed))
  const route = routes.routes[at]
  return route === undefined ? { channel: fallback, at: null } : { channel: route.channel, at }
}

/** Every channel that anything may be told in. */
export const channelsIn = (routes: SlackRoutes, fallback: string | null): string[] => [
  ...new Set([...routes.routes.map(({ channel }) => channel), fallback].filter((one) => one !== null)),
]

export const routedOf = ({ incident, namespaces, touched }: IncidentFacts, { teamLabel }: SlackRoutes): Routed => ({
  cluster: incident.scope,
  namespaces: [...new Set([...namespaces, ...touched.flatMap(({ namespace }) => namespace ?? [])])],
  teams: [...new Set(touched.flatMap(({ labels }) => labels[teamLabel] ?? []))],
  severity: incident.severity,
})

function fits({ cluster, namespace, team, severity }: Route, routed: Routed): boolean {
  const any = (wanted: readonly string[] | undefined, has: readonly string[]): boolean =>
    wanted === undefined || has.some((one) => wanted.some((name) => matches(name, one)))
  return (
    any(cluster, [routed.cluster]) &&
    any(namespace, routed.namespaces) &&
    any(team, routed.teams) &&
    (severity === undefined || severityId(routed.severity) >= severityId(severity))
  )
}

const matches = (wanted: string, name: string): boolean => (wanted.endsWith('*') ? name.startsWith(wanted.slice(0, -1)) : name === wanted)
