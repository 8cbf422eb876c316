/** The connection to NATS as it is configured, and the durable consumer on it. Secrets are revealed here, to the client alone. */
import { AckPolicy, type Consumer, DeliverPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream'
import { jserrors } from '@nats-io/jetstream/internal'
import { connect, credsAuthenticator, type NatsConnection, nanos, type NodeConnectionOptions } from '@nats-io/transport-node'
import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import type { Config } from '../../config/config.ts'
import { ConfigError } from '../../domain/errors.ts'

/** So long a message may take from its delivery to its commit before another server gets it. */
const ackWaitMs = 30_000
const mostPending = 1_000

/** Tries again for ever once it was connected. Throws ConfigError, or what the client says. */
export async function connectNats(config: Config): Promise<NatsConnection> {
  const { FALCONER_NATS_URL, FALCONER_NATS_TOKEN, FALCONER_NATS_CREDENTIALS, FALCONER_NATS_CA } = config
  const servers = (FALCONER_NATS_URL?.reveal() ?? '').split(',').map((text) => serverOf(text.trim()))
  const [{ user, pass } = {}] = servers
  const options: NodeConnectionOptions = {
    servers: servers.map(({ host }) => host),
    name: `falconer on ${hostname()}`,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 1_000,
    pingInterval: 20_000,
    timeout: 5_000,
    noAsyncTraces: true,
    ...(user === undefined ? {} : { user, pass }),
    ...(FALCONER_NATS_TOKEN === undefined ? {} : { token: FALCONER_NATS_TOKEN.reveal() }),
    ...(servers.some(({ tls }) => tls) || FALCONER_NATS_CA !== undefined ? { tls: { caFile: FALCONER_NATS_CA } } : {}),
  }
  if (FALCONER_NATS_CREDENTIALS !== undefined) options.authenticator = credsAuthenticator(await credentials(FALCONER_NATS_CREDENTIALS))
  return connect(options)
}

type NatsServer = { host: string; tls: boolean; user?: string; pass?: string }
/** The words never repeat the address: it may hold a password. */
function serverOf(text: string): NatsServer {
  const url = URL.parse(text)
  if (url === null || !/^(?:nats|tls):$/.test(url.protocol) || url.hostname === '')
    throw new ConfigError('FALCONER_NATS_URL holds an address that is none of nats://host:4222 or tls://host:4222.')
  const host = `${url.hostname}:${url.port === '' ? '4222' : url.port}`
  const tls = url.protocol === 'tls:'
  return url.username === '' ? { host, tls } : { host, tls, user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) }
}

async function credentials(path: string): Promise<Uint8Array> {
  return readFile(path).catch((error: unknown) => {
    throw new ConfigError(`FALCONER_NATS_CREDENTIALS names ${path}, which cannot be read.`, { cause: error })
  })
}

/** The durable consumer, made where there is none. One that would let go of messages unread is refused. */
export async function consumerOf(connection: NatsConnection, config: Config): Promise<Consumer> {
  const { FALCONER_NATS_STREAM: stream, FALCONER_NATS_DURABLE: durable, FALCONER_NATS_SUBJECT: subject } = config
  const manager = await jetstreamManager(connection)
  const wanted = {
    durable_name: durable,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    filter_subject: subject,
    ack_wait: nanos(ackWaitMs),
    max_ack_pending: mostPending,
    max_deliver: -1,
  }
  const found = await manager.consumers
    .info(stream, durable)
    .catch((error: unknown) => {
      if (!(error instanceof jserrors.ConsumerNotFoundError)) throw error
      return manager.consumers.add(stream, wanted)
    })
    .catch((error: unknown) => {
      if (!(error instanceof jserrors.StreamNotFoundError)) throw error
      throw new ConfigError(
        `NATS has no stream ${stream}. Make it: nats stream add ${stream} --subjects '${subject}' --storage file --defaults`,
        { cause: error },
      )
    })
  const { ack_policy, max_deliver = -1, deliver_subject } = found.config
  if (ack_policy !== AckPolicy.Explicit || max_deliver !== -1 || deliver_subject !== undefined)
    throw new ConfigError(
      `The consumer ${durable} of stream ${stream} is none that waits for acknowledgements for ever (pull, explicit, max deliver -1). Delete it, or set FALCONER_NATS_DURABLE to another name.`,
    )
  return jetstream(connection).consumers.get(stream, durable)
}
