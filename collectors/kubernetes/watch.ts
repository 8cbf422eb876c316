/**
 * Inventory, live: lists everything once, marks what has vanished since, then follows changes with client-node's informers,
 * which list again by themselves when the server has forgotten their place. Needs list and watch rights only.
 */
import { type KubeConfig, type KubernetesObject as ClientObject, makeInformer } from '@kubernetes/client-node'
import type { ReadClient } from '../../clusters/contract.ts'
import { resourcePath, resources } from '../../clusters/contract.ts'
import type { NewRecord } from '../collector.ts'
import { normaliseObject } from './normalise.ts'

export const watchedResources = Object.keys(resources)
export type WatchSink = {
  /** Stores records; resolves when they are committed. */
  store(records: NewRecord[]): Promise<void>
  /** After a full list: everything current that is not among these keys has gone. */
  complete(seen: ReadonlyMap<string, ReadonlySet<string>>): Promise<void>
  failed(resource: string, error: unknown): void
  now(): bigint
}
export type WatchOptions = { kubeConfig: KubeConfig; read: ReadClient; scope: string; sourceId: string; sink: WatchSink; retryMs?: number }

export async function watchInventory({
  kubeConfig,
  read,
  scope,
  sourceId,
  sink,
  retryMs = 5_000,
}: WatchOptions): Promise<{ stop(): Promise<void> }> {
  const records = (object: unknown, kind: string, gone: boolean): NewRecord[] => {
    const at = sink.now()
    return [
      ...normaliseObject(
        { kind, ...(object as object) } as never,
        { raw: object, bytes: new Uint8Array(), at: kind },
        { sourceId, sourceName: 'watch', scope, receivedNs: at },
        gone ? at : null,
      ),
    ]
  }
  const seen = new Map<string, Set<string>>()
  for (const resource of watchedResources) {
    const found = (await read.list(resource, null)).flatMap((object) => records(object, resources[resource]?.kind ?? '', false))
    for (const record of found)
      if (record.kind === 'entity')
        (seen.get(record.entity.kind) ?? seen.set(record.entity.kind, new Set()).get(record.entity.kind))?.add(record.entity.key)
    await sink.store(found)
  }
  await sink.complete(seen)

  let waiting: NewRecord[] = []
  let timer: NodeJS.Timeout | null = null
  let stopped = false
  let storing: Promise<void> = Promise.resolve()
  const flush = (): void => {
    timer = null
    const batch = waiting
    waiting = []
    storing = storing
      .then(() => sink.store(batch))
      .catch((error: unknown) => {
        sink.failed('store', error)
        waiting = [...batch, ...waiting]
        timer ??= setTimeout(flush, retryMs)
      })
  }
  const informers = watchedResources.map((resource) => {
    const { kind = '' } = resources[resource] ?? {}
    const list = async (): Promise<{ items: ClientObject[]; metadata: { resourceVersion: string } }> => listWithVersion(read, resource)
    const informer = makeInformer(kubeConfig, resourcePath(resource, null), list as never)
    const take =
      (gone: boolean) =>
      (object: ClientObject): void => {
        waiting.push(...records(object, kind, gone))
        timer ??= setTimeout(flush, 200)
      }
    informer.on('add', take(false))
    informer.on('update', take(false))
    informer.on('delete', take(true))
    informer.on('error', (error: unknown) => {
      if (stopped) return
      sink.failed(resource, error)
      setTimeout(() => {
        if (!stopped) informer.start().catch((again: unknown) => sink.failed(resource, again))
      }, retryMs).unref()
    })
    return informer
  })
  await Promise.all(informers.map((informer) => informer.start()))
  return {
    stop: async () => {
      stopped = true
      await Promise.all(informers.map((informer) => informer.stop()))
      if (timer !== null) clearTimeout(timer)
      if (waiting.length > 0) flush()
      await storing
    },
  }
}

/** The informer watches from where the list ended. */
async function listWithVersion(
  read: ReadClient,
  resource: string,
): Promise<{ items: ClientObject[]; metadata: { resourceVersion: string } }> {
  const { items, resourceVersion } = await read.listAt(resource)
  return { items: items as ClientObject[], metadata: { resourceVersion } }
}
