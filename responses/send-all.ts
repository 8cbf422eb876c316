/**
 * Sends an approved plan's requests in order, each once. When one fails, what was done can be undone by the part of the undo
 * that fits; a request that got no clear answer is never sent again: the cluster is asked whether it was carried out.
 */
import { KubernetesApiError } from '../clusters/contract.ts'
import { DeniedError } from '../domain/errors.ts'
import type { Outcome, PlannedRequest } from '../domain/proposal.ts'
import type { WriteContext } from './action.ts'
import { type Approved, assertApproved } from './approved.ts'
import { inPlace } from './in-place.ts'

export async function sendAll(approved: Approved, context: WriteContext, done: string): Promise<Outcome> {
  assertApproved(approved)
  const { requests, undoRequests } = approved.plan
  for (const [index, request] of requests.entries()) {
    try {
      await context.send(request)
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      const carriedOut = isRefusal(error) ? 'no' : await wasCarriedOut(context, request)
      const count = carriedOut === 'no' ? index : index + 1
      if (count === 0) return { status: 'failed', text: `Nothing was changed: ${why}`, undo: [] }
      const told = {
        no: '',
        yes: ' The last one got no answer, but it was carried out.',
        unknown: ' Whether the last one was carried out is not known.',
      }
      return {
        status: 'partial',
        text: `${count} of ${requests.length} changes were made or may have been made, then: ${why}.${told[carriedOut]}`,
        undo: undoRequests.slice(-count),
      }
    }
  }
  return { status: 'succeeded', text: done, undo: undoRequests }
}

/** Refused for certain: by us before it was sent, or by the API server. Its own failures (5xx) may come after the deed. */
const isRefusal = (error: unknown): boolean =>
  error instanceof DeniedError || (error instanceof KubernetesApiError && error.status >= 400 && error.status < 500)

async function wasCarriedOut({ read }: WriteContext, request: PlannedRequest): Promise<'yes' | 'no' | 'unknown'> {
  try {
    return (await inPlace(read, request)) ? 'yes' : 'no'
  } catch {
    return 'unknown'
  }
}
