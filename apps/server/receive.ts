/** A body that streams in: counted as it comes, for one sent in chunks announces no length; and known to be cut when its sender goes away. */
import { CutOffError, TooLargeError } from './problems.ts'

/** Throws TooLargeError past `limit` bytes, CutOffError when the sender went away. What was whole before may be committed already. */
export async function* receive(
  body: ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>,
  limit = Number.POSITIVE_INFINITY,
): AsyncIterable<Uint8Array> {
  let total = 0
  try {
    for await (const part of body as AsyncIterable<Uint8Array>) {
      total += part.length
      if (total > limit) throw tooLarge(limit)
      yield part
    }
  } catch (error) {
    throw error instanceof TooLargeError ? error : new CutOffError(error)
  }
}

export const tooLarge = (limit: number): TooLargeError =>
  new TooLargeError(
    `The body has more than ${limit} bytes, which is what this server takes. Send fewer alerts at once, or raise FALCONER_INGEST_MAX_BYTES.`,
  )
