/**
 * An answer on its way in: handed on part by part as it comes, kept and counted beside. The ledger has it before its last part is handed on.
 * What is cut, silent, endless or broken off ends in an error that says so, never as if it were whole.
 */
import { UpstreamError } from '../../domain/errors.ts'
import { BudgetSpent } from './model.ts'
import type { Usage } from './prices.ts'
import { usageReader } from './usage.ts'

export type PassingOptions = {
  streams: boolean
  signal: AbortSignal
  silentMs: number
  end(usage: Usage, answer: Uint8Array | null, error: string | null): Promise<void>
}
const mostBytes = 8 * 1_024 * 1_024

export function passing(response: Response, options: PassingOptions): ReadableStream<Uint8Array> {
  const reader = (response.body ?? new ReadableStream<Uint8Array>({ start: (one) => one.close() })).getReader()
  const counted = usageReader(options.streams)
  const kept: Uint8Array[] = []
  let bytes = 0
  const broken = async (error: Error): Promise<Error> => {
    await options.end(counted.usage, null, error.message)
    await reader.cancel().catch(() => {})
    return error
  }
  const next = async (): Promise<Uint8Array | null> => {
    const { value, done } = await read(reader, options)
    if (value !== undefined) {
      bytes += value.byteLength
      if (bytes > mostBytes) throw new UpstreamError(`The model’s answer is longer than ${mostBytes} bytes.`, { retryable: false })
      kept.push(value)
      counted.take(value)
    }
    if (done) counted.end()
    if (counted.problem !== null) throw new UpstreamError(`The model’s answer failed: ${counted.problem}.`, { retryable: true })
    if (done && !counted.whole) throw new UpstreamError('The model’s answer was cut before its end.', { retryable: true })
    if (counted.whole) await options.end(counted.usage, joined(kept, options.streams), null)
    return value ?? null
  }
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const part = await next()
          if (part === null) controller.close()
          else controller.enqueue(part)
        } catch (error) {
          controller.error(await broken(error as Error))
        }
      },
      async cancel() {
        await broken(new Error('broken off by whoever asked'))
      },
    },
    { highWaterMark: 0 },
  )
}

/** Server-sent events end with an empty line, which may come after the last one that counts. */
const joined = (kept: Uint8Array[], streams: boolean): Uint8Array => Buffer.concat(streams ? [...kept, Buffer.from('\n\n')] : kept)

type Read = { value?: Uint8Array; done: boolean }

/** The next part, unless it is over or there was silence for too long. Its errors are ours: an SDK takes an AbortError for an end. */
async function read(reader: ReadableStreamDefaultReader<Uint8Array>, { signal, silentMs }: PassingOptions): Promise<Read> {
  let stop = (): void => {}
  const stopped = new Promise<never>((_resolve, reject) => {
    const over = (): void =>
      reject(
        signal.reason instanceof BudgetSpent
          ? signal.reason
          : new UpstreamError('The model’s answer was broken off.', { retryable: false }),
      )
    const timer = setTimeout(
      () => reject(new UpstreamError(`The model fell silent for ${silentMs / 1_000} seconds within its answer.`, { retryable: true })),
      silentMs,
    )
    signal.addEventListener('abort', over, { once: true })
    if (signal.aborted) over()
    stop = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', over)
    }
  })
  try {
    return await Promise.race([reader.read(), stopped])
  } catch (error) {
    if (error instanceof UpstreamError || error instanceof BudgetSpent) throw error
    if (signal.reason instanceof BudgetSpent) throw signal.reason
    throw new UpstreamError('The model’s answer was cut before its end.', { cause: error, retryable: true })
  } finally {
    stop()
  }
}
