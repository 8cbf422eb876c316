/** Claude through its Messages API: LangChain's model on our own client of the SDK, whose every request goes through the door. Never sampling parameters. */
import { Anthropic } from '@anthropic-ai/sdk'
import { ChatAnthropic } from '@langchain/anthropic'
import { bound } from './bound.ts'
import type { Door } from './door.ts'
import { retries, tokensOfAnswer, waitMs } from './settings.ts'

export function openAnthropic(door: Door, { model, key, baseURL }: { model: string; key: string; baseURL: string }): ChatAnthropic {
  const chat = new ChatAnthropic({
    model,
    // The client has the key. This one is seen by LangChain alone.
    apiKey: 'kept by the client',
    maxTokens: tokensOfAnswer,
    // LangChain tries nothing again: the client does.
    maxRetries: 0,
    createClient: () =>
      new Anthropic({
        apiKey: key,
        authToken: null,
        baseURL,
        fetch: door.fetch,
        maxRetries: retries,
        timeout: waitMs,
        logLevel: 'off',
        openTelemetry: false,
      }),
  })
  return bound(chat, door)
}
