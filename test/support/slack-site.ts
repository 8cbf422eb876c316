/** A Slack on this machine: the emulator behind a door that counts what is asked, at the test’s own time, and fails as the test says. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createEmulator, type Emulator } from 'emulate'
import { Secret } from '../../domain/redact.ts'

export type Asked = { method: string; at: number; channel: string; body: URLSearchParams }
/** Null: as Slack would. `lost`: taken by Slack, and the answer does not come back. */
export type Failure = { status: number; headers?: Record<string, string>; body?: object } | 'silent' | 'lost' | null
export type SlackMessageThere = {
  ts: string
  thread_ts?: string
  text: string
  blocks?: unknown[]
  metadata?: { event_payload: { key: string } }
  user: string
}

export class SlackSite {
  readonly asked: Asked[] = []
  readonly token = new Secret('xoxb-of-this-test-only')
  fails: (asked: Asked) => Failure = () => null
  #emulator: Emulator
  #server = createServer((request, response) => void this.#answer(request, response).catch(() => response.destroy()))
  #now: () => Date
  private constructor(emulator: Emulator, now: () => Date) {
    this.#emulator = emulator
    this.#now = now
  }
  static async open(now: () => Date = () => new Date(), scopes?: string[]): Promise<SlackSite> {
    const token = { token: 'xoxb-of-this-test-only', type: 'bot', user: 'admin' as const, ...(scopes === undefined ? {} : { scopes }) }
    const port = await freePort()
    const emulator = await createEmulator({
      service: 'slack',
      port,
      seed: { slack: { tokens: [token], strict_scopes: scopes !== undefined } },
    })
    const site = new SlackSite(emulator, now)
    await new Promise<void>((resolve) => site.#server.listen(0, '127.0.0.1', resolve))
    const made = (await site.call('conversations.create', { name: 'incidents' })) as { channel?: { id: string } }
    site.general = made.channel?.id ?? site.general
    return site
  }
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/api/`
  }
  /** A channel of its own in every Slack. */ general = 'C000000001'
  readonly random = 'C000000002'

  /** Oldest first, as people read them. */
  async messages(channel = this.general): Promise<SlackMessageThere[]> {
    return (await this.#ask<{ messages: SlackMessageThere[] }>('conversations.history', { channel, limit: '1000' })).messages.toReversed()
  }
  async replies(ts: string, channel = this.general): Promise<SlackMessageThere[]> {
    const { messages } = await this.#ask<{ messages: SlackMessageThere[] }>('conversations.replies', { channel, ts })
    return messages.filter((one) => one.ts !== ts)
  }
  async call(method: string, body: Record<string, string>): Promise<unknown> {
    return this.#ask(method, body)
  }
  of(method: string): Asked[] {
    return this.asked.filter((one) => one.method === method)
  }
  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
    await this.#emulator.close()
  }

  async #ask<T>(method: string, body: Record<string, string>): Promise<T> {
    const headers = { authorization: `Bearer ${this.token.reveal()}` }
    const answer = await fetch(`${this.#emulator.url}/api/${method}`, { method: 'POST', headers, body: new URLSearchParams(body) })
    return (await answer.json()) as T
  }
  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const text = Buffer.concat(chunks).toString()
    const body = new URLSearchParams(text)
    const asked = { method: (request.url ?? '').replace('/api/', ''), at: this.#now().getTime(), channel: body.get('channel') ?? '', body }
    this.asked.push(asked)
    const failure = this.fails(asked)
    if (failure === 'silent') return
    if (failure !== null && failure !== 'lost') {
      response.writeHead(failure.status, { 'content-type': 'application/json', ...failure.headers }).end(JSON.stringify(failure.body ?? {}))
      return
    }
    const headers = { authorization: request.headers.authorization ?? '', 'content-type': request.headers['content-type'] ?? '' }
    const answer = await fetch(`${this.#emulator.url}${request.url}`, { method: 'POST', headers, body: text })
    const content = await answer.text()
    if (failure === 'lost') return void response.destroy()
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(content)
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
