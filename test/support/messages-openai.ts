/** A reply as OpenAI's chat completions have it: one document, or chunks that end in [DONE]. */
import type { ServerResponse } from 'node:http'
import type { Asked, Block, Reply } from './messages-api.ts'
import { counted, pieces } from './messages-sse.ts'

type Message = Extract<Reply, { kind: 'message' }>

export async function sendCompletion(
  response: ServerResponse,
  asked: Asked,
  reply: Message | { kind: 'streamError'; type: string },
): Promise<void> {
  if (reply.kind === 'streamError') {
    response.writeHead(asked.streams ? 200 : 500, { 'content-type': asked.streams ? 'text/event-stream' : 'application/json' })
    const problem = JSON.stringify({ error: { type: reply.type, message: 'no' } })
    return void response.end(asked.streams ? `data: ${problem}\n\n` : problem)
  }
  const base = { id: `chatcmpl-${asked.number}`, created: 1_790_000_000, model: asked.body.model }
  const finish = { end_turn: 'stop', tool_use: 'tool_calls', max_tokens: 'length', refusal: 'content_filter' }[reply.stop] ?? reply.stop
  const numbers = counted(asked, reply.content, reply.usage)
  const prompt = numbers.input_tokens + numbers.cache_read_input_tokens
  const usage = {
    prompt_tokens: prompt,
    completion_tokens: numbers.output_tokens,
    total_tokens: prompt + numbers.output_tokens,
    prompt_tokens_details: { cached_tokens: numbers.cache_read_input_tokens },
  }
  if (!asked.streams) {
    const choices = [
      {
        index: 0,
        message: { role: 'assistant', content: textOf(reply.content), refusal: null, ...calls(reply.content) },
        finish_reason: finish,
        logprobs: null,
      },
    ]
    const document = JSON.stringify({ ...base, object: 'chat.completion', choices, usage })
    response.writeHead(200, { 'content-type': 'application/json' })
    if (reply.cutAfter === undefined) response.end(document)
    else response.write(document.slice(0, document.length / 2), () => response.destroy())
    return
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const chunk = (delta: unknown, finish_reason: string | null = null): string =>
    `data: ${JSON.stringify({ ...base, object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason }] })}\n\n`
  const all = [
    chunk({ role: 'assistant', content: '' }),
    ...pieces(textOf(reply.content) ?? '').map((content) => chunk({ content })),
    ...(calls(reply.content).tool_calls ?? []).map((call, index) => chunk({ tool_calls: [{ index, ...call }] })),
    chunk({}, finish),
    `data: ${JSON.stringify({ ...base, object: 'chat.completion.chunk', choices: [], usage })}\n\n`,
    'data: [DONE]\n\n',
  ]
  for (const [index, text] of all.entries()) {
    if (index === reply.cutAfter) return void response.destroy()
    await new Promise((resolve) => response.write(text, resolve))
  }
  response.end()
}

const textOf = (content: readonly Block[]): string | null => {
  const text = content.flatMap((block) => (block.type === 'text' ? block.text : [])).join('')
  return text === '' ? null : text
}
function calls(content: readonly Block[]): {
  tool_calls?: { id: string; type: 'function'; function: { name: string; arguments: string } }[]
} {
  const tools = content.flatMap((block) =>
    block.type === 'tool_use'
      ? { id: block.id, type: 'function' as const, function: { name: block.name, arguments: block.raw ?? JSON.stringify(block.input) } }
      : [],
  )
  return tools.length === 0 ? {} : { tool_calls: tools }
}
