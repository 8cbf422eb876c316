import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { UpstreamError } from '../domain/errors.ts'
import { connect, identify } from './client.ts'
import { KubernetesApiError, resourcePath } from './contract.ts'
import { parseAnswer, sendRequest } from './requests.ts'
import { writeClient } from './write-client.ts'

it('of a name that no address can hold is answered as of one that nothing has', () => {
  expect(resourcePath('pods', 'a b', '../x')).toBe('/api/v1/namespaces/a%20b/pods/..%2Fx')
  expect(() => resourcePath('pods', 'shop', '\ud800')).toThrow(KubernetesApiError)
})

describe('one request to an API server', () => {
  let server: http.Server
  let url: string
  let reply: (request: http.IncomingMessage, response: http.ServerResponse) => void = () => {}
  beforeAll(async () => {
    server = http.createServer((request, response) => reply(request, response))
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve)
    })
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })
  const cluster = (server = url) =>
    connect({
      kubeconfig: JSON.stringify({
        'current-context': 'c',
        clusters: [{ name: 'c', cluster: { server, 'insecure-skip-tls-verify': true } }],
        users: [{ name: 'c', user: { token: 't' } }],
        contexts: [{ name: 'c', context: { cluster: 'c', user: 'c' } }],
      }),
    })
  const failure = async (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => undefined,
      (error: unknown) => error,
    )

  it('ends within its time, also when the answer comes drop by drop', async () => {
    reply = (_request, response) => {
      response.writeHead(200)
      const timer = setInterval(() => response.write(' '), 20)
      response.on('close', () => clearInterval(timer))
    }
    const error = await failure(sendRequest(cluster(), { method: 'GET', path: '/version', timeoutMs: 300 }))
    expect(error).toBeInstanceOf(UpstreamError)
    expect(error).toMatchObject({ retryable: true, message: expect.stringMatching(/within 0.3 s/) })
  })

  it('is sent once, whatever becomes of the connection', async () => {
    let seen = 0
    reply = (request) => {
      seen += 1
      request.socket.destroy()
    }
    for (const verb of ['create', 'patch', 'delete'] as const)
      expect(await failure(writeClient(cluster()).send({ verb, resource: 'pods', namespace: 'a', name: 'b', body: {} }))).toBeInstanceOf(
        UpstreamError,
      )
    expect(seen).toBe(3)
  })

  it('tells the server’s refusal from an answer that is none', async () => {
    reply = (_request, response) => response.writeHead(409).end('{"message":"no"}')
    expect(await failure(sendRequest(cluster(), { method: 'GET', path: '/version' }))).toMatchObject({ status: 409 })
    expect(await failure(sendRequest(cluster(), { method: 'GET', path: '/version' }))).toBeInstanceOf(KubernetesApiError)
    expect(() => parseAnswer('<html>sign in</html>')).toThrow(/something else than an API server/)
  })

  it('believes a cluster to be simulated only on this machine, and only when it says so', async () => {
    const system = { metadata: { name: 'kube-system', uid: 'u' } }
    let says = 'true'
    reply = (request, response) =>
      response
        .writeHead(200, { 'x-falconer-simulated': says })
        .end(JSON.stringify(request.url === '/version' ? { gitVersion: 'v1' } : system))
    expect((await identify(cluster())).simulated).toBe(true)
    says = 'false'
    expect((await identify(cluster())).simulated).toBe(false)
    says = 'true'
    // A name that is not loopback's, though it leads there.
    expect((await identify(cluster(url.replace('127.0.0.1', '0.0.0.0')))).simulated).toBe(false)
  })

  it('refuses a cluster that cannot be told from others', async () => {
    reply = (request, response) =>
      request.url === '/version' ? response.writeHead(200).end('{"gitVersion":"v1"}') : response.writeHead(404).end('{}')
    expect(await failure(identify(cluster()))).toMatchObject({ retryable: false, message: expect.stringMatching(/told from others/) })
  })
})
