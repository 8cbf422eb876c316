/**
 * Sessions of clients of 2025, which can be asked and told something only on a connection that lasts. A session is its token's, role's and choice's
 * alone: whoever comes with another finds none. There are few, each ends when nobody used it for a while, and none survives a restart.
 */
import { type AuthInfo, isInitializeRequest, WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/server'
import { ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server'
import { watchable } from '../../tools/serve-resources.ts'
import type { Falconer } from './falconer.ts'
import { contextOf, type Reader, readerOf, serverFor } from './mcp-reader.ts'
import { type Standing, standing } from './mcp-standing.ts'
import type { Watched } from './mcp-watched.ts'

export const sessionLimits = { all: 512, each: 256, watched: 100, idleMs: 30 * 60_000 }
const sweptEveryMs = 60_000

type Session = {
  id: string
  whose: string
  transport: WebStandardStreamableHTTPServerTransport
  usedAt: number
  stream: Standing | undefined
  close(): Promise<void>
}
/** `body` undefined: none that can be read. `mayStill`: whether the reader may still read; asked now and then while a stream is open. */
export type Asked = { request: Request; body: unknown; auth: AuthInfo; mayStill: () => Promise<boolean> }

/** Not only the token: a role taken away or another choice of toolsets ends the session too. */
const whose = ({ principal, channel, choice }: Reader): string => JSON.stringify([principal.id, principal.role, channel, choice])

export class Sessions {
  readonly #open = new Map<string, Session>()
  readonly #falconer: Falconer
  readonly #watched: Watched
  readonly #timer: NodeJS.Timeout

  constructor(falconer: Falconer, watched: Watched) {
    this.#falconer = falconer
    this.#watched = watched
    this.#timer = setInterval(() => void this.sweep(), sweptEveryMs).unref()
  }

  get size(): number {
    return this.#open.size
  }

  /** Undefined: the request is of no session, and asks for none. */
  async answer(asked: Asked): Promise<Response | undefined> {
    const { request, body, auth } = asked
    const id = request.headers.get('mcp-session-id')
    if (id === null && !isInitializeRequest(body)) return undefined
    const session = id === null ? await this.#begin(readerOf(auth)) : this.#open.get(id)
    if (session === undefined || session.whose !== whose(readerOf(auth))) return noSession()
    session.usedAt = this.#now()
    const response = await session.transport.handleRequest(request, { authInfo: auth, ...(body === undefined ? {} : { parsedBody: body }) })
    if (session.transport.sessionId === undefined) await this.#end(session)
    return request.method === 'GET' && response.ok ? this.#stand(session, response, asked) : response
  }

  /** Ends what nobody used for a while and nobody listens to. */
  async sweep(): Promise<void> {
    const idle = [...this.#open.values()].filter((one) => one.stream === undefined && this.#now() - one.usedAt > sessionLimits.idleMs)
    await Promise.all(idle.map((one) => this.#end(one)))
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await Promise.all([...this.#open.values()].map((one) => this.#end(one)))
  }

  async #begin(reader: Reader): Promise<Session> {
    await this.#makeRoom(whose(reader))
    const id = crypto.randomUUID()
    const server = serverFor(this.#falconer, reader, { watching: true })
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => id,
      onsessionclosed: () => this.#end(session),
    })
    const watching = watchingOf(this.#falconer, this.#watched, server, reader)
    const session: Session = {
      id,
      whose: whose(reader),
      transport,
      usedAt: this.#now(),
      stream: undefined,
      close: async () => {
        watching.end()
        session.stream?.end()
        await server.close()
      },
    }
    this.#open.set(id, session)
    await server.connect(transport)
    return session
  }

  /** The token's own least used makes room first, then anybody's. */
  async #makeRoom(of: string): Promise<void> {
    const byUse = [...this.#open.values()].sort((a, b) => a.usedAt - b.usedAt)
    const own = byUse.filter((one) => one.whose === of)
    if (own[0] !== undefined && own.length >= sessionLimits.each) await this.#end(own[0])
    else if (byUse[0] !== undefined && byUse.length >= sessionLimits.all) await this.#end(byUse[0])
  }

  #stand(session: Session, response: Response, { mayStill }: Asked): Response {
    session.stream = standing(response, {
      mayStill: async () => (await mayStill()) || (await this.#end(session), false),
      ended: () => {
        session.stream = undefined
        session.usedAt = this.#now()
      },
    })
    return session.stream.response
  }

  async #end(session: Session): Promise<void> {
    if (!this.#open.delete(session.id)) return
    await session.close()
  }

  readonly #now = (): number => this.#falconer.clock.now().getTime()
}

type Server = ReturnType<typeof serverFor>
/** What one session watches, told on its own connection. */
function watchingOf(falconer: Falconer, watched: Watched, { server }: Server, reader: Reader): { end(): void } {
  const held = new Map<string, () => void>()
  let over = false
  const stop = watched.bus.subscribe((event) => {
    if (event.kind !== 'resource_updated' || !held.has(event.uri)) return
    server
      .sendResourceUpdated({ uri: event.uri })
      .catch((error: unknown) => falconer.log.debug('mcp change not told', { uri: event.uri, error }))
  })
  server.setRequestHandler('resources/subscribe', async ({ params: { uri } }) => {
    const what = watchable(contextOf(falconer, reader), reader.choice, uri)
    if (what === undefined) throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'There is nothing to watch at this address.')
    if (held.has(uri)) return {}
    const letGo = held.size >= sessionLimits.watched ? undefined : await watched.hold(uri, what)
    if (letGo === undefined)
      throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'Too many resources are watched; unsubscribe from one first.')
    // Asked for twice at once, or the session ended meanwhile: what nobody lets go of would be held for ever.
    if (over || held.has(uri)) letGo()
    else held.set(uri, letGo)
    return {}
  })
  server.setRequestHandler('resources/unsubscribe', ({ params: { uri } }) => {
    held.get(uri)?.()
    held.delete(uri)
    return {}
  })
  return {
    end() {
      over = true
      stop()
      for (const letGo of held.values()) letGo()
      held.clear()
    },
  }
}

const noSession = (): Response =>
  Response.json(
    {
      jsonrpc: '2.0',
      error: { code: -32_001, message: 'Session not found: it ended, or is another token’s. Initialise again.' },
      id: null,
    },
    { status: 404 },
  )
