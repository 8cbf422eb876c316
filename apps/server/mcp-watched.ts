/**
 * What clients watch: addresses of resources, each with what its record was when last looked at. When something changed, here or on another server,
 * the records are looked at again, and the addresses of those that differ are told on one bus. Says that a record changed, never what.
 */
import { InMemoryServerEventBus } from '@modelcontextprotocol/server'
import { systemPrincipal } from '../../domain/principal.ts'
import type { ReaderContext, Resource } from '../../tools/resource.ts'
import type { Falconer } from './falconer.ts'
import { contextOf } from './mcp-reader.ts'

/** All clients together; more are refused. */
const most = 2_000
/** Changes come in bursts. */
const restMs = 250
/** What another server did is seen then. */
const everyMs = 20_000

type Entry = { kind: Resource; id: string; holders: number; version: string | undefined }

export class Watched {
  readonly bus: InMemoryServerEventBus
  readonly #falconer: Falconer
  readonly #context: ReaderContext
  readonly #entries = new Map<string, Entry>()
  #looking: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #due: NodeJS.Timeout | undefined

  constructor(falconer: Falconer) {
    this.#falconer = falconer
    this.#context = contextOf(falconer, { principal: systemPrincipal, channel: 'system' })
    this.bus = new InMemoryServerEventBus((error) => falconer.log.debug('mcp change not told', { error: error.message }))
    falconer.changes.on('change', this.#soon)
    falconer.changes.on('sources', this.#soon)
  }

  /** Answers how to let go of it again; undefined: too many are watched. Whether the reader may was asked before. */
  async hold(uri: string, { kind, id }: { kind: Resource; id: string }): Promise<(() => void) | undefined> {
    const version = await kind.version(id, this.#context)
    let entry = this.#entries.get(uri)
    if (entry === undefined) {
      if (this.#entries.size >= most) return undefined
      entry = { kind, id, holders: 0, version }
      this.#entries.set(uri, entry)
      this.#timer ??= setInterval(this.#soon, everyMs).unref()
    }
    entry.holders += 1
    const held = entry
    let gone = false
    return () => {
      if (gone) return
      gone = true
      held.holders -= 1
      if (held.holders === 0) this.#entries.delete(uri)
      if (this.#entries.size === 0) this.#rest()
    }
  }

  /** Looks at all that is watched, once. */
  async look(): Promise<void> {
    for (const [uri, entry] of this.#entries) {
      const version = await entry.kind.version(entry.id, this.#context)
      if (version === entry.version) continue
      entry.version = version
      this.bus.publish({ kind: 'resource_updated', uri })
    }
  }

  readonly #soon = (): void => {
    if (this.#entries.size === 0) return
    this.#due ??= setTimeout(() => {
      this.#due = undefined
      // One round at a time; what came during one is seen by the next.
      this.#looking = (this.#looking ?? Promise.resolve())
        .then(() => this.look())
        .catch((error: unknown) => this.#falconer.log.warn('watched resources were not looked at', { error }))
    }, restMs).unref()
  }

  #rest(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  close(): void {
    this.#falconer.changes.off('change', this.#soon)
    this.#falconer.changes.off('sources', this.#soon)
    clearTimeout(this.#due)
    this.#rest()
    this.#entries.clear()
  }
}
