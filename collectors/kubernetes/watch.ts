/**
 * Inventory, live, with client-node's informers: they list everything, then follow changes, and list again by themselves
 * when the server has forgotten their place. Needs list and watch rights only, and none on Secrets: who may list their names may read
 * them. Changes are stored in order, in batches.
 */
import { type KubeConfig, type KubernetesObject as ClientObject, makeInformer } from '@kubernetes/client-node'
import type { ReadClient } from '../../clusters/contract.ts'
import { resourcePath, resources } from '../../clusters/contract.ts'
import { InputError } from '../../domain/errors.ts'
import type { NewRecord } from '../collector.ts'
import type { EntityKind } from '../../domain/entity.ts'
import { entityKindOf, normaliseObject } from './normalise.ts'

export const watchedResources = Object.keys(resources)
/** Of these the first lists show all there are; what is of another kind is not gone because they do not show it. */
export const watchedKinds: ReadonlySet<EntityKind> = new Set([
  'container',
  ...Object.values(resources).flatMap(({ kind }) => entityKindOf(kind) ?? []),
])
export type WatchSink = {
  /** Stores records; resolves when they are committed. */
  store(records: NewRecord[]): Promise<void>
  /** After a full list: everything current that is not among these keys has gone. No `store` runs meanwhile. */
  complete(seen: ReadonlyMap<string, ReadonlySet<string>>): Promise<void>
  failed(resource: string, error: unknown): void
  now(): bigint
}
export type WatchOptions = { kubeConfig: KubeConfig; read: ReadClient; scope: string; sourceId: string; sink: WatchSink; retryMs?: number }
type Change = { kind: string; object: ClientObject; gone: boolean; atNs: bigint }

/** So many objects are normalised and stored at once: a cluster of any size starts in bounded memory. */
const batchSize = 500

/** Resolves when all that exists is stored. Rejects when a list is refused or cannot be stored; nothing is watched then. */
export async function watchInventory(options: WatchOptions): Promise<{ stop(): Promise<void> }> {
  const { kubeConfig, read, sink, retryMs = 5_000 } = options
  const changes = new Changes(options, retryMs)
  let refused: unknown
  let stopped = false
  const informers = watchedResources.map((resource) => {
    const { kind = '' } = resources[resource] ?? {}
    const list = async (): Promise<ListWithVersion> =>
      listWithVersion(read, resource).catch((error: unknown) => {
        refused ??= error
        throw error
      })
    const informer = makeInformer(kubeConfig, resourcePath(resource, null), list as never)
    const take =
      (gone: boolean) =>
      (object: ClientObject): void =>
        changes.add({ kind, object, gone, atNs: sink.now() })
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
  const stop = async (): Promise<void> => {
    stopped = true
    await Promise.all(informers.map((informer) => informer.stop()))
    await changes.end()
  }
  try {
    await Promise.all(informers.map((informer) => informer.start()))
    if (refused !== undefined) throw refused
    await changes.begin()
  } catch (error) {
    await stop()
    throw error
  }
  return { stop }
}

/** Changes on their way to the store: first all there is, then, a fifth of a second at a time, what happens. */
class Changes {
  readonly #options: WatchOptions
  readonly #retryMs: number
  /** Keys by kind while the first lists come in; null afterwards. */
  #seen: Map<string, Set<string>> | null = new Map()
  #waiting: Change[] = []
  #timer: NodeJS.Timeout | null = null
  #storing: Promise<void> = Promise.resolve()

  constructor(options: WatchOptions, retryMs: number) {
    this.#options = options
    this.#retryMs = retryMs
  }

  add(change: Change): void {
    this.#waiting.push(change)
    if (this.#seen === null) this.#timer ??= setTimeout(() => this.#flush(), 200)
  }

  async begin(): Promise<void> {
    const seen = this.#seen ?? new Map<string, Set<string>>()
    await this.#store()
    await this.#options.sink.complete(seen)
    this.#seen = null
    if (this.#waiting.length > 0) this.#flush()
  }

  async end(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer)
    if (this.#seen === null && this.#waiting.length > 0) this.#flush()
    await this.#storing
  }

  #flush(): void {
    this.#timer = null
    this.#storing = this.#storing
      .then(() => this.#store())
      .catch((error: unknown) => {
        this.#options.sink.failed('store', error)
        this.#timer ??= setTimeout(() => this.#flush(), this.#retryMs)
      })
  }

  /** What could not be stored waits at the head, in its place. */
  async #store(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.slice(0, batchSize)
      const records = batch.flatMap((change) => this.#records(change))
      for (const record of records) if (record.kind === 'entity') this.#note(record.entity.kind, record.entity.key, record.entity.deletedNs)
      await this.#options.sink.store(records)
      this.#waiting.splice(0, batch.length)
    }
  }

  #note(kind: string, key: string, deletedNs: bigint | null): void {
    if (this.#seen === null) return
    const keys = this.#seen.get(kind) ?? new Set()
    this.#seen.set(kind, keys)
    if (deletedNs === null) keys.add(key)
    else keys.delete(key)
  }

  #records({ kind, object, gone, atNs }: Change): NewRecord[] {
    const { scope, sourceId } = this.#options
    const piece = { raw: object, bytes: new Uint8Array(), at: kind }
    const source = { sourceId, sourceName: 'watch', scope, receivedNs: atNs }
    try {
      return [...normaliseObject({ kind, ...(object as object) } as never, piece, source, gone ? atNs : null)]
    } catch (error) {
      if (!(error instanceof InputError)) throw error
      // One odd object must not keep all others waiting.
      this.#options.sink.failed(kind, error)
      return []
    }
  }
}

type ListWithVersion = { items: ClientObject[]; metadata: { resourceVersion: string } }
/** The informer watches from where the list ended. */
async function listWithVersion(read: ReadClient, resource: string): Promise<ListWithVersion> {
  const { items, resourceVersion } = await read.listAt(resource)
  return { items: items as ClientObject[], metadata: { resourceVersion } }
}
