/**
 * A request without its secrets (guarantee 6): every string and key of it, whatever a caller put there. Alone what the provider thought and signed
 * goes back as it came: it has that already, was told no secret, and refuses it changed.
 */
import { redactDeep } from '../../domain/redact.ts'

type Json = Record<string, unknown>
const isObject = (value: unknown): value is Json => value !== null && typeof value === 'object' && !Array.isArray(value)

export function maskedRequest(request: unknown): Json {
  if (!isObject(request)) return {}
  const { messages, ...rest } = request
  if (!Array.isArray(messages)) return redactDeep(request)
  return { ...redactDeep(rest), messages: messages.map((message: unknown) => maskedMessage(message)) }
}

function maskedMessage(message: unknown): unknown {
  if (!isObject(message) || message.role !== 'assistant' || !Array.isArray(message.content)) return redactDeep(message)
  const { content, ...rest } = message
  return { ...redactDeep(rest), content: content.map((block: unknown) => (isSigned(block) ? block : redactDeep(block))) }
}

const isSigned = (block: unknown): boolean =>
  isObject(block) &&
  ((block.type === 'thinking' && typeof block.signature === 'string' && block.signature !== '') || block.type === 'redacted_thinking')
