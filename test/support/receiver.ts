/** Somebody’s webhook on this machine: keeps every request it gets, and answers as the test says. */
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Received = { at: number; path: string; headers: IncomingHttpHeaders; body: string; event: CloudEvent }
export type CloudEvent = {
  id: string
  type: string
  source: string
  subject: string
  sequence: string
  time: string
  data: Record<string, unknown>
} & Record<string, unknown>
type Answer = (response: ServerResponse, received: Received, place: number) => void

export const answers = {
  ok: (response: ServerResponse): void => void response.writeHead(204).end(),
  status:
    (status: number, headers: Record<string, string> = {}): Answer =>
    (response) =>
      void response.writeHead(status, headers).end('no'),
  /** Takes it in and says nothing. */ never: (): void => {},
  cut: (response: ServerResponse): void => void response.destroy(),
}

export class Receiver {
  readonly received: Received[] = []
  answer: Answer = answers.ok
  #server: Server
  #port = 0

  constructor() {
    this.#server = this.#make()
  }
  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(this.#port, '127.0.0.1', resolve))
    this.#port = (this.#server.address() as AddressInfo).port
    return this
  }
  /** With a part that nobody else may hear of. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}/hook-of-nobody-else?key=only-ours-4711`
  }
  /** What was taken, each once, as a receiver that knows repetitions by their id. */
  get events(): CloudEvent[] {
    return [...new Map(this.received.map(({ event }) => [event.id, event])).values()]
  }
  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
  /** Back on the same port. */
  async comeBack(): Promise<void> {
    this.#server = this.#make()
    await this.listen()
  }

  #make(): Server {
    return createServer((request, response) => {
      const parts: Buffer[] = []
      request.on('data', (part: Buffer) => parts.push(part))
      request.on('end', () => {
        const body = Buffer.concat(parts).toString()
        const received = { at: Date.now(), path: request.url ?? '', headers: request.headers, body, event: JSON.parse(body) as CloudEvent }
        this.received.push(received)
        this.answer(response, received, this.received.length - 1)
      })
    })
  }
}
