/** One call of a provider of embeddings: bounded in time and size, never led elsewhere, and told apart by what is to be done about it. */
import { UpstreamError } from '../domain/errors.ts'
import type { Secret } from '../domain/redact.ts'

export type Limits = { timeoutMs: number; signal?: AbortSignal }
const usualMs = 30_000
/** 64 vectors of 16,000 numbers, written out, would be more; none is that wasteful. */
const mostBytes = 16 * 1024 * 1024

/** It refuses these very texts: sent again they are refused again. */
export class TextsRefused extends UpstreamError {}
/** It asks to be left alone for a while. */
export class ToldToWait extends UpstreamError {
  readonly waitMs: number
  constructor(message: string, waitMs: number) {
    super(message, { retryable: true })
    this.waitMs = waitMs
  }
}

export async function post(
  to: URL,
  body: object,
  key: Secret | undefined,
  { timeoutMs = usualMs, signal }: Partial<Limits>,
): Promise<unknown> {
  const ended = AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(signal === undefined ? [] : [signal])])
  const place = `The embedder at ${to.host}`
  try {
    const answer = await fetch(to, {
      method: 'POST',
      redirect: 'error',
      signal: ended,
      headers: { 'content-type': 'application/json', ...(key === undefined ? {} : { authorization: `Bearer ${key.reveal()}` }) },
      body: JSON.stringify(body),
    })
    if (!answer.ok) {
      await answer.body?.cancel().catch(() => {})
      throw refusal(place, answer)
    }
    return JSON.parse(await bodyOf(answer, place)) as unknown
  } catch (error) {
    if (error instanceof UpstreamError) throw error
    signal?.throwIfAborted()
    const why = ended.aborted
      ? `did not answer within ${timeoutMs / 1_000} s`
      : error instanceof SyntaxError
        ? 'did not answer in JSON'
        : 'could not be reached'
    throw new UpstreamError(`${place} ${why}.`, { cause: error, retryable: true })
  }
}

function refusal(place: string, { status, headers }: Response): UpstreamError {
  const says = `${place} answered ${status}`
  if (status === 429 || status === 503) {
    const seconds = Number(headers.get('retry-after') ?? Number.NaN)
    return new ToldToWait(
      `${says}: it asks to be left alone for a while.`,
      Number.isFinite(seconds) ? Math.min(Math.max(seconds, 1), 3_600) * 1_000 : 0,
    )
  }
  if (status === 401 || status === 403) return new UpstreamError(`${says}: see FALCONER_EMBED_KEY.`, { retryable: true })
  if (status === 404) return new UpstreamError(`${says}: see FALCONER_EMBED_URL and FALCONER_EMBED_MODEL.`, { retryable: true })
  if (status === 400 || status === 413 || status === 422)
    return new TextsRefused(`${says}: it will not take these texts.`, { retryable: false })
  return new UpstreamError(`${says}.`, { retryable: true })
}

async function bodyOf(answer: Response, place: string): Promise<string> {
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of answer.body ?? []) {
    bytes += part.length
    if (bytes > mostBytes) throw new UpstreamError(`${place} answered with more than ${mostBytes / 1024 / 1024} MB.`, { retryable: true })
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}
