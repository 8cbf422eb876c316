/** The other end of Socket Mode, as far as an app sees it: says hello, sends envelopes, and keeps what the app answers. */
import type { AddressInfo } from 'node:net'
import { WebSocketServer, type WebSocket } from 'ws'

export type Answered = { envelope_id: string; payload?: Record<string, unknown> }

export class SlackSocket {
  readonly answered: Answered[] = []
  connections = 0
  #server: WebSocketServer
  #open: WebSocket | null = null
  #count = 0
  private constructor(server: WebSocketServer) {
    this.#server = server
    server.on('connection', (socket) => {
      this.connections += 1
      this.#open = socket
      socket.on('message', (data) => this.answered.push(JSON.parse(String(data)) as Answered))
      socket.send(JSON.stringify({ type: 'hello', num_connections: 1, connection_info: { app_id: 'A1' } }))
    })
  }
  /** `port`: where another one was. */
  static async open(port = 0): Promise<SlackSocket> {
    const server = new WebSocketServer({ port, host: '127.0.0.1' })
    await new Promise<void>((resolve) => server.once('listening', resolve))
    return new SlackSocket(server)
  }
  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }
  /** Answers the envelope’s id. `again`: as one that Slack believes was not heard. */
  send(payload: Record<string, unknown>, again?: number): string {
    const id = `env-${(this.#count += 1)}`
    const type = payload.type === 'event_callback' ? 'events_api' : 'command' in payload ? 'slash_commands' : 'interactive'
    const retry = again === undefined ? {} : { retry_attempt: again, retry_reason: 'timeout' }
    this.#open?.send(JSON.stringify({ envelope_id: id, type, payload, accepts_response_payload: type !== 'events_api', ...retry }))
    return id
  }
  answerTo(id: string): Answered | undefined {
    return this.answered.find(({ envelope_id }) => envelope_id === id)
  }
  /** As Slack does every few hours. */
  refresh(): void {
    this.#open?.send(JSON.stringify({ type: 'disconnect', reason: 'refresh_requested' }))
  }
  async close(): Promise<void> {
    for (const one of this.#server.clients) one.terminate()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
