/**
 * Falco’s alerts out of a stream of NATS JetStream, through a durable pull consumer that any number of servers share. A message is
 * acknowledged only after its commit; one that cannot be read is a dead letter first. What fails here comes again, later each time.
 */
import type { ConsumerMessages, JsMsg } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { setTimeout as sleep } from 'node:timers/promises'
import { ConfigError, InputError } from '../../domain/errors.ts'
import { redact } from '../../domain/redact.ts'
import { createSource, getSource, type Source } from '../../store/sources.ts'
import { deliver, deliverDeadLetter } from './deliver.ts'
import type { Falconer } from './falconer.ts'
import { connectNats, consumerOf } from './nats-connection.ts'

export type NatsState = {
  state: 'connecting' | 'connected' | 'reconnecting' | 'failing' | 'disabled' | 'stopped'
  source: string
  server: string | null
  /** Messages committed and acknowledged, of this server since its start. */ taken: number
  /** Commits that failed; their messages come again. */ failed: number
  lastError: { at: Date; text: string } | null
}
export type NatsIntake = { state(): NatsState; stop(): Promise<void> }

const retryMs = 5_000
/** Messages that are being committed, and their bytes: what waits beyond them waits in NATS. */
const most = { messages: 500, bytes: 8 * 1024 * 1024 }
/** What NATS may send ahead: small, for what a server holds when it is killed comes again only after a while. */
const aheadBytes = 512 * 1024
const longestDelayMs = 300_000
/** Whether the source was disabled is asked this often. */
const askAgainMs = 1_000
const shownBytes = 65_536

export function takeFromNats(falconer: Falconer): NatsIntake {
  const intake = new Intake(falconer)
  const running = intake.run()
  return {
    state: () => intake.state,
    stop: async () => {
      await intake.stop()
      await running
    },
  }
}

class Intake {
  readonly state: NatsState
  readonly #falconer: Falconer
  readonly #stopping = new AbortController()
  readonly #working = new Set<Promise<void>>()
  #bytes = 0
  #messages: ConsumerMessages | null = null

  constructor(falconer: Falconer) {
    this.#falconer = falconer
    const source = falconer.config.FALCONER_NATS_SOURCE
    this.state = { state: 'connecting', source, server: null, taken: 0, failed: 0, lastError: null }
  }

