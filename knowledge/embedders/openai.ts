/** OpenAI, and everything that speaks as it does: Ollama's /v1, vLLM, LM Studio, LiteLLM, Azure's v1. */
import type { Provider } from '../embedder.ts'
import { inOrder } from '../embed-order.ts'

export const openai: Provider = {
  name: 'openai',
  // Whatever is nobody else's speaks as it does.
  fits: () => false,
  request: (model, texts) => ({ path: '/embeddings', body: { model, input: texts, encoding_format: 'float' } }),
  read: inOrder,
}
