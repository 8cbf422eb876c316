/** Sends an approved plan's requests in order. When one is refused, what was done before it can be undone by the part of the undo that fits. */
import type { Outcome } from '../domain/proposal.ts'
import type { WriteContext } from './action.ts'
import { type Approved, assertApproved } from './approved.ts'

export async function sendAll(approved: Approved, context: WriteContext, done: string): Promise<Outcome> {
  assertApproved(approved)
  const { requests, undoRequests } = approved.plan
  for (const [index, request] of requests.entries()) {
    try {
      await context.send(request)
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      if (index === 0) return { status: 'failed', text: `Nothing was changed: ${why}`, undo: [] }
      return { status: 'partial', text: `${index} of ${requests.length} changes were made, then: ${why}`, undo: undoRequests.slice(-index) }
    }
  }
  return { status: 'succeeded', text: done, undo: undoRequests }
}
