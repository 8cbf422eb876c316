/** `falconer serve`: runs until told to stop, and says on the terminal what to put where. */
import { firstAdministratorLink } from '../../auth/people.ts'
import { loadConfig } from '../../config/config.ts'
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
    const source = await firstSource(falconer)
    if (source !== null) print(`\n${source}`)
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
  const onlyHere = config.FALCONER_PUBLIC_URL === undefined
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
    ...(onlyHere
      ? [
          `  Reach    this machine only: the addresses below name localhost. For Falco elsewhere, start it with`,
          `           FALCONER_PUBLIC_URL=https://… (how others reach it) and FALCONER_HOST=0.0.0.0`,
        ]
      : []),
  ].join('\n')
}

/** Where nothing was ever told to send alerts: a source for Falco, with what to put where. */
async function firstSource(falconer: Falconer): Promise<string | null> {
  if ((await listSources(falconer.db)).some((source) => source.collector === 'falco' && !source.name.endsWith('-import'))) return null
  const { connect } = await addSource(
    falconer,
    { principal: systemPrincipal, channel: 'cli' },
    { name: 'falco', collector: 'falco', scope: falconer.config.FALCONER_SCOPE },
  )
  return `A source “falco” is ready. Its secret is shown this once; for another: falconer sources rotate falco, or “New secret” on the page.\n\n${plainMarkdown(connect)}`
}
