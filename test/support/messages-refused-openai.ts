/**
 * What endpoints that speak chat completions refuse with 400: OpenAI's own rules as its documentation of November 2026 says, and what vLLM and Ollama do not
 * do, so that no test passes with a request that would come to nothing there. Not all they refuse: what callers here could get wrong.
 */
import type { MessagesRequest } from './messages-api.ts'

type Message = { role?: string; content?: unknown; tool_call_id?: string; tool_calls?: { id: string; function?: { arguments?: string } }[] }
type Rule = (request: MessagesRequest, messages: readonly Message[]) => string | null

/** Null: it is taken. */
export function refusedByCompletions(request: MessagesRequest): string | null {
  for (const rule of rules) {
    const problem = rule(request, request.messages as Message[])
    if (problem !== null) return problem
  }
  return null
}

const rules: readonly Rule[] = [
  ({ max_tokens, max_completion_tokens: other }) =>
    Number.isSafeInteger(max_tokens ?? other) && (max_tokens === undefined || other === undefined)
      ? null
      : 'max_tokens: one of two, a number',
  (_request, messages) => {
    const wrong = messages.find(({ role }) => !['system', 'user', 'assistant', 'tool'].includes(role ?? ''))
    return wrong === undefined ? null : `messages: no such role: ${wrong.role}`
  },
  (_request, messages) =>
    messages.slice(1).some(({ role }) => role === 'system') ? 'messages: system message must be at the beginning' : null,
  (_request, messages) =>
    messages.some(({ role, content, tool_calls }) => emptied(content) && (role !== 'assistant' || tool_calls === undefined))
      ? 'messages: content must be there, unless tools are called'
      : null,
  (_request, messages) =>
    messages.some(({ tool_calls = [] }) => tool_calls.some((call) => !isJson(call.function?.arguments)))
      ? 'messages: the arguments of a tool call must be JSON'
      : null,
  paired,
  (request) => (JSON.stringify(request).includes('"cache_control"') ? 'cache_control: unrecognized' : null),
  ({ tools, tool_choice }) => (tools === undefined && tool_choice !== undefined ? 'tool_choice: only allowed with tools' : null),
  ({ tools = [] }) => {
    const named = tools as unknown as { function?: { name?: string; strict?: boolean; parameters?: unknown } }[]
    if (named.length > 128) return 'tools: at most 128'
    const wrong = named.find(({ function: one }) => !/^[\w-]{1,64}$/.test(one?.name ?? ''))
    if (wrong !== undefined) return `tools: ${wrong.function?.name} is no name`
    const loose = named.find(({ function: one }) => one?.strict === true && strictProblem(one.parameters, one.name ?? '') !== null)
    return loose === undefined ? null : strictProblem(loose.function?.parameters, loose.function?.name ?? '')
  },
  ({ response_format: form }) => {
    const { name, strict, schema } =
      (form as { json_schema?: { name?: string; strict?: boolean; schema?: unknown } } | undefined)?.json_schema ?? {}
    if (form === undefined) return null
    if (!/^[\w-]{1,64}$/.test(name ?? '')) return 'response_format: it needs a name'
    return strict === true ? strictProblem(schema, 'response_format') : null
  },
  // github.com/vllm-project/vllm/issues/39929, github.com/ollama/ollama/issues/13750
  ({ tools, tool_choice, response_format: form }) =>
    form !== undefined && tools !== undefined && tool_choice !== 'none'
      ? 'response_format: beside tools that may be called, vLLM and Ollama let a model call none'
      : null,
]

const emptied = (content: unknown): boolean => content == null || content === '' || (Array.isArray(content) && content.length === 0)
function isJson(text: string | undefined): boolean {
  try {
    JSON.parse(text ?? '')
    return true
  } catch {
    return false
  }
}

/** Each call of a tool is answered right after it, and nothing is answered that was not called. */
function paired(_request: MessagesRequest, messages: readonly Message[]): string | null {
  let open = new Set<string>()
  for (const { role, tool_call_id, tool_calls = [] } of messages) {
    if (role === 'tool') {
      if (!open.delete(tool_call_id ?? '')) return `messages: tool_call_id ${tool_call_id} was not called before it`
      continue
    }
    if (open.size > 0) return `messages: tool_call_ids did not have response messages: ${[...open].join()}`
    open = new Set(tool_calls.map(({ id }) => id))
  }
  return open.size > 0 ? `messages: tool_call_ids did not have response messages: ${[...open].join()}` : null
}

/** In the strict form objects are closed, and every property is required. */
function strictProblem(schema: unknown, path: string): string | null {
  if (schema === null || typeof schema !== 'object') return null
  const {
    type,
    additionalProperties,
    properties = {},
    required = [],
  } = schema as { type?: unknown; additionalProperties?: unknown; properties?: object; required?: string[] }
  if (type === 'object' && additionalProperties !== false) return `${path}: 'additionalProperties' is required to be false`
  const missing = type === 'object' ? Object.keys(properties).find((name) => !required.includes(name)) : undefined
  if (missing !== undefined) return `${path}: 'required' must hold every property, and lacks '${missing}'`
  for (const [name, inner] of Object.entries(schema)) {
    const problem = strictProblem(inner, `${path}.${name}`)
    if (problem !== null) return problem
  }
  return null
}
