/**
 * The simulated cluster's objects: versions, UIDs and conflicts as a Kubernetes API server keeps them, in a SQLite file
 * so that kill -9 loses nothing that was answered. Keeps the last events for watchers.
 */
import { randomUUID } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { KubernetesApiError, type KubernetesJson, resources } from '../contract.ts'

export type StoredObject = KubernetesJson & {
  metadata: { uid: string; resourceVersion: string; creationTimestamp?: string; generation?: number }
}
export type ObjectEvent = { type: 'ADDED' | 'MODIFIED' | 'DELETED'; version: number; resource: string; object: StoredObject }
export type Flow = { podUid: string; peer: string; port: number; direction: 'in' | 'out'; state: 'open' | 'closed' }

const keptEvents = 2_000

export class ObjectStore {
  readonly #db: DatabaseSync
  readonly #objects = new Map<string, StoredObject>()
  #version: number
  #events: ObjectEvent[] = []
  readonly watchers = new Set<(event: ObjectEvent) => void>()
  flows: Flow[]

  constructor(file: string) {
    this.#db = new DatabaseSync(file)
    this.#db.exec(
      'pragma journal_mode = wal; pragma synchronous = full; create table if not exists objects (key text primary key, object text not null); create table if not exists state (name text primary key, value text not null)',
    )
    for (const row of this.#db.prepare('select key, object from objects').all())
      this.#objects.set(String(row.key), JSON.parse(String(row.object)) as StoredObject)
    this.#version = Number(this.#state('version') ?? '1')
    this.flows = JSON.parse(this.#state('flows') ?? '[]') as Flow[]
  }

  get version(): number {
    return this.#version
  }
  get empty(): boolean {
    return this.#objects.size === 0
  }

  get(resource: string, namespace: string | null, name: string): StoredObject | undefined {
    return this.#objects.get(keyOf(resource, namespace, name))
  }

  list(resource: string, namespace: string | null): StoredObject[] {
    const prefix = namespace === null ? `${resource}/` : `${resource}/${namespace}/`
    return [...this.#objects.entries()].filter(([key]) => key.startsWith(prefix)).map(([, object]) => object)
  }

  create(resource: string, given: KubernetesJson, dryRun: boolean): StoredObject {
    const { metadata } = given
    if (typeof metadata?.name !== 'string' || !/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/.test(metadata.name))
      throw new KubernetesApiError(422, `metadata.name: Invalid value: ${JSON.stringify(metadata?.name)}`)
    const key = keyOf(resource, metadata.namespace ?? null, metadata.name)
    if (this.#objects.has(key)) throw new KubernetesApiError(409, `${resource} "${metadata.name}" already exists`)
    const known = resources[resource]
    const object: StoredObject = {
      apiVersion: known === undefined || known.group === '' ? 'v1' : `${known.group}/${known.version}`,
      kind: known?.kind ?? 'Unknown',
      ...given,
      metadata: {
        creationTimestamp: new Date().toISOString(),
        generation: 1,
        ...metadata,
        uid: metadata.uid ?? randomUUID(),
        resourceVersion: '0',
      },
    }
    return dryRun ? object : this.#write('ADDED', resource, key, object)
  }

  /** Replaces an object. A uid or resourceVersion in what is given must be the stored one's. */
  update(resource: string, given: KubernetesJson, dryRun: boolean): StoredObject {
    const key = keyOf(resource, given.metadata.namespace ?? null, given.metadata.name)
    const before = this.#objects.get(key)
    if (before === undefined) throw new KubernetesApiError(404, `${resource} "${given.metadata.name}" not found`)
    if (given.metadata.uid !== undefined && given.metadata.uid !== before.metadata.uid)
      throw new KubernetesApiError(
        409,
        `Precondition failed: UID in precondition: ${given.metadata.uid}, UID in object meta: ${before.metadata.uid}`,
      )
    if (given.metadata.resourceVersion !== undefined && given.metadata.resourceVersion !== before.metadata.resourceVersion)
      throw new KubernetesApiError(409, 'the object has been modified; please apply your changes to the latest version and try again')
    const changedSpec = JSON.stringify(before.spec) !== JSON.stringify(given.spec)
    const generation = (before.metadata.generation ?? 1) + (changedSpec ? 1 : 0)
    const object: StoredObject = {
      ...given,
      metadata: {
        ...given.metadata,
        uid: before.metadata.uid,
        resourceVersion: before.metadata.resourceVersion,
        generation,
        ...(before.metadata.creationTimestamp === undefined ? {} : { creationTimestamp: before.metadata.creationTimestamp }),
      },
    }
    if (JSON.stringify(object) === JSON.stringify(before)) return before
    return dryRun ? object : this.#write('MODIFIED', resource, key, object)
  }

  remove(
    resource: string,
    namespace: string | null,
    name: string,
    preconditions: { uid?: string; resourceVersion?: string },
    dryRun: boolean,
  ): StoredObject {
    const key = keyOf(resource, namespace, name)
    const before = this.#objects.get(key)
    if (before === undefined) throw new KubernetesApiError(404, `${resource} "${name}" not found`)
    if (preconditions.uid !== undefined && preconditions.uid !== before.metadata.uid)
      throw new KubernetesApiError(
        409,
        `Precondition failed: UID in precondition: ${preconditions.uid}, UID in object meta: ${before.metadata.uid}`,
      )
    if (preconditions.resourceVersion !== undefined && preconditions.resourceVersion !== before.metadata.resourceVersion)
      throw new KubernetesApiError(409, 'Precondition failed: ResourceVersion')
    if (!dryRun) this.#write('DELETED', resource, key, before)
    return before
  }

  setFlows(flows: Flow[]): void {
    this.flows = flows
    this.#setState('flows', JSON.stringify(flows))
  }

  /** Events after a version, or undefined when they are no longer kept (the watcher must list again). */
  eventsAfter(version: number): ObjectEvent[] | undefined {
    const oldest = this.#events[0]?.version
    if (version < this.#version && (oldest === undefined || version < oldest - 1)) return undefined
    return this.#events.filter((event) => event.version > version)
  }

  close(): void {
    this.#db.close()
  }

  #write(type: ObjectEvent['type'], resource: string, key: string, object: StoredObject): StoredObject {
    this.#version += 1
    const stored: StoredObject = { ...object, metadata: { ...object.metadata, resourceVersion: String(this.#version) } }
    this.#db.exec('begin')
    try {
      if (type === 'DELETED') this.#db.prepare('delete from objects where key = ?').run(key)
      else this.#db.prepare('insert or replace into objects (key, object) values (?, ?)').run(key, JSON.stringify(stored))
      this.#setState('version', String(this.#version))
      this.#db.exec('commit')
    } catch (error) {
      this.#db.exec('rollback')
      throw error
    }
    if (type === 'DELETED') this.#objects.delete(key)
    else this.#objects.set(key, stored)
    const event = { type, version: this.#version, resource, object: stored }
    this.#events = [...this.#events.slice(-keptEvents + 1), event]
    for (const watcher of this.watchers) watcher(event)
    return stored
  }

  #state(name: string): string | undefined {
    return this.#db.prepare('select value from state where name = ?').get(name)?.value as string | undefined
  }
  #setState(name: string, value: string): void {
    this.#db.prepare('insert or replace into state (name, value) values (?, ?)').run(name, value)
  }
}

const keyOf = (resource: string, namespace: string | null, name: string): string =>
  namespace === null ? `${resource}/${name}` : `${resource}/${namespace}/${name}`
