/**
 * Far more than a server can store, from the senders there are in the world: steady ones at ten times its rate, hundreds at once,
 * bodies that announce much and send little, bodies of unknown length, connections that say nothing. What each was told is counted.
 */
import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { type Answer, lineOf, post } from './ingest-load.ts'

export const pause = (ms: number): Promise<void> => new Promise((resume) => void setTimeout(resume, ms))
/** Megabytes of resident memory. */
export const residentMegabytes = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024

/** Samples it until told to stop; answers the most. */
export function watchMemory(pid: number): () => number {
  let most = residentMegabytes(pid)
  const timer = setInterval(() => (most = Math.max(most, residentMegabytes(pid))), 50)
  return () => {
    clearInterval(timer)
    return Math.max(most, residentMegabytes(pid))
  }
}

export type Told = {
  posts: number
  sent: number
  accepted: number
  duplicates: number
  refused: number
  refusedAlerts: number
  others: string[]
  stored: number[]
}
export const nothingTold = (): Told => ({
  posts: 0,
  sent: 0,
  accepted: 0,
  duplicates: 0,
  refused: 0,
  refusedAlerts: 0,
  others: [],
  stored: [],
})

/** Numbers what it posts, and takes down every answer. */
export class Poster {
  readonly told = nothingTold()
  readonly #url: string
  #next: number

  constructor(url: string, from: number) {
    this.#url = url
    this.#next = from
  }

  async post(count: number, agent: Agent, headers: Record<string, string> = {}): Promise<void> {
    const from = this.#next
    this.#next += count
    const body = Array.from({ length: count }, (_, index) => lineOf(from + index)).join('\n')
    this.told.posts += 1
    this.told.sent += count
    const answer = await post(this.#url, body, agent, headers).catch((error: unknown) => String(error))
    if (typeof answer === 'string') this.told.others.push(answer)
    else this.#hear(answer, from, count)
  }

  #hear({ status, headers, text }: Answer, from: number, count: number): void {
    const { told } = this
    if (status === 200) {
      const tally = JSON.parse(text) as { accepted: number; duplicates: number }
      told.accepted += tally.accepted
      told.duplicates += tally.duplicates
      for (let n = from; n < from + count; n += 1) told.stored.push(n)
    } else if ((status === 503 || status === 429) && Number(headers['retry-after']) > 0) {
      told.refused += 1
      told.refusedAlerts += count
    } else told.others.push(`${status} ${text}`)
  }
}

/** So many alerts, as many at once as there are connections. */
export async function fill(poster: Poster, alerts: number, ofBody: number, connections: number): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const from = performance.now()
  let left = Math.ceil(alerts / ofBody)
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (left-- > 0) await poster.post(ofBody, agent)
    }),
  )
  agent.destroy()
  return (alerts / (performance.now() - from)) * 1_000
}

/** Posts of `ofBody` at this rate (alerts a second) for so long, without waiting for answers; resolves when all are answered. */
export async function flood(poster: Poster, rate: number, ofBody: number, forMs: number, connections: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const under: Promise<void>[] = []
  const from = performance.now()
  for (let sent = 0; performance.now() - from < forMs; await pause(5))
    for (; sent < ((performance.now() - from) / 1_000) * (rate / ofBody); sent += 1) under.push(poster.post(ofBody, agent))
  await Promise.all(under)
  agent.destroy()
}

export type Slow = { answers: Map<string, number>; done: Promise<void> }
/** Announces 32 MB, or nothing at all, and sends a byte now and then until it is answered or cut off. */
export function slowBodies(url: string, count: number, announced: boolean): Slow {
  const answers = new Map<string, number>()
  const one = (): Promise<void> =>
    new Promise((resolve) => {
      const headers = { 'content-type': 'application/json', ...(announced ? { 'content-length': 32 * 1024 * 1024 } : {}) }
      const asked = request(url, { method: 'POST', agent: false, headers })
      const timer = setInterval(() => asked.write('{'), 250)
      const end = (how: string): void => {
        clearInterval(timer)
        if (!asked.destroyed) asked.destroy()
        answers.set(how, (answers.get(how) ?? 0) + 1)
        resolve()
      }
      let heard = false
      asked.on('response', (answer) => {
        heard = true
        answer.resume()
        end(String(answer.statusCode))
      })
      asked.on('error', () => heard || end('cut'))
      asked.flushHeaders()
    })
  return { answers, done: Promise.all(Array.from({ length: count }, one)).then(() => {}) }
}

/** Connections that say nothing. */
export function silentConnections(
  url: string,
  count: number,
): { /** How many the other side has closed. */ closed(): number; end(): void } {
  const { hostname, port } = new URL(url)
  const sockets: Socket[] = Array.from({ length: count }, () =>
    connect(Number(port), hostname)
      .on('error', () => {})
      .resume(),
  )
  return {
    closed: () => sockets.filter((socket) => socket.closed).length,
    end: () => {
      for (const socket of sockets) socket.destroy()
    },
  }
}
