/** What OpenAI and whoever speaks as it does answers: vectors, each with the place of its text. They need not keep the order of the texts. */
import { z } from 'zod'

const Answer = z.object({ data: z.array(z.object({ index: z.number().int(), embedding: z.unknown() })) })

export function inOrder(answer: unknown): unknown {
  const data = Answer.safeParse(answer).data?.data
  if (data === undefined || data.some(({ index }) => index < 0 || index >= data.length)) return undefined
  const vectors = new Map(data.map(({ index, embedding }) => [index, embedding]))
  return data.map((_one, index) => vectors.get(index))
}
