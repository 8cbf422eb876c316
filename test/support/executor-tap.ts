/**
 * A tap on the line between the executor and a simulated cluster: a loopback proxy that keeps every request as it arrived, byte
 * for byte, and can hold, drop, swallow or answer one. So a test sees what was really sent, without a hook in the product.
 */
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import type { SimulatedCluster } from '../../clusters/simulated/server.ts'

export type Arrival = {
  /** Whether it went on to the cluster. */ reached: boolean
  number: number
  method: string
  path: string
  query: URLSearchParams
  body: string
  dryRun: boolean
  write: boolean
}
/** forward: as usual. drop: the connection breaks. swallow: answered as done, and not done. lose: done, and the answer is lost. */
export type Fate = 'forward' | 'drop' | 'swallow' | 'lose' | { status: number; message: string }

export type Tap = {
  url: string
  kubeconfig(as: 'admin' | 'reader' | 'executor'): string
  readonly arrivals: readonly Arrival[]
  /** What would change the cluster: dry runs are not counted. */
  writes(): Arrival[]
  /** Decides on each request before it goes on; waits may be long. */
  decide: (arrival: Arrival) => Fate | Promise<Fate>
  /** Called when the cluster has answered, before the answer goes back. */
  answered: (arrival: Arrival) => void | Promise<void>
  /** Leaves out that the cluster is simulated: to Falconer it is a real one then. */
  posesAsReal: boolean
  clear(): void
  stop(): Promise<void>
}

export async function openTap(cluster: SimulatedCluster): Promise<Tap> {
  const arrivals: Arrival[] = []
  const server = http.createServer((request, response) => {
    relay(request, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const tap: Tap = {
    url,
    kubeconfig: (as) => cluster.kubeconfig(as).replaceAll(cluster.url, url),
    arrivals,
    writes: () => arrivals.filter((one) => one.write),
    decide: () => 'forward',
    answered: () => {},
    posesAsReal: false,
    clear: () => arrivals.splice(0),
    stop: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => {
        server.close(resolve)
      })
    },
  }

  async function relay(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    const body = Buffer.concat(parts)
    const to = new URL(request.url ?? '/', cluster.url)
    const dryRun = to.searchParams.get('dryRun') === 'All'
    const method = request.method ?? 'GET'
    const arrival: Arrival = {
      reached: false,
      number: arrivals.length + 1,
      method,
      path: to.pathname,
      query: to.searchParams,
      body: body.toString('utf8'),
      dryRun,
      write: method !== 'GET' && !dryRun,
    }
    arrivals.push(arrival)
    const fate = await tap.decide(arrival)
    if (fate === 'drop') return void response.destroy()
    if (fate === 'swallow') return void response.writeHead(200, { 'x-falconer-simulated': 'true' }).end('{}')
    if (typeof fate === 'object') return void response.writeHead(fate.status).end(JSON.stringify({ message: fate.message }))
    arrival.reached = true
    const answer = await fetch(to, {
      method,
      headers: { authorization: request.headers.authorization ?? '', 'content-type': request.headers['content-type'] ?? '' },
      ...(body.length === 0 ? {} : { body }),
    })
    const text = Buffer.from(await answer.arrayBuffer())
    await tap.answered(arrival)
    if (fate === 'lose') return void response.destroy()
    response.writeHead(answer.status, { 'x-falconer-simulated': String(!tap.posesAsReal) }).end(text)
  }
  return tap
}
