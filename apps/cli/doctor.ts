/** `falconer doctor`: checks what a start needs, one line each, and says what to do. Changes nothing but opening the database. */
import { connect, identify } from '../../clusters/client.ts'
import { readFile } from 'node:fs/promises'
import { type Config, loadConfig } from '../../config/config.ts'
import { loadPolicy } from '../../responses/policy.ts'
import { openDatabase } from '../../store/database.ts'
import { holderOf } from '../../store/embedded.ts'
import { listSources } from '../../store/sources.ts'
import { databaseVersions } from '../../store/versions.ts'
import { print, shortTime } from './output.ts'

type Check = { name: string; state: 'ok' | 'note' | 'failed'; text: string }

export async function doctor(overrides: Partial<Record<keyof Config, string>>, json: boolean): Promise<boolean> {
  const checks: Check[] = []
  const check = async (name: string, work: () => Promise<string | { note: string }>): Promise<void> => {
    try {
      const found = await work()
      checks.push(typeof found === 'string' ? { name, state: 'ok', text: found } : { name, state: 'note', text: found.note })
    } catch (error) {
      checks.push({ name, state: 'failed', text: error instanceof Error ? error.message : String(error) })
    }
  }
  await check('node', async () =>
    Number(process.versions.node.split('.')[0]) >= 22
      ? process.versions.node
      : { note: `${process.versions.node}; 22.18 or newer is needed` },
  )
  let config: Config | undefined
  await check('configuration', async () => {
    config = loadConfig(overrides)
    return 'can be used'
  })
  if (config !== undefined) {
    const {
      DATABASE_URL,
      FALCONER_DATA,
      FALCONER_KUBECONFIG,
      FALCONER_KUBE_CONTEXT,
      FALCONER_IN_CLUSTER,
      FALCONER_POLICY,
      FALCONER_ACTIONS,
    } = config
    await check(
      'policy',
      async () => `${FALCONER_POLICY ?? 'built in'}: ${Object.keys(loadPolicy(FALCONER_POLICY).actions).length} actions on`,
    )
    await check('database', async () => {
      const holder = DATABASE_URL === undefined ? await holderOf(FALCONER_DATA) : undefined
      if (holder !== undefined)
        return {
          note: `${FALCONER_DATA} is held by a running Falconer${holder.url === null ? '' : ` at ${holder.url}`} (pid ${holder.pid})`,
        }
      const db = await openDatabase(DATABASE_URL === undefined ? { dataDir: FALCONER_DATA } : { url: DATABASE_URL.reveal() })
      try {
        const { postgres, pgvector } = await databaseVersions(db)
        const sources = await listSources(db)
        checks.push(
          sources.length === 0
            ? { name: 'sources', state: 'note', text: 'none yet: start `falconer serve`, which makes one, or `falconer sources add`' }
            : {
                name: 'sources',
                state: 'ok',
                text: sources
                  .map((source) => `${source.name} last heard ${shortTime(source.lastSeenAt?.toISOString() ?? null)}`)
                  .join('; '),
              },
        )
        return `${DATABASE_URL === undefined ? 'embedded' : 'server'}, Postgres ${postgres}, pgvector ${pgvector ?? 'missing'}`
      } finally {
        await db.close()
      }
    })
    await check('cluster', async () => {
      if (FALCONER_KUBECONFIG === undefined && !FALCONER_IN_CLUSTER)
        return { note: 'none configured: alerts are not tied to pods by a watch, and no action can be planned' }
      const { version, simulated } = await identify(
        connect({
          kubeconfig: FALCONER_KUBECONFIG === undefined ? undefined : await readFile(FALCONER_KUBECONFIG, 'utf8'),
          context: FALCONER_KUBE_CONTEXT,
          inCluster: FALCONER_IN_CLUSTER,
        }),
      )
      return `${version}${simulated ? ', simulated' : ''}; actions ${FALCONER_ACTIONS ? 'are allowed' : 'are switched off'}`
    })
  }
  const failed = checks.some((one) => one.state === 'failed')
  if (json) print(JSON.stringify({ ok: !failed, checks }))
  else
    for (const one of checks) print(`${{ ok: 'ok    ', note: 'note  ', failed: 'FAILED' }[one.state]}  ${one.name.padEnd(14)} ${one.text}`)
  return !failed
}
