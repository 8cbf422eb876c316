/** `falconer serve`: runs until told to stop, and says on the terminal what to put where. */
import { firstAdministratorLink } from '../../auth/people.ts'
import { type Config, loadConfig } from '../../config/config.ts'
import { systemPrincipal } from '../../domain/principal.ts'
import { listSources } from '../../store/sources.ts'
import { composeFalconer, type Falconer } from '../server/falconer.ts'
import { listen } from '../server/listen.ts'
import { addSource } from '../server/sources.ts'
import { linkUrl } from '../server/urls.ts'
import type { Overrides } from './command.ts'
import { plainMarkdown, print, safe } from './output.ts'
import { stopped, stopSignal } from './stop.ts'

export async function serve(overrides: Overrides): Promise<void> {
  const signal = stopSignal()
  const config = loadConfig(overrides)
  const falconer = await composeFalconer(config)
  const server = await listen(falconer).catch(async (error: unknown) => {
    await falconer.close()
    throw error
  })
  try {
    print(whereItIs(falconer, server.url))
    const toConnect = await firstSource(falconer)
    if (toConnect !== null) print(`\n${toConnect}`)
    const link = await firstAdministratorLink(falconer.auth)
    if (link !== undefined)
      print(
        `\nSign in as ${link.user.name} with this link. It works once, until ${link.expiresAt.toISOString().slice(0, 16).replace('T', ' ')} UTC:\n\n  ${linkUrl(falconer, link.token)}`,
      )
    print('\nCtrl-C stops it; what was accepted is kept.\n')
    await stopped(signal)
    print('Stopping.')
  } finally {
    await server.close()
    await falconer.close()
  }
}

function whereItIs({ config, cluster }: Falconer, url: string): string {
  const clusterText =
    cluster === null
      ? 'none. Set FALCONER_KUBECONFIG or FALCONER_IN_CLUSTER=true to tie alerts to pods and to act.'
      : cluster.reachable
        ? `${config.FALCONER_SCOPE}, ${cluster.version}${cluster.simulated ? ' (simulated)' : ''}; ${safe(cluster.detail, 200)}`
        : `${config.FALCONER_SCOPE}, not reachable: ${safe(cluster.detail, 300)}`
  return [
    '',
    `Falconer serves at ${url}`,
    `  Data     ${config.DATABASE_URL === undefined ? `${config.FALCONER_DATA} (embedded database)` : 'Postgres server'}`,
    `  Cluster  ${clusterText}`,
    ...howReached(config),
  ].join('\n')
}

function howReached({ FALCONER_PUBLIC_URL, FALCONER_HOST, FALCONER_PORT }: Config): string[] {
  if (FALCONER_PUBLIC_URL !== undefined) return [`  Reach    ${FALCONER_PUBLIC_URL}, listening on ${FALCONER_HOST}`]
  return /^(127\.|::1$|localhost$)/.test(FALCONER_HOST)
    ? [
        '  Reach    this machine only, so addresses here say localhost. For Falco elsewhere start it with FALCONER_HOST=0.0.0.0',
        '           and FALCONER_PUBLIC_URL=https://… (how others reach it)',
      ]
    : [
        `  Reach    ${FALCONER_HOST} port ${FALCONER_PORT}, but addresses here say localhost: set FALCONER_PUBLIC_URL=https://… to how others reach it`,
      ]
}

/** Where there is no source for Falco yet: one is made, with what to put where. One that was never heard is pointed out. */
async function firstSource(falconer: Falconer): Promise<string | null> {
  if (falconer.config.FALCONER_NATS_URL !== undefined) return null
  const known = (await listSources(falconer.db)).filter((source) => source.collector === 'falco' && !source.name.endsWith('-import'))
  if (known.some((source) => source.lastSeenAt !== null)) return null
  if (known[0] !== undefined)
    return `Nothing was heard from “${safe(known[0].name)}” yet. For what to put where, with a new secret, press “New secret” on the Sources page.`
  const { connect } = await addSource(
    falconer,
    { principal: systemPrincipal, channel: 'cli' },
    { name: 'falco', collector: 'falco', scope: falconer.config.FALCONER_SCOPE },
  )
  return `A source “falco” is ready. Its secret is shown this once; for another, press “New secret” on the Sources page.\n\n${plainMarkdown(connect)}`
}
