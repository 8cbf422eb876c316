/**
 * Hears Slack over HTTP, at an address of Falconer’s own server. Nothing of a body is read before its signature was found good; the same signature is heard
 * once. Answers as soon as the app acknowledges, and what could not be kept is not acknowledged: Slack then sends it again.
 */
import type { App, Receiver } from '@slack/bolt'
import type { Clock } from '../../domain/clock.ts'
import type { Secret } from '../../domain/redact.ts'
import { noteSlackSeen } from '../../store/slack.ts'
import type { Database } from '../../store/database.ts'
import { isFromSlack } from './signature.ts'

export type HttpReceiverOptions = { db: Database; clock: Clock; secret: Secret; working(work: Promise<unknown>): void }

export class HttpReceiver implements Receiver {
  #app: App | undefined
  readonly #options: HttpReceiverOptions
  constructor(options: HttpReceiverOptions) {
    this.#options = options
  }
  init(app: App): void {
    this.#app = app
  }
  start = async (): Promise<void> => {}
  stop = async (): Promise<void> => {}

  async receive(request: Request): Promise<Response> {
    const { db, clock, secret } = this.#options
    const bytes = new Uint8Array(await request.arrayBuffer())
    const signature = request.headers.get('x-slack-signature')
    const timestamp = request.headers.get('x-slack-request-timestamp')
    if (!isFromSlack(secret, { body: bytes, signature, timestamp }, clock.now()))
      return new Response('not signed by Slack', { status: 401 })
    const body = bodyOf(Buffer.from(bytes).toString(), request.headers.get('content-type') ?? '')
    if (body === undefined) return new Response('not understood', { status: 400 })
    if (body.type === 'url_verification') return Response.json({ challenge: body.challenge })
    if (body.ssl_check !== undefined) return new Response(null, { status: 200 })
    // An event is known by its id, which is noted when it is kept: noted here, one would be lost that could not be kept then.
    const known = typeof body.event_id === 'string'
    // Sent once more, byte for byte: it was heard.
    if (!known && !(await noteSlackSeen(db, `signature/${signature}`, clock.now()))) return new Response(null, { status: 200 })
    return this.#handOver(body, request.headers)
  }

  #handOver(body: Record<string, unknown>, headers: Headers): Promise<Response> {
    const app = this.#app
    if (app === undefined) return Promise.resolve(new Response('not started', { status: 503 }))
    return new Promise((resolve, reject) => {
      const ack = async (answer?: unknown): Promise<void> => resolve(answerOf(answer))
      const retry = headers.get('x-slack-retry-num')
      const work = app
        .processEvent({
          body,
          ack,
          ...(retry === null ? {} : { retryNum: Number(retry), retryReason: headers.get('x-slack-retry-reason') ?? '' }),
        })
        // What nobody listens to is acknowledged too. What could not be kept is not: Slack sends it again.
        .then(() => resolve(new Response(null, { status: 200 })))
      work.catch(reject)
      this.#options.working(work)
    })
  }
}

function answerOf(answer: unknown): Response {
  if (answer === undefined || answer === '') return new Response(null, { status: 200 })
  return typeof answer === 'string' ? new Response(answer) : Response.json(answer)
}

function bodyOf(text: string, type: string): Record<string, unknown> | undefined {
  try {
    if (!type.startsWith('application/x-www-form-urlencoded')) return objectOf(JSON.parse(text))
    const form = new URLSearchParams(text)
    const payload = form.get('payload')
    return payload === null ? Object.fromEntries(form) : objectOf(JSON.parse(payload))
  } catch {
    return undefined
  }
}

const objectOf = (value: unknown): Record<string, unknown> | undefined =>
  value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined
