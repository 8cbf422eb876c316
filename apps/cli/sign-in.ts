/**
 * Signing in from a terminal: the person consents in their browser, and the answer comes to a port of this machine that is open for this one answer.
 * PKCE, state and the issuer tie it to this question; nothing secret is in an address or on the screen.
 */
import { createHash, randomBytes } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ConfigError, UpstreamError } from '../../domain/errors.ts'
import { remark } from './output.ts'
import { stopSignal } from './stop.ts'

type Endpoints = { issuer: string; authorization_endpoint: string; token_endpoint: string }
const clientId = 'falconer-cli'
const patienceMs = 5 * 60_000

/** Answers the token. Throws ConfigError, UpstreamError, Interrupted. */
export async function signInInBrowser(url: string, say: (address: string) => void): Promise<string> {
  const endpoints = await endpointsOf(url)
  const [verifier, state] = [randomBytes(32).toString('base64url'), randomBytes(16).toString('base64url')]
  const waiting = await answerOnLoopback({ state, iss: endpoints.issuer })
  try {
    const asked = new URL(endpoints.authorization_endpoint)
    asked.search = new URLSearchParams({
      client_id: clientId,
      redirect_uri: waiting.redirectUri,
      response_type: 'code',
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
      state,
    }).toString()
    say(asked.href)
    const code = await waiting.code
    return await redeem(endpoints, { code, redirect_uri: waiting.redirectUri, code_verifier: verifier })
  } finally {
    waiting.close()
  }
}

/** Ends a token at its server; false when the server does not answer. */
export async function endAtServer(url: string, token: string): Promise<boolean> {
  const body = new URLSearchParams({ token, client_id: clientId })
  return fetch(`${url}/oauth/revoke`, { method: 'POST', body }).then(
    ({ ok }) => ok,
    () => false,
  )
}

async function endpointsOf(url: string): Promise<Endpoints> {
  const found = (await ask(`${url}/.well-known/oauth-authorization-server`)) as Partial<Endpoints>
  const { issuer = '', authorization_endpoint: page = '', token_endpoint: token = '' } = found
  if (issuer !== url)
    throw new ConfigError(`Falconer at ${url} calls itself ${issuer.slice(0, 200)}. Log in there: falconer login ${issuer.slice(0, 200)}`)
  for (const one of [page, token])
    if (!one.startsWith(`${url}/`)) throw new ConfigError(`Falconer at ${url} names another server to sign in at. Nothing was sent.`)
  return { issuer, authorization_endpoint: page, token_endpoint: token }
}

async function redeem({ token_endpoint: url }: Endpoints, fields: Record<string, string>): Promise<string> {
  const body = new URLSearchParams({ grant_type: 'authorization_code', client_id: clientId, ...fields })
  const { access_token: token } = (await ask(url, { method: 'POST', body })) as { access_token?: unknown }
  if (typeof token !== 'string') throw new UpstreamError('The server gave no token.', { retryable: false })
  return token
}

async function ask(url: string, init: RequestInit = {}): Promise<unknown> {
  const answer = await fetch(url, { ...init, redirect: 'error' }).catch((error: unknown) => {
    throw new ConfigError(`${new URL(url).origin} does not answer. Is Falconer running there?`, { cause: error })
  })
  const body: unknown = await answer.json().catch(() => null)
  if (answer.ok && body !== null && typeof body === 'object') return body
  throw new UpstreamError(`${new URL(url).origin} answered ${answer.status}, and not as Falconer does.`, { retryable: false })
}

type Waiting = { redirectUri: string; code: Promise<string>; close(): void }
async function answerOnLoopback(expected: { state: string; iss: string }): Promise<Waiting> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const server: Server = createServer((request, response) => {
    const { pathname, searchParams: given } = new URL(request.url ?? '/', 'http://127.0.0.1')
    const ours = pathname === '/callback' && given.get('state') === expected.state && given.get('iss') === expected.iss
    const code = given.get('code')
    const text = !ours ? 'This is not an answer that falconer waits for.' : code === null ? 'Refused. You can close this page.' : done
    response.writeHead(ours ? 200 : 400, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store', connection: 'close' })
    response.end(text)
    if (!ours) return
    if (code === null) reject(new ConfigError('The sign-in was refused on the page.'))
    else resolve(code)
  })
  await new Promise<void>((listening, failed) => server.once('error', failed).listen(0, '127.0.0.1', listening))
  const late = setTimeout(() => reject(new ConfigError('Nobody answered on the page for 5 minutes. Run it again.')), patienceMs)
  stopSignal().addEventListener('abort', () => reject(new ConfigError('Stopped before the sign-in was done.')), { once: true })
  // Told to whoever awaits it; it may come before anybody does.
  promise.catch(() => {})
  const close = (): void => {
    clearTimeout(late)
    server.close()
    server.closeAllConnections()
  }
  return { redirectUri: `http://127.0.0.1:${(server.address() as AddressInfo).port}/callback`, code: promise, close }
}
const done = 'You are signed in at the command line. You can close this page.'

/** The token of a person who pasted it. */
export async function pastedToken(url: string): Promise<string> {
  if (process.stdin.isTTY) remark(`Paste a token of ${url}/account, then Enter:`)
  let text = ''
  for await (const part of process.stdin.setEncoding('utf8')) {
    text += part as string
    if (text.includes('\n') || text.length > 1_000) break
  }
  const token = text.trim()
  if (!/^flc_[\w-]{30,60}$/.test(token)) throw new ConfigError('That is not an API token: one begins with flc_.')
  const answer = await fetch(`${url}/mcp`, { headers: { authorization: `Bearer ${token}` } }).catch((error: unknown) => {
    throw new ConfigError(`${url} does not answer. Is Falconer running there?`, { cause: error })
  })
  await answer.body?.cancel()
  if (answer.status === 401) throw new ConfigError(`Falconer at ${url} does not accept this token: it is unknown, revoked or expired.`)
  return token
}
