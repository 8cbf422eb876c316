/**
 * Binds a chat model of LangChain to its door: every asking ends when the door's signal does, an answer that was broken off is never taken for
 * a whole one, and what went wrong is told as one of our errors, in words of ours.
 */
import type { BaseChatModel } from '@langchain/core/language_models/chat_models'
import { FalconerError, UpstreamError } from '../../domain/errors.ts'
import type { Door } from './door.ts'

type Options = { signal?: AbortSignal }
type Asked = (messages: unknown, options: Options, run?: unknown) => Promise<unknown>
type Streamed = (messages: unknown, options: Options, run?: unknown) => AsyncIterable<unknown>
type Inner = { _generate: Asked; _streamResponseChunks: Streamed; _streamChatModelEvents: Streamed }

/** The same model: what LangChain makes of it asks through it. */
export function bound<M extends BaseChatModel>(model: M, door: Door): M {
  const inner = model as unknown as Inner
  const generate = inner._generate.bind(model)
  inner._generate = async (messages, options, run) => {
    const within = withSignal(options, door)
    try {
      const answer = await generate(messages, within, run)
      within.signal.throwIfAborted()
      return answer
    } catch (error) {
      throw told(error, door)
    }
  }
  for (const name of ['_streamResponseChunks', '_streamChatModelEvents'] as const) {
    const stream = inner[name].bind(model)
    inner[name] = async function* (messages, options, run) {
      const within = withSignal(options, door)
      try {
        yield* stream(messages, within, run)
        within.signal.throwIfAborted()
      } catch (error) {
        throw told(error, door)
      }
    }
  }
  // LangChain would fetch its tables of tokens from the internet.
  model.getNumTokens = async (content) => Math.ceil((typeof content === 'string' ? content : JSON.stringify(content)).length / 4)
  return model
}

const withSignal = (options: Options, door: Door): Options & { signal: AbortSignal } => ({
  ...options,
  signal: options.signal === undefined ? door.signal : AbortSignal.any([options.signal, door.signal]),
})

function told(error: unknown, door: Door): unknown {
  const refusal = door.refusal()
  if (refusal !== null) return refusal
  for (let one: unknown = error, depth = 0; one instanceof Error && depth < 5; one = one.cause, depth += 1)
    if (one instanceof FalconerError) return one
  const { status, name } = error as { status?: unknown; name?: unknown }
  if (typeof status === 'number')
    return new UpstreamError(`The model’s provider answered ${status}${meaning[status] ?? ''}.`, {
      cause: error,
      retryable: status === 408 || status === 429 || status >= 500,
    })
  // By its constructor: both SDKs leave `name` as it was.
  const kind = error instanceof Error ? error.constructor.name : name
  if (kind === 'APIConnectionTimeoutError' || name === 'TimeoutError')
    return new UpstreamError('The model’s provider did not answer in time.', { cause: error, retryable: true })
  if (kind === 'APIConnectionError') return new UpstreamError('The model’s provider cannot be reached.', { cause: error, retryable: true })
  return error
}
const meaning: Record<number, string> = {
  400: ' (it refuses the request)',
  401: ' (it does not know the key)',
  403: ' (the key may not do this)',
  404: ' (it has no such model)',
  413: ' (the request is too large)',
  429: ' (too many requests)',
  529: ' (it is overloaded)',
}
