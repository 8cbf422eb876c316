/** `falconer serve`: runs until told to stop, and says on the terminal what to put where. */
import { firstAdministratorLink } from '../../auth/people.ts'
import { loadConfig, type Config } from '../../config/config.ts'
import { systemPrincipal } from '../../domain/principal.ts'
import { listSources } from '../../store/sources.ts'
import { addSource } from '../server/sources.ts'
import { composeFalconer } from '../server/falconer.ts'
import { linkUrl } from '../server/urls.ts'
import { listen } from '../server/listen.ts'
import { print } from './output.ts'

export async function serve(overrides: Partial<Record<keyof Config, string>>): Promise<void> {
  const config = loadConfig(overrides)
  const falconer = await composeFalconer(config)
  const server = await listen(falconer).catch(async (error: unknown) => {
    await falconer.close()
    throw error
  })
  print(`\nFalconer serves at ${server.url}`)
  print(`Data: ${config.DATABASE_URL === undefined ? `${config.FALCONER_DATA} (embedded database)` : 'Postgres server'}`)
  print(
    falconer.cluster === null
      ? 'Cluster: none. Set FALCONER_KUBECONFIG or FALCONER_IN_CLUSTER=true to tie alerts to pods and to act.'
      : `Cluster: ${config.FALCONER_SCOPE}, ${falconer.cluster.reachable ? `${falconer.cluster.version}${falconer.cluster.simulated ? ' (simulated)' : ''}; ${falconer.cluster.detail}` : `not reachable: ${falconer.cluster.detail}`}`,
  )
  if (!(await listSources(falconer.db)).some((source) => source.collector === 'falco' && !source.name.endsWith('-import'))) {
    const { connect } = await addSource(
      falconer,
      { principal: systemPrincipal, channel: 'cli' },
      { name: 'falco', collector: 'falco', scope: config.FALCONER_SCOPE },
    )
    print(`\nA source “falco” is ready. Its secret is shown this once; for another, press “New secret” on the Sources page.\n\n${connect}`)
  }
  const link = await firstAdministratorLink(falconer.auth)
  if (link !== undefined)
    print(
      `\nSign in as ${link.user.name} with this link. It works once, until ${link.expiresAt.toISOString().slice(0, 16)} UTC:\n\n  ${linkUrl(falconer, link.token)}\n`,
    )
  await untilStopped()
  print('Stopping.')
  await server.close()
  await falconer.close()
}

/** Resolves at the first Ctrl-C or SIGTERM; a second one ends the process at once. */
export function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    let asked = false
    const stop = (): void => {
      if (asked) process.exit(130)
      asked = true
      resolve()
    }
    process.on('SIGINT', stop)
    process.on('SIGTERM', stop)
  })
}
