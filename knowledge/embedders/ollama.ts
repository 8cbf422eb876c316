/** Ollama's own API. Its /v1 is OpenAI's. */
import { z } from 'zod'
import type { Provider } from '../embedder.ts'

const Answer = z.object({ embeddings: z.array(z.unknown()) })

export const ollama: Provider = {
  name: 'ollama',
  fits: ({ port, pathname }) => port === '11434' && !/\/v1\/?$/.test(pathname),
  request: (model, texts) => ({ path: '/api/embed', body: { model, input: texts, truncate: true } }),
  read: (answer) => Answer.safeParse(answer).data?.embeddings,
}
