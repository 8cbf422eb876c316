/**
 * Reads what an answer cost, and whether it is whole, from its bytes as they pass: one JSON document or server-sent events,
 * of the Messages API or of chat completions. Holds back nothing. What a provider does not count is nought.
 */
import type { Usage } from './prices.ts'

export type UsageReader = {
  take(part: Uint8Array): void
  /** No more will come. */ end(): void
  readonly usage: Usage
  /** The answer is there to its end. */ readonly whole: boolean
  /** What the provider says went wrong within an answer that began well. */ readonly problem: string | null
}
type Found = { usage: Usage; whole: boolean; problem: string | null }

export function usageReader(streams: boolean): UsageReader {
  const found: Found = { usage: { inputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 0 }, whole: false, problem: null }
  const decoder = new TextDecoder()
  let waiting = ''
  const lines = (): void => {
    const all = waiting.split(/\r?\n/)
    waiting = all.pop() ?? ''
    for (const line of all) readLine(found, line)
  }
  return {
    take(part) {
      waiting += decoder.decode(part, { stream: true })
      if (streams) lines()
    },
    end() {
      waiting += decoder.decode()
      if (streams) readLine(found, waiting)
      else readDocument(found, waiting)
      waiting = ''
    },
    get usage() {
      return found.usage
    },
    get whole() {
      return found.whole
    },
    get problem() {
      return found.problem
    },
  }
}

/** Most lines are a few letters of text: looked into only when they may count something. */
const telling = /"usage"|"message_stop"|"error"/

function readLine(found: Found, line: string): void {
  if (!line.startsWith('data:')) return
  const text = line.slice(5).trim()
  if (text === '[DONE]') found.whole = true
  else if (telling.test(text)) readEvent(found, parsed(text))
}

function readEvent(found: Found, event: Json): void {
  if (event === null) return
  if (event.type === 'message_stop') found.whole = true
  if (isObject(event.error)) found.problem = typeof event.error.type === 'string' ? event.error.type : 'an error'
  const counted = isObject(event.message) ? event.message.usage : event.usage
  if (isObject(counted)) count(found.usage, counted)
}

function readDocument(found: Found, text: string): void {
  const document = parsed(text)
  if (document === null) return void (found.problem = 'what came is not JSON')
  readEvent(found, document)
  found.whole = found.problem === null
}

/** Later counts replace earlier ones: a stream says them more than once, and at its end in full. */
function count(usage: Usage, counted: Record<string, unknown>): void {
  const details = isObject(counted.prompt_tokens_details) ? counted.prompt_tokens_details : {}
  const cached = tokens(counted.cache_read_input_tokens) ?? tokens(details.cached_tokens)
  if (cached !== null) usage.cacheReadTokens = cached
  usage.cacheWriteTokens = tokens(counted.cache_creation_input_tokens) ?? usage.cacheWriteTokens
  const prompt = tokens(counted.prompt_tokens)
  usage.inputTokens = tokens(counted.input_tokens) ?? (prompt === null ? usage.inputTokens : Math.max(0, prompt - (cached ?? 0)))
  usage.outputTokens = tokens(counted.output_tokens) ?? tokens(counted.completion_tokens) ?? usage.outputTokens
}

type Json = Record<string, unknown> | null
const isObject = (value: unknown): value is Record<string, unknown> => value !== null && typeof value === 'object' && !Array.isArray(value)
const tokens = (value: unknown): number | null => (Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : null)
function parsed(text: string): Json {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : null
  } catch {
    return null
  }
}
