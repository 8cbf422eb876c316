/** OpenAI, and everything that speaks as it does: Ollama's /v1, vLLM, LM Studio, LiteLLM, Azure's v1. */
import { z } from 'zod'
import type { Provider } from '../embedder.ts'
import { inOrder } from '../embed-order.ts'

const Answer = z.object({ data: z.array(z.object({ index: z.number().int(), embedding: z.unknown() })) })

export const openai: Provider = {
  name: 'openai',
  // Whatever is nobody else's speaks as it does.
  fits: () => false,
  request: (model, texts) => ({ path: '/embeddings', body: { model, input: texts, encoding_format: 'float' } }),
  read: (answer) => inOrder(Answer.safeParse(answer).data?.data),
}
