/**
 * The work that goes on by itself: correlate, investigate, plan, execute, tell others, tidy up. Each step takes the next rows that are due, so
 * a crash loses nothing; one row that fails again and again does not keep the others waiting.
 */
import { deriveMarked } from '../../graph/derive.ts'
import { deriveFixes } from '../../graph/fix-first.ts'
import { DeniedError, InputError, UpstreamError } from '../../domain/errors.ts'
import { agentPrincipal } from '../../domain/principal.ts'
import { correlatePending } from '../../incidents/pipeline.ts'
import { executeProposal, expireOverdue } from '../../responses/execute.ts'
import { planProposal } from '../../responses/plan-requested.ts'
import { recoverInterrupted, requeueInterruptedPlanning } from '../../responses/recover.ts'
import { uninvestigated } from '../../store/incidents.ts'
import { releaseInterrupted } from '../../store/investigations.ts'
import { tidyAnalysts } from '../../store/analyst-upkeep.ts'
import { forgetBaseline, keptDays } from '../../store/baseline.ts'
import { dropBefore, ensurePartitions } from '../../store/partitions.ts'
import { sweepExpired } from '../../store/people.ts'
import { listProposals } from '../../store/proposals.ts'
import { giveUpInterrupted } from '../../store/threads.ts'
import { foldStanding } from '../../store/inventory-standing.ts'
import { tidyEmbedded } from '../../store/upkeep.ts'
import { deepenNext, newHolder, triageDue } from './deepen.ts'
import { investigateNow } from './investigate-now.ts'
import { startTelling } from './destinations.ts'
import type { Falconer } from './falconer.ts'
import { knowledgeSteps } from './knowledge.ts'
import { type Loop, type LoopTimes, startLoop } from './loop.ts'
import { noticeSteps } from './steps.ts'

const hourMs = 3_600_000
const loadAfterMs = 5_000

/** What there is to do, one step each; true: there may be more at once. */
type Steps = Record<
  | 'correlate'
  | 'derive'
  | 'investigate'
  | 'triage'
  | 'deepen'
  | 'deepenToo'
  | 'steps'
  | 'plan'
  | 'execute'
  | 'tell'
  | 'learn'
  | 'embed'
  | 'housekeeping',
  () => Promise<boolean>
>
const times: Record<keyof Steps, LoopTimes> = {
  // What a batch costs hardly depends on its size: under load it is taken a few times a second.
  correlate: { everyMs: 2_000, restMs: 300 },
  derive: { everyMs: 2_000, restMs: 300 },
  investigate: { everyMs: 1_000 },
  triage: { everyMs: 2_000 },
  // Two at once; what one of them has is no work of the other.
  deepen: { everyMs: 5_000 },
  deepenToo: { everyMs: 5_000 },
  steps: { everyMs: 1_000 },
  plan: { everyMs: 5_000 },
  execute: { everyMs: 5_000 },
  tell: { everyMs: 1_000, restMs: 300 },
  learn: { everyMs: 30_000 },
  embed: { everyMs: 1_000 },
  housekeeping: { everyMs: 30_000 },
}

