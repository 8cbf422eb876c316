/**
 * A Slack on this machine, with people in it: the emulator of its Web API behind a door that keeps every call, knows what the emulator does not (the assistant
 * pane, `response_url`, connections of Socket Mode), and makes what Slack would send: events, clicks, forms and commands, signed like Slack’s.
 */
import { createHmac } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createEmulator, type Emulator } from 'emulate'

export const signingSecret = 'signing-secret-of-this-test-only'
export const botToken = 'xoxb-of-this-test-only'
export const team = 'T000000001'
export type Call = { method: string; body: Record<string, unknown> }
export type Shown = { ts: string; thread_ts?: string; text: string; user: string; blocks?: unknown[] }

export class SlackWorkspace {
  readonly calls: Call[] = []
  /** What came to the address that a command may answer at. */ readonly responses: Record<string, unknown>[] = []
  readonly people = new Map<string, string>()
  channel = ''
  /** Where a socket is opened; null: it is refused. */ socketUrl: string | null = null
  /** Slack has done it, and has not answered yet. */ took: (call: Call) => void = () => {}
  /** Answers instead of Slack; a promise that is never kept: Slack is silent. */ fails: (
    call: Call,
  ) => object | null | Promise<object | null> = () => null
  /** What Slack says it lets the token do; null: it does not say. */ scopes: readonly string[] | null = null
  #emulator: Emulator
  #server = createServer((request, response) => void this.#answer(request, response).catch(() => response.destroy()))
  #count = 0
  private constructor(emulator: Emulator) {
    this.#emulator = emulator
  }

  static async open(names: readonly string[] = ['ada', 'bob', 'eve']): Promise<SlackWorkspace> {
    const slack = {
      users: names.map((name) => ({ name })),
      channels: [{ name: 'security' }],
      oauth_apps: [
        {
          client_id: '1.2',
          client_secret: 'x',
          app_id: 'A1',
          name: 'Falconer',
          redirect_uris: ['http://localhost/'],
          scopes: ['chat:write'],
          bot_name: 'falconer',
        },
      ],
      tokens: [
        { token: botToken, user: 'falconer', scopes: ['chat:write', 'channels:read', 'channels:history', 'im:write', 'users:read'] },
      ],
    }
    const site = new SlackWorkspace(await createEmulator({ service: 'slack', port: await freePort(), seed: { slack } }))
    await new Promise<void>((resolve) => site.#server.listen(0, '127.0.0.1', resolve))
    const { members } = await site.call<{ members: { id: string; name: string }[] }>('users.list')
    for (const { id, name } of members) site.people.set(name, id)
    const { channels } = await site.call<{ channels: { id: string; name: string }[] }>('conversations.list')
    site.channel = channels.find(({ name }) => name === 'security')?.id ?? ''
    return site
  }
  get url(): string {
    return `${this.#origin}/api/`
  }
  get #origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }
  user(name: string): string {
    const id = this.people.get(name)
    if (id === undefined) throw new Error(`nobody is called ${name}`)
    return id
  }
  async direct(name: string): Promise<string> {
    return (await this.call<{ channel: { id: string } }>('conversations.open', { users: this.user(name) })).channel.id
  }
  /** Past the door: not kept. */
  async call<T>(method: string, body: Record<string, string> = {}): Promise<T> {
    const answer = await fetch(`${this.#emulator.url}/api/${method}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${botToken}` },
      body: new URLSearchParams(body),
    })
    const found = (await answer.json()) as T & { ok: boolean; error?: string }
    if (!found.ok) throw new Error(`${method}: ${found.error}`)
    return found
  }
  async thread(ts: string, channel = this.channel): Promise<Shown[]> {
    return (await this.call<{ messages: Shown[] }>('conversations.replies', { channel, ts })).messages.filter((one) => one.ts !== ts)
  }
  async messages(channel = this.channel): Promise<Shown[]> {
    return (await this.call<{ messages: Shown[] }>('conversations.history', { channel })).messages.toReversed()
  }
  of(method: string): Record<string, unknown>[] {
    return this.calls.filter((one) => one.method === method).map(({ body }) => body)
  }
  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
    await this.#emulator.close()
  }

  /** An id of this kind that nothing had before. */
  fresh(kind: string): string {
    return `${kind}${(this.#count += 1).toString().padStart(9, '0')}`
  }
  event(event: Record<string, unknown>, over: Record<string, unknown> = {}): Record<string, unknown> {
    return { type: 'event_callback', team_id: team, api_app_id: 'A1', event_id: this.fresh('Ev'), event_time: 1, event, ...over }
  }
  /** A message in the channel that begins a thread, or answers in one. */
  async mention(name: string, text: string, thread?: string): Promise<Record<string, unknown>> {
    return this.event(await this.#said(name, `<@UBOT> ${text}`, this.channel, { type: 'app_mention' }, thread))
  }
  async directMessage(name: string, text: string, thread?: string): Promise<Record<string, unknown>> {
    return this.event(await this.#said(name, text, await this.direct(name), { type: 'message', channel_type: 'im' }, thread))
  }
  /** It stands there, so that it can be answered. */
  async #said(
    name: string,
    text: string,
    channel: string,
    kind: Record<string, string>,
    thread?: string,
  ): Promise<Record<string, unknown>> {
    const inThread: Record<string, string> = thread === undefined ? {} : { thread_ts: thread }
    const { ts } = await this.call<{ ts: string }>('chat.postMessage', { channel, text, ...inThread })
    return { ...kind, user: this.user(name), text, ts, channel, ...inThread }
  }
  command(name: string, text: string): Record<string, string> {
    return {
      command: '/falconer',
      text,
      user_id: this.user(name),
      user_name: name,
      team_id: team,
      team_domain: 'test',
      channel_id: this.channel,
      trigger_id: this.fresh('trigger'),
      response_url: `${this.#origin}/respond`,
      api_app_id: 'A1',
    }
  }
  /** Of a button of a message as it stands in the channel; sent twice it is the same click. */
  async click(name: string, message: Shown, actionId: string): Promise<Record<string, unknown>> {
    const button = buttonsOf(message).find(({ action_id }) => action_id === actionId)
    if (button === undefined) throw new Error(`no button ${actionId}`)
    return this.press(name, message.ts, actionId, button.value)
  }
  /** `trigger`: the emulator, which opens forms, has not given it, and gives few. */
  async press(name: string, ts: string, actionId: string, value: string | undefined, trigger?: string): Promise<Record<string, unknown>> {
    const trigger_id = trigger ?? (await this.call<{ trigger_id: string }>('views.generateTriggerId', { user: this.user(name) })).trigger_id
    return {
      type: 'block_actions',
      team: { id: team, domain: 'test' },
      user: { id: this.user(name), username: name, team_id: team },
      api_app_id: 'A1',
      trigger_id,
      container: { type: 'message', message_ts: ts, channel_id: this.channel },
      channel: { id: this.channel, name: 'security' },
      message: { ts, text: '' },
      actions: [{ type: 'button', action_id: actionId, block_id: 'falconer_actions', value, action_ts: '1' }],
    }
  }
  /** The form that was opened last. */
  get form(): Record<string, unknown> {
    return this.of('views.open').at(-1)?.view as Record<string, unknown>
  }
  submit(name: string, reason: string, form: Record<string, unknown> = this.form): Record<string, unknown> {
    return {
      type: 'view_submission',
      team: { id: team, domain: 'test' },
      user: { id: this.user(name), username: name, team_id: team },
      api_app_id: 'A1',
      trigger_id: this.fresh('trigger'),
      view: {
        ...form,
        id: this.fresh('V'),
        hash: '1',
        state: { values: { reason: { reason: { type: 'plain_text_input', value: reason } } } },
      },
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    const text = Buffer.concat(parts).toString()
    if (request.url === '/respond') {
      this.responses.push(JSON.parse(text) as Record<string, unknown>)
      return void response.end('ok')
    }
    const method = (request.url ?? '').replace(/^\/api\//, '')
    const call = { method, body: fieldsOf(text) }
    this.calls.push(call)
    const instead = (await this.fails(call)) ?? this.#unknownToTheEmulator(method)
    if (instead !== null) return void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(instead))
    const answer = await fetch(`${this.#emulator.url}${request.url}`, {
      method: 'POST',
      headers: { authorization: request.headers.authorization ?? '', 'content-type': request.headers['content-type'] ?? '' },
      body: text,
    })
    const scopes = this.scopes === null ? {} : { 'x-oauth-scopes': this.scopes.join(',') }
    const content = await answer.text()
    this.took(call)
    response.writeHead(answer.status, { 'content-type': 'application/json', ...scopes }).end(content)
  }
  #unknownToTheEmulator(method: string): object | null {
    if (method.startsWith('assistant.')) return { ok: true }
    if (method !== 'apps.connections.open') return null
    return this.socketUrl === null ? { ok: false, error: 'invalid_auth' } : { ok: true, url: this.socketUrl }
  }
}