  /** Connects, takes, and begins anew whenever that ends, until it is stopped. */
  async run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      try {
        const source = await this.#source()
        if (source.disabledAt === null) await this.#takeAll(source)
        this.state.state = source.disabledAt === null ? 'connecting' : 'disabled'
      } catch (error) {
        if (!signal.aborted) this.#failed('failing', error)
      }
      await sleep(retryMs, undefined, { signal }).catch(() => {})
    }
    this.state.state = 'stopped'
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#messages?.close()
  }

  async #source(): Promise<Source> {
    const { db, clock, config } = this.#falconer
    const { FALCONER_NATS_SOURCE: name, FALCONER_SCOPE: scope } = config
    const found =
      (await getSource(db, name)) ??
      (await createSource(db, { name, collector: 'falco', scope, secret: null, at: clock.now() })) ??
      (await getSource(db, name))
    if (found?.collector !== 'falco')
      throw new ConfigError(`The source ${name} is one of ${found?.collector}. Set FALCONER_NATS_SOURCE to another name.`)
    return found
  }

  async #takeAll(source: Source): Promise<void> {
    const { config, log } = this.#falconer
    const connection = await connectNats(config)
    try {
      this.state.server = connection.getServer()
      const consumer = await consumerOf(connection, config)
      void this.#watch(connection)
      // A message larger than what is asked for would never come.
      const maxBytes = Math.max(aheadBytes, 2 * (connection.info?.max_payload ?? 0))
      const messages = await consumer.consume({ max_bytes: maxBytes, abort_on_missing_resource: true })
      this.#messages = messages
      if (this.#stopping.signal.aborted) await messages.close()
      this.state.state = 'connected'
      log.info('alerts are taken from NATS', { server: this.state.server, stream: config.FALCONER_NATS_STREAM, source: source.name })
      await this.#takeEach(messages, source)
    } finally {
      await this.#messages?.close()
      this.#messages = null
      await Promise.all(this.#working)
      // Acknowledgements on their way shall arrive; those that do not bring their messages again.
      await Promise.race([connection.flush().catch(() => {}), sleep(2_000)])
      await connection.close().catch(() => {})
    }
  }

  async #takeEach(messages: ConsumerMessages, source: Source): Promise<void> {
    let askedAt = performance.now()
    for await (const message of messages) {
      if (performance.now() - askedAt > askAgainMs) {
        askedAt = performance.now()
        if ((await this.#source()).disabledAt !== null) return
      }
      const bytes = message.data.length
      this.#bytes += bytes
      const work = this.#take(message, source).finally(() => {
        this.#bytes -= bytes
        this.#working.delete(work)
      })
      this.#working.add(work)
      while (this.#working.size >= most.messages || this.#bytes >= most.bytes) await Promise.race(this.#working)
    }
  }

  /** Never rejects. Acknowledges after the commit, or asks for the message again. */
  async #take(message: JsMsg, source: Source): Promise<void> {
    const { config, log } = this.#falconer
    const place = `nats ${config.FALCONER_NATS_STREAM}#${message.seq} ${message.subject.slice(0, 200)}`
    const { id, name, scope } = source
    try {
      const unreadable = await deliver(this.#falconer, once(message.data), {
        path: place,
        format: 'falco',
        source: { id, name, scope },
        maxBytes: config.FALCONER_INGEST_MAX_BYTES,
        strict: true,
        again: message.redelivered,
        deadLetterPlace: place,
      }).then(
        ({ read, skipped }) => (read + skipped === 0 ? 'the message is empty' : null),
        (error: unknown) => {
          if (error instanceof InputError) return error.message
          throw error
        },
      )
      if (unreadable !== null)
        await deliverDeadLetter(this.#falconer, source, { at: place, reason: unreadable, bytes: message.data.subarray(0, shownBytes) })
      this.state.taken += 1
      answer(() => (unreadable === null ? message.ack() : message.term()))
    } catch (error) {
      this.state.failed += 1
      this.#note(error)
      const delayMs = Math.min(longestDelayMs, 1_000 * 2 ** Math.min(message.info.deliveryCount, 10))
      log.error('a message from NATS could not be stored; it comes again', {
        place,
        delayMs,
        error: error instanceof Error ? error : String(error),
      })
      answer(() => message.nak(delayMs))
    }
  }

  /** What becomes of the connection, while the client connects again by itself. */
  async #watch(connection: NatsConnection): Promise<void> {
    void connection.closed().then((error) => {
      if (error instanceof Error) this.#note(error)
      return this.#messages?.close()
    })
    for await (const status of connection.status()) {
      if (status.type === 'disconnect' && !this.#stopping.signal.aborted)
        this.#failed('reconnecting', `The connection to ${status.server} is lost.`)
      else if (status.type === 'error') this.#note(status.error)
      else if (status.type === 'reconnect') {
        this.state.state = 'connected'
        this.state.server = status.server
        this.#falconer.log.info('connected to NATS again', { server: status.server })
      }
    }
  }

  #failed(state: NatsState['state'], error: unknown): void {
    const before = this.state.lastError?.text
    const isNew = this.state.state !== state
    this.state.state = state
    this.#note(error)
    const text = this.state.lastError?.text
    if (isNew || text !== before) this.#falconer.log.warn('alerts cannot be taken from NATS', { state, error: text, retryMs })
  }

  #note(error: unknown): void {
    const text = error instanceof Error ? error.message : String(error)
    this.state.lastError = { at: this.#falconer.clock.now(), text: redact(text).slice(0, 500) }
    this.#falconer.changed('sources')
  }
}

/** Over a connection that is closed nothing can be answered: the message comes again, and is known by its content then. */
function answer(send: () => void): void {
  try {
    send()
  } catch {
    // what closed the connection is told by its watch
  }
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes
}
