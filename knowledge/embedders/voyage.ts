/** Voyage AI, which wants to know whether a text is searched or asked. */
import type { Provider } from '../embedder.ts'
import { inOrder } from '../embed-order.ts'

export const voyage: Provider = {
  name: 'voyage',
  fits: ({ hostname }) => /(?:^|\.)voyageai\.com$/.test(hostname),
  request: (model, texts, use) => ({ path: '/embeddings', body: { model, input: texts, input_type: use, truncation: true } }),
  read: inOrder,
}