/** As Slack sends it: JSON, or a form that holds it. */
export function signed(
  body: Record<string, unknown>,
  { at = new Date(), secret = signingSecret } = {},
): { headers: Record<string, string>; body: string } {
  const form = body.type !== 'event_callback' && body.type !== 'url_verification'
  const text = form ? formOf(body) : JSON.stringify(body)
  const timestamp = String(Math.floor(at.getTime() / 1_000))
  return {
    body: text,
    headers: {
      'content-type': form ? 'application/x-www-form-urlencoded' : 'application/json',
      'x-slack-request-timestamp': timestamp,
      'x-slack-signature': signatureOf(text, timestamp, secret),
    },
  }
}
export const signatureOf = (body: string, timestamp: string, secret = signingSecret): string =>
  `v0=${createHmac('sha256', secret).update(`v0:${timestamp}:${body}`).digest('hex')}`

const formOf = (body: Record<string, unknown>): string =>
  'command' in body
    ? new URLSearchParams(body as Record<string, string>).toString()
    : new URLSearchParams({ payload: JSON.stringify(body) }).toString()

function fieldsOf(text: string): Record<string, unknown> {
  return Object.fromEntries(
    [...new URLSearchParams(text)].map(([name, value]) => [name, /^(?:\[\{|\{")/.test(value) ? (JSON.parse(value) as unknown) : value]),
  )
}

export type Button = { action_id: string; value?: string; url?: string }
export const buttonsOf = ({ blocks = [] }: Pick<Shown, 'blocks'>): Button[] =>
  (blocks as { type: string; elements?: Button[] }[]).filter(({ type }) => type === 'actions').flatMap(({ elements = [] }) => elements)

/** All text of blocks, as people read it. */
export function readable(blocks: unknown): string {
  if (Array.isArray(blocks)) return blocks.map(readable).join('')
  if (blocks === null || typeof blocks !== 'object') return ''
  const { text, elements, type = '', fallback = '' } = blocks as { text?: unknown; elements?: unknown; type?: string; fallback?: string }
  const end = ['rich_text_section', 'context', 'header', 'rich_text_preformatted'].includes(type) ? '\n' : ''
  return `${typeof text === 'string' ? text : readable(text)}${fallback}${readable(elements)}${end}`
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
