/** A real nats-server with JetStream on a folder and a port of its own, that can be killed and started again on both. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect as connectSocket, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { jetstream, jetstreamManager, StorageType } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { until } from './follow.ts'

export const natsProgram = [process.env.FALCONER_TEST_NATS ?? 'nats-server', '/usr/sbin/nats-server'].find(
  (program) => spawnSync(program, ['--version']).status === 0,
)

const stream = 'FALCO'
type Auth = { token: string } | { user: string; pass: string }

export class NatsServer {
  readonly port: number
  readonly #folder: string
  #child: ChildProcess | null = null
  #client: NatsConnection | null = null

  readonly #auth: Auth

  constructor(port: number, config: string, auth: Auth) {
    this.port = port
    this.#auth = auth
    this.#folder = mkdtempSync(join(tmpdir(), 'falconer-nats-'))
    writeFileSync(
      join(this.#folder, 'nats.conf'),
      `listen: 127.0.0.1:${port}\njetstream { store_dir: ${join(this.#folder, 'js')} }\n${config}\n`,
    )
  }

  static async start(config: string, auth: Auth): Promise<NatsServer> {
    const server = new NatsServer(await freePort(), config, auth)
    await server.begin()
    return server
  }

  async begin(): Promise<void> {
    this.#child = spawn(natsProgram as string, ['-c', join(this.#folder, 'nats.conf')], { stdio: 'ignore' })
    await until(() => answers(this.port))
  }

  async end(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const child = this.#child
    this.#child = null
    if (child === null || child.exitCode !== null) return
    const ended = new Promise((resolve) => {
      child.on('close', resolve)
    })
    child.kill(signal)
    await ended
  }

  async client(): Promise<NatsConnection> {
    this.#client ??= await connect({ port: this.port, maxReconnectAttempts: -1, reconnectTimeWait: 100, ...this.#auth })
    return this.#client
  }

  async makeStream(): Promise<void> {
    const manager = await jetstreamManager(await this.client())
    await manager.streams.add({ name: stream, subjects: ['falco.>'], storage: StorageType.File })
  }

  /** Published and acknowledged by the stream, a few at a time; again where the answer was lost, as the same message. */
  async publish(bodies: readonly (string | Uint8Array)[], subject = 'falco.notice.terminal_shell_in_container'): Promise<void> {
    const client = jetstream(await this.client())
    const one = async (body: string | Uint8Array, times = 20): Promise<void> => {
      const msgID = createHash('sha256').update(body).digest('hex')
      await client.publish(subject, body, { msgID, timeout: 2_000 }).catch(async (error: unknown) => {
        if (times === 0) throw error
        await setTimeout(200)
        return one(body, times - 1)
      })
    }
    for (let at = 0; at < bodies.length; at += 200) await Promise.all(bodies.slice(at, at + 200).map((body) => one(body)))
  }

  /** What the consumer has not been told to be done. */
  async left(durable = 'falconer'): Promise<{ pending: number; unacknowledged: number }> {
    const info = await (await jetstreamManager(await this.client())).consumers.info(stream, durable)
    return { pending: info.num_pending, unacknowledged: info.num_ack_pending }
  }

  async drop(): Promise<void> {
    await this.#client?.close()
    await this.end('SIGKILL')
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => {
    server.close(resolve)
  })
  return port
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connectSocket(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
