/**
 * The command line's way to the API: a running server with a token, or, when nobody holds the data, the same app in this
 * process. One code path: every command is an API call.
 */
import { ConfigError, FalconerError } from '../../domain/errors.ts'
import { operatorPrincipal } from '../../domain/principal.ts'
import { type Config, loadConfig } from '../../config/config.ts'
import { holderOf } from '../../store/embedded.ts'
import { composeFalconer, type Falconer } from '../server/falconer.ts'
import { createApp } from '../server/http.ts'

export type Client = {
  /** GET, or POST when there is a body. Answers the parsed JSON text as written. Throws ApiError. */
  call(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<string>
  upload(path: string, content: AsyncIterable<Uint8Array>): Promise<string>
  /** Correlates and investigates what was just imported; a server does that by itself. */
  settle(): Promise<void>
  /** Where pages are, when a server runs. */
  url: string | null
  close(): Promise<void>
}

/** The server's own words for what went wrong. */
export class ApiError extends FalconerError {
  readonly status: number
  constructor(status: number, code: string, message: string) {
    super(code, message)
    this.status = status
  }
}

export async function openClient(overrides: Partial<Record<keyof Config, string>>): Promise<Client> {
  const config = loadConfig({ FALCONER_LOG: 'warn', ...overrides })
  const holder = config.FALCONER_URL === undefined && config.DATABASE_URL === undefined ? await holderOf(config.FALCONER_DATA) : undefined
  const url = config.FALCONER_URL ?? holder?.url ?? null
  if (url !== null) return remote(url.replace(/\/$/, ''), config)
  if (holder !== undefined)
    throw new ConfigError(
      `${config.FALCONER_DATA} is in use by another Falconer (pid ${holder.pid}). Wait for it, or choose another --data folder.`,
    )
  return local(await composeFalconer(config, { as: 'command', quietMs: 0 }))
}

function remote(url: string, config: Config): Client {
  const token = config.FALCONER_TOKEN
  if (token === undefined) throw new ConfigError(`Falconer runs at ${url}. Make an API token at ${url}/account and set FALCONER_TOKEN.`)
  const send = (path: string, init: RequestInit & { duplex?: 'half' }): Promise<Response> =>
    fetch(`${url}/api/v1${path}`, { ...init, headers: { ...init.headers, authorization: `Bearer ${token.reveal()}` } }).catch(
      (error: unknown) => {
        throw new ConfigError(`Falconer at ${url} does not answer.`, { cause: error })
      },
    )
  return { ...clientFrom(send), url, settle: async () => {}, close: async () => {} }
}

function local(falconer: Falconer): Client {
  const app = createApp(falconer)
  const send = async (path: string, init: RequestInit & { duplex?: 'half' }): Promise<Response> =>
    app.fetch(new Request(`http://localhost/api/v1${path}`, init), { local: { principal: operatorPrincipal, channel: 'cli' } })
  return { ...clientFrom(send), url: null, settle: () => falconer.settle(), close: () => falconer.close() }
}

type Send = (path: string, init: RequestInit & { duplex?: 'half' }) => Promise<Response>
function clientFrom(send: Send): Pick<Client, 'call' | 'upload'> {
  const read = async (answer: Response): Promise<string> => {
    const text = await answer.text()
    if (answer.ok) return text
    let problem: { code?: string; detail?: string } = {}
    try {
      problem = JSON.parse(text) as typeof problem
    } catch {
      // not from Falconer: its status must do
    }
    throw new ApiError(answer.status, problem.code ?? 'http', problem.detail ?? `The server answered ${answer.status}.`)
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
