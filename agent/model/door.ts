/**
 * The one door to a model: the `fetch` that every SDK is given. On its way out a request loses its secrets, is looked up among what was answered
 * before, weighed against the budget and written to the ledger; on its way in the answer is counted as it passes. No call goes round it.
 */
import { createHash } from 'node:crypto'
import { canonicalJson } from '../../domain/canonical-json.ts'
import type { Clock } from '../../domain/clock.ts'
import { UpstreamError } from '../../domain/errors.ts'
import type { Spend } from '../../domain/spend.ts'
import type { Database } from '../../store/database.ts'
import { answeredCall, beginCall, endCall } from '../../store/model-calls.ts'
import type { Budget } from './budget.ts'
import { BudgetSpent, type ModelUse } from './model.ts'
import { maskedRequest } from './masked.ts'
import { passing } from './passing.ts'
import type { Usage } from './prices.ts'

export type DoorParts = {
  db: Database
  clock: Clock
  about: string
  use: ModelUse
  provider: 'anthropic' | 'openai'
  model: string
  budget: Budget
  costOf(usage: Usage): number | null
  /** What carries a request to the network. */ wire: typeof fetch
  /** The asking ends when this is aborted. */ signal: AbortSignal
}
export type Door = {
  fetch: typeof fetch
  /** The asking is over: aborted, or its time is up. */ readonly signal: AbortSignal
  /** Why nothing more is asked; null while it may be. */ refusal(): BudgetSpent | null
}
type Outgoing = { body: string; hash: Buffer; streams: boolean }

/** Longest silence within an answer. */
const silentMs = 90_000
/** Longest wait that a provider may ask for; beyond it the call has failed. */
const longestWaitSeconds = 30
/** So much is read of what a failure says. */
const mostOfFailure = 64 * 1_024

export function openDoor(parts: DoorParts): Door {
  const signal = AbortSignal.any([parts.signal, parts.budget.timeUp])
  // Answers that this asking gave out already: asked again, it is a new question.
  const given: string[] = []
  let refused: BudgetSpent | null = null
  const refuse = (reason: BudgetSpent): Response => {
    refused = reason
    return refusedAnswer(reason)
  }
  const door: typeof fetch = async (address, init = {}) => {
    const request = outgoing(address, init.body)
    const kept = await answeredCall(parts.db, { about: parts.about, requestHash: request.hash, but: given })
    if (kept !== undefined) {
      given.push(kept.id)
      return new Response(new Uint8Array(kept.answer), { status: kept.status, headers: { 'content-type': typeOf(request) } })
    }
    const reached = await parts.budget.reached()
    if (reached !== null) return refuse(reached)
    signal.throwIfAborted()
    try {
      return await called(parts, request, address, init, signal, given)
    } catch (error) {
      if (signal.reason instanceof BudgetSpent) return refuse(signal.reason)
      throw error
    }
  }
  const late = (): BudgetSpent | null => (signal.reason instanceof BudgetSpent ? signal.reason : null)
  return { fetch: door, signal, refusal: () => refused ?? late() }
}

/** Guarantee 6: masked here, whatever was put into it. */
function outgoing(address: Parameters<typeof fetch>[0], body: unknown): Outgoing {
  const sent: unknown = typeof body === 'string' && body !== '' ? JSON.parse(body) : {}
  const masked = maskedRequest(sent)
  const path = new URL(address instanceof Request ? address.url : address).pathname
  return {
    body: JSON.stringify(masked),
    hash: createHash('sha256')
      .update(`${path}\n${canonicalJson(masked)}`)
      .digest(),
    streams: masked.stream === true,
  }
}

const typeOf = ({ streams }: Outgoing): string => (streams ? 'text/event-stream; charset=utf-8' : 'application/json')

/** In the form of an answer that no SDK tries again; whoever asked is told the reason itself. */
const refusedAnswer = ({ message }: BudgetSpent): Response =>
  Response.json({ type: 'error', error: { type: 'budget_spent', message } }, { status: 402, headers: { 'x-should-retry': 'false' } })

async function called(
  parts: DoorParts,
  request: Outgoing,
  address: Parameters<typeof fetch>[0],
  init: RequestInit,
  over: AbortSignal,
  given: string[],
): Promise<Response> {
  const { db, clock, about, use, provider, model, budget } = parts
  const id = await beginCall(db, { about, use, provider, model, requestHash: request.hash }, clock.now())
  given.push(id)
  budget.began()
  const began = performance.now()
  let ended = false
  const end = async (usage: Usage, status: number | null, answer: Uint8Array | null, error: string | null): Promise<void> => {
    if (ended) return
    ended = true
    const cost: Omit<Spend, 'calls'> = { ...usage, usd: parts.costOf(usage), ms: Math.round(performance.now() - began) }
    budget.add(cost)
    await endCall(db, id, { status, cost, answer, error }, clock.now())
  }
  const signal = init.signal == null ? over : AbortSignal.any([init.signal, over])
  let response: Response
  try {
    response = await parts.wire(address, { ...init, body: request.body, signal })
  } catch (error) {
    await end(nothingUsed, null, null, signal.aborted ? reasonOf(signal) : `not reached: ${failureOf(error)}`)
    throw error
  }
  if (!response.ok) return failed(response, end)
  const body = passing(response, {
    streams: request.streams,
    signal,
    silentMs,
    end: (...one) => end(one[0], response.status, one[1], one[2]),
  })
  return new Response(body, { status: response.status, headers: response.headers })
}

const nothingUsed: Usage = { inputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 0 }

async function failed(
  response: Response,
  end: (usage: Usage, status: number, answer: Uint8Array | null, error: string) => Promise<void>,
): Promise<Response> {
  const text = await beginningOf(response)
  const headers = new Headers(response.headers)
  for (const name of ['content-encoding', 'content-length', 'transfer-encoding', 'retry-after-ms']) headers.delete(name)
  // A date is no number, and is not waited for either.
  if (!(Number(headers.get('retry-after') ?? 0) <= longestWaitSeconds)) headers.set('x-should-retry', 'false')
  await end(nothingUsed, response.status, null, `answered ${response.status}${typeWithin(text)}`)
  return new Response(text, { status: response.status, headers })
}

/** Whoever answers with an error may write on for ever; broken off, what came of it counts. */
async function beginningOf({ body }: Response): Promise<string> {
  const parts: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const part of body ?? []) {
      parts.push(part)
      bytes += part.byteLength
      if (bytes >= mostOfFailure) break
    }
  } catch {
    // The status says enough.
  }
  return Buffer.concat(parts).subarray(0, mostOfFailure).toString()
}

/** The provider's own word for it, where it is one. */
const typeWithin = (text: string): string => {
  const type = /"type"\s*:\s*"([a-z_]{3,40}_error)"/.exec(text)?.[1]
  return type === undefined ? '' : ` (${type})`
}

const failureOf = (error: unknown): string => {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  return (cause as { code?: string } | null)?.code ?? (cause instanceof Error ? cause.name : 'unknown')
}
const reasonOf = ({ reason }: AbortSignal): string =>
  reason instanceof BudgetSpent || reason instanceof UpstreamError ? reason.message : 'broken off by whoever asked'
