/**
 * What the Messages API itself refuses with 400, as its documentation of November 2026 says: so that no test passes with a request that Claude would
 * not take. Not all it refuses: what callers here could get wrong.
 */
import type { MessagesRequest } from './messages-api.ts'

type Block = { type?: string; text?: string; id?: string; tool_use_id?: string; cache_control?: unknown }
type Rule = (request: MessagesRequest, blocks: readonly (readonly Block[])[]) => string | null

const blocksOf = (content: unknown): Block[] =>
  typeof content === 'string' ? [{ type: 'text', text: content }] : ((content ?? []) as Block[])

/** Null: it is taken. */
export function refusedBy(request: MessagesRequest): string | null {
  const blocks = request.messages.map(({ content }) => blocksOf(content))
  for (const rule of rules) {
    const problem = rule(request, blocks)
    if (problem !== null) return problem
  }
  return null
}

const rules: readonly Rule[] = [
  ({ max_tokens }) => (Number.isSafeInteger(max_tokens) && (max_tokens ?? 0) > 0 ? null : 'max_tokens: field required'),
  (request) => {
    const given = ['temperature', 'top_p', 'top_k'].filter((name) => request[name] !== undefined)
    return given.length === 0 ? null : `${given.join(', ')}: not supported for this model`
  },
  ({ model, tool_choice }) =>
    /^claude-(?:sonnet|opus|fable|mythos)-5/.test(model) &&
    ['any', 'tool'].includes((tool_choice as { type?: string } | undefined)?.type ?? '')
      ? 'tool_choice: forced tool use is not supported for this model'
      : null,
  ({ tools = [] }) => {
    const names = tools.map(({ name }) => name)
    const wrong = names.find((name, index) => !/^[\w-]{1,128}$/.test(name) || names.indexOf(name) !== index)
    return wrong === undefined ? null : `tools: ${wrong} is no name, or there twice`
  },
  ({ messages }) => (messages[0]?.role === 'user' ? null : 'messages: first message must use the user role'),
  ({ messages }) => (messages.at(-1)?.role === 'user' ? null : 'messages: the conversation must end with a user message'),
  (_request, blocks) => (blocks.some((all) => all.length === 0) ? 'messages: all messages must have non-empty content' : null),
  ({ system }, blocks) =>
    [...blocks.flat(), ...(system === undefined ? [] : blocksOf(system))].some(
      ({ type, text }) => type === 'text' && (text ?? '').trim() === '',
    )
      ? 'messages: text content blocks must be non-empty'
      : null,
  paired,
  (request) =>
    (JSON.stringify(request).match(/"cache_control":\{/g)?.length ?? 0) > 4 ? 'cache_control: at most 4 blocks may have it' : null,
  ({ output_config }) => openObject(output_config?.format?.schema, 'output_config.format.schema'),
]

/** Each use of a tool has its result in the very next message, and each result its use in the one before. */
function paired({ messages }: MessagesRequest, blocks: readonly (readonly Block[])[]): string | null {
  for (const [index, all] of blocks.entries()) {
    const used = all.flatMap(({ type, id }) => (type === 'tool_use' ? [id] : []))
    const next = (blocks[index + 1] ?? []).flatMap(({ type, tool_use_id }) => (type === 'tool_result' ? [tool_use_id] : []))
    const missing = used.find((id) => !next.includes(id))
    if (missing !== undefined) return `messages.${index}: tool_use ids were found without tool_result blocks immediately after: ${missing}`
    const stray = next.find((id) => !used.includes(id))
    if (stray !== undefined) return `messages.${index + 1}: unexpected tool_use_id found in tool_result blocks: ${stray}`
  }
  return messages[0] !== undefined && (blocks[0] ?? []).some(({ type }) => type === 'tool_result')
    ? 'messages.0: a tool_result without a tool_use'
    : null
}

/** Structured output takes closed objects alone. */
function openObject(schema: unknown, path: string): string | null {
  if (schema === null || typeof schema !== 'object') return null
  const { type, additionalProperties } = schema as { type?: unknown; additionalProperties?: unknown }
  if (type === 'object' && additionalProperties !== false)
    return `${path}: for 'object' type, 'additionalProperties' must be explicitly set to false`
  for (const [name, inner] of Object.entries(schema)) {
    const problem = openObject(inner, `${path}.${name}`)
    if (problem !== null) return problem
  }
  return null
}
