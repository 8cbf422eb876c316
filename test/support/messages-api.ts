/**
 * A Messages API on this machine, and a chat-completions one: they answer each request as a script says, whole or as a stream,
 * and keep what they were sent. For tests, evals and benchmarks of what asks a model.
 */
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { sendCompletion } from './messages-openai.ts'
import { refusedByCompletions } from './messages-refused-openai.ts'
import { refusedBy } from './messages-refused.ts'
import { sendMessage } from './messages-sse.ts'

export type Block =
  | { type: 'text'; text: string }
  | { type: 'thinking'; thinking: string; signature: string }
  /** `raw`: sent as the input instead of it, as it is, whatever it is. */
  | { type: 'tool_use'; id: string; name: string; input: unknown; raw?: string }
export type UsageNumbers = {
  input_tokens?: number
  output_tokens?: number
  cache_read_input_tokens?: number
  cache_creation_input_tokens?: number
}
export type Reply =
  | {
      kind: 'message'
      content: Block[]
      stop: string
      usage?: UsageNumbers
      /** Of a stream: the connection breaks after so many events. */ cutAfter?: number
      pauseMs?: number
    }
  | { kind: 'status'; status: number; headers?: Record<string, string>; type?: string; message?: string }
  | { kind: 'raw'; status?: number; type?: string; body: string }
  /** An error within a stream that began well. */
  | { kind: 'streamError'; type: string }
  | { kind: 'hang' }
  | { kind: 'reset' }
export type Asked = {
  /** From 0. */ number: number
  at: number
  path: string
  headers: IncomingHttpHeaders
  text: string
  body: MessagesRequest
  streams: boolean
}
/** What tests look at; everything else is in there too. */
export type MessagesRequest = {
  model: string
  max_tokens?: number
  system?: unknown
  messages: { role: string; content: unknown }[]
  tools?: { name: string; input_schema?: unknown }[]
  tool_choice?: unknown
  /** Native structured output: { format: { type: 'json_schema', schema } }. */ output_config?: {
    format?: { type: string; schema: unknown }
  }
  stream?: boolean
} & Record<string, unknown>
export type Script = (asked: Asked) => Reply | Promise<Reply>

let ids = 0
export const replies = {
  text: (text: string, usage?: UsageNumbers): Reply => ({
    kind: 'message',
    content: [{ type: 'text', text }],
    stop: 'end_turn',
    ...(usage && { usage }),
  }),
  /** Several at once: one block each. */
  tools: (calls: readonly { name: string; input: unknown; id?: string; raw?: string }[], saying = '', usage?: UsageNumbers): Reply => ({
    kind: 'message',
    content: [
      ...(saying === '' ? [] : [{ type: 'text' as const, text: saying }]),
      ...calls.map(({ id, ...call }) => ({ type: 'tool_use' as const, id: id ?? `toolu_${String((ids += 1)).padStart(8, '0')}`, ...call })),
    ],
    stop: 'tool_use',
    ...(usage && { usage }),
  }),
  /** What native structured output answers: the document as text. */
  structured: (document: unknown, usage?: UsageNumbers): Reply => replies.text(JSON.stringify(document), usage),
  refusal: (): Reply => ({ kind: 'message', content: [], stop: 'refusal' }),
  /** It had more to say than it was allowed to. */
  tooLong: (text: string): Reply => ({ kind: 'message', content: [{ type: 'text', text }], stop: 'max_tokens' }),
  rateLimited: (retryAfter?: string): Reply => ({
    kind: 'status',
    status: 429,
    type: 'rate_limit_error',
    ...(retryAfter === undefined ? {} : { headers: { 'retry-after': retryAfter } }),
  }),
  status: (status: number, type = 'api_error', message = 'no'): Reply => ({ kind: 'status', status, type, message }),
  overloaded: (): Reply => ({ kind: 'status', status: 529, type: 'overloaded_error' }),
  notJson: (body = '{"id": "msg_1", "content": [{'): Reply => ({ kind: 'raw', body }),
  hang: (): Reply => ({ kind: 'hang' }),
  reset: (): Reply => ({ kind: 'reset' }),
  /** A stream that breaks after so many events; not as a stream: half a document. */
  cut: (text = 'This sentence is never', cutAfter = 3): Reply => ({
    kind: 'message',
    content: [{ type: 'text', text }],
    stop: 'end_turn',
    cutAfter,
  }),
  streamError: (type = 'overloaded_error'): Reply => ({ kind: 'streamError', type }),
}

/** One reply after the other; the last one again and again. */
export const inTurn =
  (...all: readonly (Reply | Script)[]): Script =>
  (asked) => {
    const one = all[Math.min(asked.number, all.length - 1)] as Reply | Script
    return typeof one === 'function' ? one(asked) : one
  }

export type MessagesApi = {
  /** For ANTHROPIC_BASE_URL; with /v1 for FALCONER_MODEL_URL. */ url: string
  readonly asked: readonly Asked[]
  /** Another script from now on; its requests count from 0 again. */ answer(script: Script): void
  close(): Promise<void>
}

/** Speaks the Messages API at /v1/messages and chat completions at /v1/chat/completions, from one script. */
export async function messagesApi(script: Script = () => replies.text('ok')): Promise<MessagesApi> {
  const asked: Asked[] = []
  let answer = script
  let from = 0
  const server: Server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const text = Buffer.concat(parts).toString()
      const body = JSON.parse(text) as MessagesRequest
      const one: Asked = {
        number: asked.length - from,
        at: performance.now(),
        path: (request.url ?? '').split('?')[0] ?? '',
        headers: request.headers,
        text,
        body,
        streams: body.stream === true,
      }
      asked.push(one)
      const refused = one.path.endsWith('/v1/messages') ? refusedBy(body) : refusedByCompletions(body)
      if (refused !== null) return void send(response, one, replies.status(400, 'invalid_request_error', refused))
      void (async () => answer(one))().then(
        (reply) => send(response, one, reply),
        (error: unknown) => send(response, one, replies.status(400, 'invalid_request_error', `the script failed: ${String(error)}`)),
      )
    })
  })
  // A connection that is closed between two turns, on a busy machine, would be one more call.
  server.keepAliveTimeout = 600_000
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    answer(next) {
      answer = next
      from = asked.length
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

async function send(response: ServerResponse, asked: Asked, reply: Reply): Promise<void> {
  if (reply.kind === 'hang') return
  if (reply.kind === 'reset') return void response.destroy()
  if (reply.kind === 'status') {
    response.writeHead(reply.status, { 'content-type': 'application/json', 'request-id': `req_${asked.number}`, ...reply.headers })
    response.end(JSON.stringify({ type: 'error', error: { type: reply.type ?? 'api_error', message: reply.message ?? 'no' } }))
  } else if (reply.kind === 'raw')
    response.writeHead(reply.status ?? 200, { 'content-type': reply.type ?? 'application/json' }).end(reply.body)
  else if (asked.path.endsWith('/chat/completions')) await sendCompletion(response, asked, reply)
  else await sendMessage(response, asked, reply)
}
