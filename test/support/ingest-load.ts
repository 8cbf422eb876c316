/**
 * Alerts as numbers: the bytes of alert n follow from n, so a million need not be kept to be compared. Senders post them over
 * connections kept alive and know of every alert whether it was answered 2xx; what was not they send again.
 */
import { Agent, request } from 'node:http'

/** The bytes of alert n. White space, escapes and digits are unusual on purpose: they must come back as they were sent. */
export function lineOf(n: number, scope = 0): string {
  const ns = 1_789_378_800_000_000_000n + BigInt(n) * 1_000_003n
  const time = new Date(Number(ns / 1_000_000n)).toISOString().replace('Z', `${String(ns % 1_000_000n).padStart(6, '0')}Z`)
  return `{"hostname":"node-${n % 3}", "rule":"Read sensitive file untrusted","priority":"Warning","source":"syscall","time":"${time}",\t"tags":["T1555"],"output":"n=${n}  \\u00e9é\\u0000","output_fields":{"n":${n},"set":${scope},"evt.time":${ns},"container.id":"c0ffee${(n % 20).toString(16).padStart(6, '0')}","proc.name":"cat","proc.cmdline":"cat \\/etc\\/shadow \\ud800 ${n}","proc.pid":9007199254740993,"load":1.50}}`
}

export type Answer = { status: number; headers: Record<string, string | string[] | undefined>; text: string }

/** Rejects when no whole answer came. */
export function post(url: string, body: string | Buffer, agent?: Agent, headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const bytes = Buffer.from(body)
    const sent = { 'content-type': 'application/json', 'content-length': String(bytes.length), ...headers }
    const asked = request(url, { method: 'POST', agent, headers: sent }, (answer) => {
      let text = ''
      answer.setEncoding('utf8')
      answer.on('data', (part: string) => (text += part))
      answer.on('end', () =>
        answer.complete ? resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }) : reject(new Error('cut off')),
      )
      answer.on('error', reject)
    })
    asked.on('error', reject)
    asked.end(bytes)
  })
}

/** A small generator of numbers in [0, 1), the same for the same seed. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

type Body = { from: number; count: number }

export class Senders {
  readonly set: number
  /** Of every alert that was ever sent: 1 when it was answered 2xx. */
  readonly answered: number[] = []
  /** How many posts were answered 2xx. */
  answers = 0
  readonly #random: () => number
  #again: Body[] = []

  constructor(set: number, seed: number) {
    this.set = set
    this.#random = randomFrom(seed)
  }

  /** Posts on so many connections until told to stop or nobody listens; first what was not answered before. */
  async send(url: string, connections: number, stop: AbortSignal): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: connections })
    const waiting = this.#again
    this.#again = []
    const worker = async (): Promise<void> => {
      while (!stop.aborted) {
        const body = waiting.pop() ?? this.#fresh()
        const numbers = Array.from({ length: body.count }, (_, index) => body.from + index)
        const lines = numbers.map((n) => lineOf(n, this.set))
        const answer = await post(url, body.count > 1 && body.from % 2 === 0 ? `[${lines.join(',')}]` : lines.join('\n'), agent).catch(
          () => null,
        )
        if (answer !== null && answer.status >= 200 && answer.status < 300) {
          this.answers += 1
          for (const n of numbers) this.answered[n] = 1
        } else this.#again.push(body)
        if (answer === null) return
      }
    }
    await Promise.all(Array.from({ length: connections }, worker))
    this.#again.push(...waiting)
    agent.destroy()
  }

  #fresh(): Body {
    const body = { from: this.answered.length, count: this.#random() < 0.6 ? 1 : 2 + Math.floor(this.#random() * 200) }
    for (let n = 0; n < body.count; n += 1) this.answered.push(0)
    return body
  }
}
