/** Watches the configured cluster's inventory into the store, under a source of its own; starts again when the cluster comes back. */
import type { KubeConfig } from '@kubernetes/client-node'
import { readClient } from '../../clusters/client.ts'
import { watchedKinds, watchInventory } from '../../collectors/kubernetes/watch.ts'
import { fromDate } from '../../domain/event-time.ts'
import { addRecord, emptyDelivery } from '../../store/delivery.ts'
import { currentKeys, markDeleted } from '../../store/observe.ts'
import { createSource, getSource } from '../../store/sources.ts'
import type { Falconer } from './falconer.ts'

const retryMs = 10_000

export function watchCluster(falconer: Falconer, kubeConfig: KubeConfig): { stop(): Promise<void> } {
  const { db, clock, log, config, intake } = falconer
  const scope = config.FALCONER_SCOPE
  let stopped = false
  let timer: NodeJS.Timeout | null = null
  let running: { stop(): Promise<void> } | null = null

  async function start(): Promise<void> {
    const name = `${scope}-inventory`
    const source =
      (await createSource(db, { name, collector: 'kubernetes', scope, secret: null, at: clock.now() })) ?? (await getSource(db, name))
    const sourceId = source?.id ?? ''
    running = await watchInventory({
      kubeConfig,
      read: readClient(kubeConfig),
      scope,
      sourceId,
      sink: {
        now: () => fromDate(clock.now()),
        store: async (records) => {
          if (records.length === 0) return
          const delivery = emptyDelivery({ sourceId, scope, live: true, inventory: true })
          for (const record of records) addRecord(delivery, record)
          await intake.submit(delivery, delivery.entities.length * 1_000)
        },
        complete: async (seen) => {
          for (const kind of watchedKinds) {
            const gone = (await currentKeys(db, scope, kind)).filter((key) => seen.get(kind)?.has(key) !== true)
            await db.transaction(async (tx) => markDeleted(tx, scope, kind, gone, fromDate(clock.now())))
          }
        },
        failed: (resource, error) =>
          log.warn('inventory watch interrupted', { resource, error: error instanceof Error ? error.message : String(error) }),
      },
    })
    log.info('inventory is watched', { scope })
    if (stopped) await running.stop()
  }
  const attempt = (): void => {
    starting = start().catch((error: unknown) => {
      log.warn('inventory cannot be watched', { scope, error: error instanceof Error ? error.message : String(error), retryMs })
      if (!stopped) timer = setTimeout(attempt, retryMs)
    })
  }
  let starting: Promise<void> = Promise.resolve()
  attempt()
  return {
    stop: async () => {
      stopped = true
      if (timer !== null) clearTimeout(timer)
      await starting
      await running?.stop()
    },
  }
}
