/**
 * The command line's way to the API: a running server with a token, or, when nobody holds the data, the same app in this
 * process. One code path: every command is an API call.
 */
import { ConfigError, FalconerError } from '../../domain/errors.ts'
import { operatorPrincipal } from '../../domain/principal.ts'
import { type Config, loadConfig } from '../../config/config.ts'
import type { Overrides } from './command.ts'
import { tokenFor } from './credentials.ts'

export type Client = {
  /** Answers the JSON text as written. Throws ApiError. */
  call(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<string>
  upload(path: string, content: AsyncIterable<Uint8Array>): Promise<string>
  /** Correlates and investigates what was just imported; a server does that by itself. */
  settle(): Promise<void>
  /** The running server; null when the command works on the data itself. */
  url: string | null
  /** Where pages are, once a server runs. */
  pages: string
  close(): Promise<void>
}

/** The server's own words for what went wrong. */
export class ApiError extends FalconerError {
  readonly status: number
  /** Seconds, where the server said so. */
  readonly retryAfter: number | null
  constructor(status: number, code: string, message: string, retryAfter: number | null = null) {
    super(code, message)
    this.status = status
    this.retryAfter = retryAfter
  }
}

/** Nobody answers at the server's address: it may have been done all the same. */
export class UnansweredError extends ConfigError {}

export async function openClient(overrides: Overrides): Promise<Client> {
  const config = loadConfig({ FALCONER_LOG: 'warn', ...overrides })
  if (config.FALCONER_URL !== undefined) return remote(config.FALCONER_URL, config)
  if (config.DATABASE_URL !== undefined) return local(config)
  const holder = await (await import('../../store/embedded.ts')).holderOf(config.FALCONER_DATA)
  if (holder === undefined) return local(config)
  if (holder.url !== null) return remote(holder.url, config)
  throw new ConfigError(
    `${config.FALCONER_DATA} is in use by another Falconer${holder.pid === 0 ? '' : ` (pid ${holder.pid})`}: a server that is starting, or a command at work. Wait for it, or choose another --data folder.`,
  )
}

async function remote(given: string, config: Config): Promise<Client> {
  const url = given.replace(/\/$/, '')
  const token = await tokenFor(url, config)
  const send: Send = async (path, init) => {
    const answer = await fetch(`${url}/api/v1${path}`, {
      ...init,
      headers: { ...init.headers, authorization: `Bearer ${token.reveal()}` },
    }).catch((error: unknown) => {
      throw new UnansweredError(
        `Falconer at ${url} does not answer. Is it running? FALCONER_URL or the data folder's holder.json names it.`,
        { cause: error },
      )
    })
    if (answer.status === 401)
      throw new ConfigError(
        config.FALCONER_TOKEN === undefined
          ? `Falconer at ${url} does not accept what \`falconer login\` left: it is revoked or expired, or for MCP alone. Run \`falconer login\` again.`
          : `Falconer at ${url} does not accept FALCONER_TOKEN: it is unknown, revoked or expired. Make another at ${url}/account.`,
      )
    return answer
  }
  return { ...clientFrom(send), url, pages: url, settle: async () => {}, close: async () => {} }
}

async function local(config: Config): Promise<Client> {
  const [{ composeFalconer }, { createApp }, { baseUrl }] = await Promise.all([
    import('../server/falconer.ts'),
    import('../server/http.ts'),
    import('../server/urls.ts'),
  ])
  const falconer = await composeFalconer(config, { as: 'command', quietMs: 0 })
  const app = createApp(falconer)
  const send: Send = async (path, init) =>
    app.fetch(new Request(`http://localhost/api/v1${path}`, init), { local: { principal: operatorPrincipal, channel: 'cli' } })
  return { ...clientFrom(send), url: null, pages: baseUrl(falconer), settle: () => falconer.settle(), close: () => falconer.close() }
}

type Send = (path: string, init: RequestInit & { duplex?: 'half' }) => Promise<Response>
function clientFrom(send: Send): Pick<Client, 'call' | 'upload'> {
  const read = async (answer: Response): Promise<string> => {
    const text = await answer.text().catch((error: unknown) => {
      throw new UnansweredError('Falconer went away while it answered.', { cause: error })
    })
    if (answer.ok) return text
    let problem: { code?: string; detail?: string } = {}
    try {
      problem = JSON.parse(text) as typeof problem
    } catch {
      // not from Falconer: its status must do
    }
    throw new ApiError(
      answer.status,
      problem.code ?? 'http',
      problem.detail ?? `The server answered ${answer.status}, and not as Falconer does. Is FALCONER_URL right?`,
      /^\d{1,5}$/.test(answer.headers.get('retry-after') ?? '') ? Number(answer.headers.get('retry-after')) : null,
    )
  }
  return {
    call: async (method, path, body) =>
      read(
        await send(path, {
          method,
          ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
        }),
      ),
    upload: async (path, content) =>
      read(
        await send(path, {
          method: 'POST',
          body: ReadableStream.from(content) as ReadableStream<Uint8Array>,
          duplex: 'half',
          headers: { 'content-type': 'application/octet-stream' },
        }),
      ),
  }
}
