/** A sign of life, again and again, of whoever runs an investigation: taken up by another meanwhile it is lost, and nothing that is written after that counts. */
import type { Clock } from '../domain/clock.ts'
import type { Database } from '../store/database.ts'
import { holdEveryMs, holdInvestigation, type Lease, perhapsHeld } from '../store/investigations.ts'

export type Keeping = {
  /** Aborted: another has it. */ lost: AbortSignal
  stop(): void
  /** Stopped, and what is held in the end. */ end(): Promise<Lease>
}

export function keepLease(db: Database, clock: Clock, id: string, first: Lease, everyMs = holdEveryMs): Keeping {
  const lost = new AbortController()
  let lease = first
  let saying = Promise.resolve()
  const say = async (): Promise<void> => {
    const at = clock.now()
    const held = await holdInvestigation(db, id, lease, at).catch(() => perhapsHeld(lease, at))
    if (held === null) lost.abort()
    else lease = held
  }
  const timer = setInterval(() => {
    saying = saying.then(say)
  }, everyMs).unref()
  const stop = (): void => clearInterval(timer)
  return {
    lost: lost.signal,
    stop,
    async end() {
      stop()
      await saying
      return lease
    },
  }
}
