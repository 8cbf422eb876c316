/** After an interruption only looking can tell how far it came. What is found is put in the words of a result; nothing is sent. */
import { FalconerError } from '../domain/errors.ts'
import type { ExecutionResult, Plan, PlannedRequest } from '../domain/proposal.ts'
import { artifactsOf } from '../store/proposals.ts'
import type { ResponseContext } from './context.ts'
import type { Executor } from './executor.ts'

type Looking = ResponseContext & { executor: Executor }

/** What the cluster and the store show of an execution nobody saw the end of. Throws what the executor throws when it cannot look. */
export async function lookAtWhatIs(looking: Looking, proposalId: string, plan: Plan, why: string): Promise<ExecutionResult> {
  const told = `It was interrupted (${why}) and is not run again.`
  if (plan.requests.every((request) => request.verb === 'read')) return collected(looking, proposalId, plan, told)
  const observation = await looking.executor.verify(plan)
  const standing = await looking.executor.standing(plan.requests)
  // Sent in order: what comes before the last one that stands was sent too.
  const count = standing.lastIndexOf(true) + 1
  const done = count === 0 ? 'none' : count === standing.length && observation.level !== 'none' ? 'all' : 'some'
  return {
    status: ({ none: 'failed', some: 'partial', all: 'succeeded' } as const)[done],
    text: `${told} ${{ none: 'None of its changes is in place.', some: `${count} of its ${standing.length} changes may be in place.`, all: 'Its changes are in place.' }[done]} ${observation.text}`,
    undo: count === 0 ? [] : plan.undoRequests.slice(-count),
    observation,
    drift: [],
    at: looking.clock.now().toISOString(),
  }
}

/** When not even looking is possible: everything may have been done, and everything may be undone. */
export const unseen = (looking: Looking, plan: Plan, why: string, error: unknown): ExecutionResult => ({
  status: 'partial',
  text: `It was interrupted (${why}) and the cluster could not be looked at (${messageOf(error)}): look for yourself before you propose it again.`,
  undo: plan.undoRequests,
  observation: { level: 'none', text: 'Not looked at.', remaining: ['whether anything was changed is not known'] },
  drift: [],
  at: looking.clock.now().toISOString(),
})

/** A collection leaves its trace with us, not in the cluster: a manifest and one log for each container. */
async function collected(looking: Looking, proposalId: string, plan: Plan, told: string): Promise<ExecutionResult> {
  const stored = (await artifactsOf(looking.db, proposalId)).length
  const expected = plan.requests.length + 1
  const text = `${stored} of ${expected} files are stored.`
  return {
    status: stored === 0 ? 'failed' : stored < expected ? 'partial' : 'succeeded',
    text: `${told} ${text}`,
    undo: [],
    observation: {
      level: stored < expected ? 'none' : 'effect_observed',
      text,
      remaining: stored < expected ? ['the other files were not read'] : [],
    },
    drift: [],
    at: looking.clock.now().toISOString(),
  }
}

/** Whether the changes of an undo stand. Undos and changes are looked at alike: as requests that are in place or not. */
export async function isUndone(looking: Looking, undo: readonly PlannedRequest[]): Promise<boolean> {
  return (await looking.executor.standing([...undo])).every(Boolean)
}

export const messageOf = (error: unknown): string =>
  error instanceof FalconerError || error instanceof Error ? error.message : String(error)