/** `tell` tells those outside who are to be told; `stop` ends what waits for others. */
function stepsOf(falconer: Falconer, quietMs: number, tell: () => Promise<boolean>, stop: AbortSignal): Steps {
  const { db, clock, responses } = falconer
  const holders = [newHolder(), newHolder()] as const
  const nextProposal = async (state: 'requested' | 'approved', step: (id: string) => Promise<unknown>): Promise<boolean> => {
    const due = await listProposals(db, { states: [state] }, 20)
    // One that fails again and again must not keep the others waiting.
    await inTurn(
      due.reverse().map(({ id }) => async () => {
        await step(id).catch((error: unknown) => {
          if (!(error instanceof DeniedError)) throw error
        })
        falconer.changed('incidents')
        falconer.changes.emit('change', 'proposals')
      }),
    )
    return due.length === 20
  }
  // Not at once: a start has better things to do.
  let tidiedAt = clock.now().getTime()
  return {
    correlate: async () => {
      const { receivedAt, more } = await correlatePending(db, clock)
      for (const at of receivedAt) falconer.lag.record(Math.max(1, clock.now().getTime() - at))
      if (receivedAt.length > 0) falconer.changed('incidents')
      return more
    },
    derive: async () => {
      const [steps, fixes] = [await deriveMarked(db, clock), await deriveFixes(db, clock)]
      if (fixes.derived > 0) falconer.changed('findings')
      return steps.more || fixes.more
    },
    investigate: async () => {
      const due = await uninvestigated(db, { minSeverity: 'medium', now: clock.now(), quietMs, limit: 5 })
      await inTurn(
        due.map((incident) => async () => {
          await investigateNow(falconer, incident.id, agentPrincipal.name).catch((error: unknown) => {
            // Another server is at it.
            if (!(error instanceof InputError)) throw error
          })
        }),
      )
      return due.length === 5
    },
    triage: () => triageDue(falconer),
    deepen: () => deepenNext(falconer, { holder: holders[0], stop }),
    deepenToo: () => deepenNext(falconer, { holder: holders[1], stop }),
    steps: noticeSteps(falconer),
    plan: () => nextProposal('requested', (id) => planProposal(responses, responses.executor, id)),
    execute: () => nextProposal('approved', (id) => executeProposal(responses, id)),
    tell,
    ...knowledgeSteps(falconer, stop),
    housekeeping: async () => {
      const now = clock.now()
      const ago = (days: number): Date => new Date(now.getTime() - days * 86_400_000)
      // Each whatever becomes of the others: on a full disk it is retention that makes room.
      await inTurn([
        async () => (await expireOverdue(responses)) > 0 && falconer.changed('proposals'),
        // What another server left when it died, once its claims are over.
        async () => (await giveUpInterrupted(db, now, 'lapsed')) > 0 && falconer.changed('chat'),
        () => requeueInterruptedPlanning(responses, 'lapsed'),
        () => releaseInterrupted(db, now, 'lapsed'),
        async () => falconer.cluster !== null && (await recoverInterrupted(responses, 'lapsed')) > 0 && falconer.changed('proposals'),
        () => ensurePartitions(db, now),
        () => dropBefore(db, ago(falconer.config.FALCONER_RETENTION_DAYS)),
        () => sweepExpired(db, now),
        () => foldStanding(db),
        async () => {
          if (now.getTime() - tidiedAt < hourMs) return
          tidiedAt = now.getTime()
          await tidyAnalysts(db, { over: ago(1), old: ago(falconer.config.FALCONER_RETENTION_DAYS) })
          await forgetBaseline(db, ago(keptDays))
          await tidyEmbedded(db)
        },
        async () => {
          if (falconer.cluster !== null) falconer.cluster = await responses.executor.status()
        },
      ])
      return false
    },
  }
}

export type Work = {
  wake(name: keyof Steps): void
  /** Resolves when nothing is left to do. */ idle(): Promise<void>
  stop(): Promise<void>
}

/** A server's: each step again and again, until stopped. */
export async function startWork(falconer: Falconer, quietMs: number): Promise<Work> {
  const { log } = falconer
  const stopping = new AbortController()
  const failed =
    (loop: string) =>
    (error: unknown): void =>
      error instanceof UpstreamError && error.retryable
        ? log.warn('work postponed', { loop, error: error.message })
        : log.error('work failed', { loop, error })
  const steps = stepsOf(falconer, quietMs, await startTelling(falconer, stopping.signal), stopping.signal)
  const loops = Object.fromEntries(
    (Object.keys(steps) as (keyof Steps)[]).map((name) => [name, startLoop(times[name], steps[name], failed(name))]),
  ) as Record<keyof Steps, Loop>
  // What asks models takes a second or more to load: not while the first incident waits for it, nor while Falconer starts.
  const loading = setTimeout(() => {
    if (falconer.asking.why === null) void falconer.asking.analyst().catch(failed('deepen'))
  }, loadAfterMs).unref()
  return {
    wake: (name) => loops[name].wake(),
    idle: async () => {
      for (const name of ['correlate', 'derive', 'investigate', 'triage', 'plan', 'execute'] as const) await loops[name].idle()
    },
    stop: () => {
      clearTimeout(loading)
      stopping.abort()
      return inTurn(Object.values(loops).map((loop) => () => loop.stop()))
    },
  }
}

/** A command's: correlates and investigates when asked, has a model asked when a person wants it, and leaves the rest to a server. */
export function workOnDemand(falconer: Falconer, quietMs: number): Work {
  const stopping = new AbortController()
  const steps = stepsOf(falconer, quietMs, async () => false, stopping.signal)
  const holder = newHolder()
  let deepening = Promise.resolve()
  const deepen = async (): Promise<void> => {
    while (await deepenNext(falconer, { holder, stop: stopping.signal, people: true }));
  }
  return {
    wake: (name) => {
      if (name === 'deepen')
        deepening = deepening.then(deepen).catch((error: unknown) => falconer.log.error('work failed', { loop: name, error }))
    },
    idle: async () => {
      for (const name of ['correlate', 'derive', 'investigate', 'triage'] as const) while (await steps[name]());
    },
    stop: () => {
      stopping.abort()
      return deepening
    },
  }
}

/** Does all of it, whatever fails on the way; then throws what failed first. */
export async function inTurn(steps: readonly (() => Promise<unknown>)[]): Promise<void> {
  const failed: unknown[] = []
  for (const step of steps) await step().catch((error: unknown) => failed.push(error))
  if (failed.length > 0) throw failed[0]
}
