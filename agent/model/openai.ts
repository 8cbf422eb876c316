/** Any endpoint that speaks OpenAI's chat completions: Ollama, vLLM, a gateway. The same door, and no key unless there is one. */
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
  return new ChatOpenAI({ ...fields, useResponsesApi: false, completions: bound(new ChatOpenAICompletions(fields), door) })
}
