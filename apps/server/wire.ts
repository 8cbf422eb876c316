/** How requests to models reach the network: directly, or by the proxy that HTTPS_PROXY names. Nothing else of Falconer goes through it. */
import { Agent, request } from 'node:https'
import { Readable } from 'node:stream'
import { ConfigError } from '../../domain/errors.ts'
import type { Secret } from '../../domain/redact.ts'

export function wireOf(proxy: { HTTPS_PROXY?: Secret | undefined; NO_PROXY?: string | undefined }): typeof fetch {
  if (proxy.HTTPS_PROXY === undefined) return fetch
  const agent = agentBy(withScheme(proxy.HTTPS_PROXY.reveal()), proxy.NO_PROXY)
  return (address, init) => {
    const url = new URL(address instanceof Request ? address.url : address)
    return url.protocol === 'https:' ? through(agent, url, init ?? {}) : fetch(address, init)
  }
}

/** curl takes `proxy:3128` too. */
const withScheme = (address: string): string => (/^https?:\/\//.test(address) ? address : `http://${address}`)

function agentBy(proxy: string, except: string | undefined): Agent {
  if (!URL.canParse(proxy)) throw new ConfigError('HTTPS_PROXY is no address: write http://proxy.example.org:3128.')
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  // An older one would ignore it, and connect directly.
  if (major < 22 || (major === 22 && minor < 21) || (major === 24 && minor < 5))
    throw new ConfigError(
      `HTTPS_PROXY needs Node 22.21 or 24.5 and newer, not ${process.versions.node}: start Falconer with ./bin/falconer.`,
    )
  return new Agent({ keepAlive: true, proxyEnv: { HTTPS_PROXY: proxy, ...(except === undefined ? {} : { NO_PROXY: except }) } })
}

/** As `fetch` answers, for what SDKs of models send: a text, no redirects. */
function through(agent: Agent, url: URL, { method = 'GET', headers, body, signal }: RequestInit): Promise<Response> {
  if (signal?.aborted === true) return Promise.reject(signal.reason as Error)
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent, method, headers: Object.fromEntries(new Headers(headers)), ...(signal && { signal }) }, (answer) => {
      const told = new Headers()
      for (const [name, value] of Object.entries(answer.headers)) if (value !== undefined) told.set(name, String(value))
      const status = answer.statusCode ?? 502
      const empty = status === 204 || status === 304
      resolve(new Response(empty ? null : (Readable.toWeb(answer) as ReadableStream<Uint8Array>), { status, headers: told }))
    })
    sent.on('error', reject)
    sent.end(typeof body === 'string' ? body : undefined)
  })
}
