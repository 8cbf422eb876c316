/** A reply as the Messages API sends it: one document, or the events of a stream. */
import type { ServerResponse } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import type { Asked, Block, Reply, UsageNumbers } from './messages-api.ts'

type Message = Extract<Reply, { kind: 'message' }>
type Event = { type: string } & Record<string, unknown>

export const counted = ({ text }: Asked, content: readonly Block[], usage: UsageNumbers = {}): Required<UsageNumbers> => ({
  input_tokens: Math.ceil(text.length / 4),
  output_tokens: Math.ceil(JSON.stringify(content).length / 4),
  cache_read_input_tokens: 0,
  cache_creation_input_tokens: 0,
  ...usage,
})

export async function sendMessage(
  response: ServerResponse,
  asked: Asked,
  reply: Message | { kind: 'streamError'; type: string },
): Promise<void> {
  if (asked.streams) return sendEvents(response, reply.kind === 'streamError' ? failing(asked, reply.type) : events(asked, reply), reply)
  if (reply.kind === 'streamError')
    return void response
      .writeHead(529, { 'content-type': 'application/json' })
      .end(JSON.stringify({ type: 'error', error: { type: reply.type, message: 'no' } }))
  const { content, stop, usage } = reply
  const blocks = content.map((block) =>
    block.type === 'tool_use' ? { type: block.type, id: block.id, name: block.name, input: block.input } : block,
  )
  const document = JSON.stringify({ ...head(asked), content: blocks, stop_reason: stop, usage: counted(asked, content, usage) })
  response.writeHead(200, { 'content-type': 'application/json', 'request-id': `req_${asked.number}` })
  if (reply.cutAfter === undefined) return void response.end(document)
  response.write(document.slice(0, document.length / 2), () => response.destroy())
}

const head = (asked: Asked): Record<string, unknown> => ({
  id: `msg_${asked.number}`,
  type: 'message',
  role: 'assistant',
  model: asked.body.model,
  content: [],
  stop_reason: null,
  stop_sequence: null,
})

function* events(asked: Asked, { content, stop, usage }: Message): Iterable<Event> {
  const { output_tokens, ...prompt } = counted(asked, content, usage)
  yield { type: 'message_start', message: { ...head(asked), usage: { ...prompt, output_tokens: 1 } } }
  yield { type: 'ping' }
  for (const [index, block] of content.entries()) {
    yield { type: 'content_block_start', index, content_block: emptied(block) }
    for (const delta of deltas(block)) yield { type: 'content_block_delta', index, delta }
    yield { type: 'content_block_stop', index }
  }
  yield { type: 'message_delta', delta: { stop_reason: stop, stop_sequence: null }, usage: { output_tokens } }
  yield { type: 'message_stop' }
}
function* failing(asked: Asked, type: string): Iterable<Event> {
  yield { type: 'message_start', message: { ...head(asked), usage: counted(asked, []) } }
  yield { type: 'error', error: { type, message: 'no' } }
}

const emptied = (block: Block): unknown =>
  block.type === 'text'
    ? { type: 'text', text: '' }
    : block.type === 'thinking'
      ? { type: 'thinking', thinking: '', signature: '' }
      : { type: 'tool_use', id: block.id, name: block.name, input: {} }

function* deltas(block: Block): Iterable<unknown> {
  if (block.type === 'text') for (const text of pieces(block.text)) yield { type: 'text_delta', text }
  else if (block.type === 'tool_use')
    for (const partial_json of pieces(block.raw ?? JSON.stringify(block.input))) yield { type: 'input_json_delta', partial_json }
  else {
    for (const thinking of pieces(block.thinking)) yield { type: 'thinking_delta', thinking }
    yield { type: 'signature_delta', signature: block.signature }
  }
}
/** At most so many, however long it is. */
export function pieces(text: string): string[] {
  const size = Math.max(12, Math.ceil(text.length / 200))
  return Array.from({ length: Math.ceil(text.length / size) }, (_one, index) => text.slice(index * size, (index + 1) * size))
}

async function sendEvents(
  response: ServerResponse,
  all: Iterable<Event>,
  reply: { kind: string; cutAfter?: number; pauseMs?: number },
): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
  let sent = 0
  for (const event of all) {
    const text = `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`
    if (sent === reply.cutAfter) {
      // In the middle of an event.
      await new Promise((resolve) => response.write(text.slice(0, text.length / 2), resolve))
      return void response.destroy()
    }
    response.write(text)
    sent += 1
    if (reply.pauseMs !== undefined) await wait(reply.pauseMs)
  }
  response.end()
}
