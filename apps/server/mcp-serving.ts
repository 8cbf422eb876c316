/**
 * MCP requests of both generations, after it was told who asks: those of 2026 stand alone, or listen on a stream of their own; those of 2025 have
 * sessions, where they open one. What is listened to is cut down to what the reader may read before anybody else sees it.
 */
import { type AuthInfo, createMcpHandler, isLegacyRequest, type McpHttpHandler } from '@modelcontextprotocol/server'
import { watchable } from '../../tools/serve-resources.ts'
import type { Falconer } from './falconer.ts'
import { contextOf, type Reader, readerOf, serverFor } from './mcp-reader.ts'
import { type Asked, Sessions } from './mcp-sessions.ts'
import { type Standing, standing } from './mcp-standing.ts'
import { Watched } from './mcp-watched.ts'

/** Streams of 2026 that stay open: of all, of one token, and addresses on one. */
const streams = { all: 256, each: 16, watched: 100 }

export class McpServing {
  readonly sessions: Sessions
  readonly watched: Watched
  readonly #falconer: Falconer
  readonly #handler: McpHttpHandler
  readonly #listening = new Set<Standing>()
  /** Streams that are open or being opened, by token. */ readonly #places = new Map<string, number>()

  constructor(falconer: Falconer) {
    this.#falconer = falconer
    this.watched = new Watched(falconer)
    this.sessions = new Sessions(falconer, this.watched)
    this.#handler = createMcpHandler(({ authInfo, era }) => serverFor(falconer, readerOf(authInfo), { watching: era === 'modern' }), {
      bus: this.watched.bus,
      maxSubscriptions: streams.all,
      onerror: (error) => falconer.log.debug('mcp request refused', { error: error.message }),
    })
    falconer.changes.once('closing', () => void this.close())
  }

  async answer(asked: Asked): Promise<Response> {
    const { request, body, auth } = asked
    if (await isLegacyRequest(request, body)) {
      const answered = await this.sessions.answer(asked)
      if (answered !== undefined) return answered
    }
    if (isListen(body)) return this.#listen(asked, body)
    return this.#handler.fetch(request, given(auth, body))
  }

  async close(): Promise<void> {
    for (const one of this.#listening) one.end()
    this.watched.close()
    await Promise.all([this.sessions.close(), this.#handler.close()])
  }

  async #listen({ request, auth, mayStill }: Asked, body: Listen): Promise<Response> {
    // A place is taken before anything is awaited: those that come at once are counted too.
    const own = this.#places.get(auth.clientId) ?? 0
    if (own >= streams.each) return tooMany(body)
    this.#places.set(auth.clientId, own + 1)
    const held: (() => void)[] = []
    const letGo = (): void => {
      this.#leave(auth.clientId)
      for (const one of held) one()
    }
    try {
      const allowed = await this.#hold(body, readerOf(auth), held)
      const response = await this.#handler.fetch(request, given(auth, allowed))
      const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true
      if (!isStream) {
        letGo()
        return response
      }
      const stream: Standing = standing(response, {
        mayStill,
        ended: () => {
          this.#listening.delete(stream)
          letGo()
        },
      })
      this.#listening.add(stream)
      return stream.response
    } catch (error) {
      letGo()
      throw error
    }
  }

  #leave(whose: string): void {
    const left = (this.#places.get(whose) ?? 1) - 1
    if (left === 0) this.#places.delete(whose)
    else this.#places.set(whose, left)
  }

  /** The same request, for what this reader may watch and no more; who lets go of each is added to `held`. */
  async #hold(body: Listen, reader: Reader, held: (() => void)[]): Promise<Listen> {
    const { notifications } = body.params
    if (notifications === undefined) return body
    const asked = Array.isArray(notifications.resourceSubscriptions) ? notifications.resourceSubscriptions : []
    const resourceSubscriptions: string[] = []
    for (const uri of new Set(asked.filter((one) => typeof one === 'string').slice(0, streams.watched))) {
      const what = watchable(contextOf(this.#falconer, reader), reader.choice, uri)
      const letGo = what && (await this.watched.hold(uri, what))
      if (letGo === undefined) continue
      held.push(letGo)
      resourceSubscriptions.push(uri)
    }
    return { ...body, params: { ...body.params, notifications: { ...notifications, resourceSubscriptions } } }
  }
}

type Listen = { id?: unknown; method: string; params: { notifications?: { resourceSubscriptions?: unknown } } }
function isListen(body: unknown): body is Listen {
  const { method, params } = (body ?? {}) as Partial<Listen>
  return method === 'subscriptions/listen' && typeof params === 'object' && params !== null
}

/** Undefined: there is none that can be read here; the protocol's own answer says what is wrong with it. */
export async function bodyOf(request: Request): Promise<unknown> {
  const json = /^application\/json\b/i.test(request.headers.get('content-type') ?? '')
  if (request.method !== 'POST' || !json) return undefined
  return request
    .clone()
    .json()
    .catch(() => undefined)
}

const given = (auth: AuthInfo, body: unknown) => ({ authInfo: auth, ...(body === undefined ? {} : { parsedBody: body }) })

const tooMany = ({ id }: Listen): Response =>
  Response.json({
    jsonrpc: '2.0',
    id: id ?? null,
    error: { code: -32_603, message: 'This token has too many open subscriptions; end one first.' },
  })
