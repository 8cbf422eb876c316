/** The proxy for models: asked for every address at https:// but those that are excepted, with what it wants to know; and for nothing else. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer as plainServer, type Server } from 'node:http'
import { createServer } from 'node:https'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadConfig } from '../../config/config.ts'
import { ConfigError } from '../../domain/errors.ts'
import { wireOf } from './wire.ts'

let [asked, direct]: [string[], string[]] = [[], []]
let proxy: Server
let secure: Server
const portOf = (server: Server): number => (server.address() as AddressInfo).port
const listening = (server: Server): Promise<void> => new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
const folder = mkdtempSync(join(tmpdir(), 'falconer-wire-'))

/** They take openssl. */
const certificates = spawnSync('openssl', ['version']).status === 0

beforeAll(async () => {
  if (!certificates) return
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, '-days', '2', '-subj', '/CN=localhost'],
    { stdio: 'ignore' },
  )
  secure = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) => {
    let body = ''
    request.on('data', (part: Buffer) => (body += part.toString()))
    request.on('end', () =>
      response
        .writeHead(201, { 'content-type': 'application/json', 'retry-after': '7' })
        .end(JSON.stringify({ body, key: request.headers['x-api-key'] })),
    )
  }) as unknown as Server
  proxy = plainServer()
  proxy.on('connect', (request, client) => {
    asked.push(`${request.url} ${request.headers['proxy-authorization'] ?? ''}`.trim())
    // Whatever it was asked for, the only server there is here.
    const upstream = connect(portOf(secure), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      upstream.pipe(client).pipe(upstream)
    })
    upstream.on('error', () => client.destroy())
    client.on('error', () => upstream.destroy())
  })
  proxy.on('request', (request, response) => {
    direct.push(request.url ?? '')
    response.end('{}')
  })
  await Promise.all([listening(secure), listening(proxy)])
})
afterAll(async () => {
  for (const server of certificates ? [secure, proxy] : []) {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  rmSync(folder, { recursive: true, force: true })
})

const wire = (settings: Record<string, string>): typeof fetch => wireOf(loadConfig(settings, {}))
/** The certificate is nobody's: only this test believes it. */
const trusting = async (work: () => Promise<Response>): Promise<Response> => {
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'
  try {
    return await work()
  } finally {
    delete process.env.NODE_TLS_REJECT_UNAUTHORIZED
  }
}

describe.skipIf(!certificates)('the proxy for models', () => {
  it('carries a request and its answer, status and headers, and is told who asks', async () => {
    asked = []
    const fetched = wire({ HTTPS_PROXY: `http://ada:s3cret@127.0.0.1:${portOf(proxy)}` })
    const answer = await trusting(() =>
      fetched('https://api.models.test/v1/messages', { method: 'POST', headers: { 'x-api-key': 'k' }, body: '{"a":1}' }),
    )
    expect([answer.status, answer.headers.get('retry-after'), await answer.json()]).toEqual([201, '7', { body: '{"a":1}', key: 'k' }])
    expect(asked).toEqual([`api.models.test:443 Basic ${Buffer.from('ada:s3cret').toString('base64')}`])
  })

  it('is not asked for hosts that are excepted, nor for plain http', async () => {
    ;[asked, direct] = [[], []]
    const fetched = wire({ HTTPS_PROXY: `127.0.0.1:${portOf(proxy)}`, NO_PROXY: 'localhost,.internal' })
    const answer = await trusting(() => fetched(`https://localhost:${portOf(secure)}/v1/messages`, { method: 'POST', body: 'x' })).catch(
      (error: unknown) => error,
    )
    expect(asked).toEqual([])
    if (answer instanceof Response) expect(answer.status).toBe(201)
    expect((await fetched(`http://127.0.0.1:${portOf(proxy)}/v1/chat/completions`, { method: 'POST', body: '{}' })).status).toBe(200)
    expect([asked, direct]).toEqual([[], ['/v1/chat/completions']])
  })

  it('is broken off with its signal', async () => {
    const fetched = wire({ HTTPS_PROXY: `http://127.0.0.1:${portOf(proxy)}` })
    await expect(fetched('https://api.models.test/', { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' })
  })

  it('must be an address; without one there is none', () => {
    expect(() => wire({ HTTPS_PROXY: 'http://[' })).toThrow(ConfigError)
    expect(wire({})).toBe(fetch)
  })
})
