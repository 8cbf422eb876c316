/** Any endpoint that speaks OpenAI's chat completions: Ollama, vLLM, a gateway. The same door, and no key unless there is one. An answer is taken as it came. */
import { ChatOpenAI, ChatOpenAICompletions } from '@langchain/openai'
import { bound } from './bound.ts'
import type { Door } from './door.ts'
import { retries, tokensOfAnswer, waitMs } from './settings.ts'

export function openOpenai(door: Door, { model, key, baseURL }: { model: string; key: string | undefined; baseURL: string }): ChatOpenAI {
  const fields = {
    model,
    apiKey: key ?? 'none',
    maxTokens: tokensOfAnswer,
    timeout: waitMs,
    maxRetries: 0,
    // Here, for LangChain’s own client never tries again: these go with each request.
    configuration: { baseURL, fetch: door.fetch, maxRetries: retries, logLevel: 'off' as const, organization: null, project: null },
  }
  // LangChain makes new models of its fields, and keeps this part of them.
  return new ChatOpenAI({ ...fields, useResponsesApi: false, completions: bound(new AsItCame(fields), door) })
}

type Completing = Parameters<ChatOpenAICompletions['completionWithRetry']>

/** Held to a form, LangChain would have the SDK read an answer, which throws where it was cut, refused, or no JSON. Whoever asked looks at that. */
class AsItCame extends ChatOpenAICompletions {
  override completionWithRetry(
    request: Omit<Completing[0], 'stream'> & { stream?: boolean | null },
    sending?: Completing[1],
  ): Promise<never> {
    const { maxRetries: _none, ...options } = sending ?? {}
    const given = this._getClientOptions(options)
    return this.client.chat.completions.create(request, given) as unknown as Promise<never>
  }
}
