/**
 * One place that says when an analyst did something: 'steps' with what it is about (an investigation, a thread) on this server's changes, whichever server it
 * works on. Says that there is something to read, never what: store/analyst-steps.ts has it.
 */
import { recentSteps } from '../../store/analyst-steps.ts'
import type { Falconer } from './falconer.ts'

/** Steps are looked for as far back as the clocks of two servers may differ. */
const backMs = 15_000

/** One look at what other servers did; for a loop. Embedded there is no other. */
export function noticeSteps(falconer: Falconer): () => Promise<boolean> {
  const { db, clock, changes } = falconer
  const told = new Map<string, string>()
  return async () => {
    if (db.kind === 'embedded') return false
    const recent = await recentSteps(db, new Date(clock.now().getTime() - backMs))
    for (const { about, mark } of recent) {
      if (told.get(about) === mark) continue
      told.set(about, mark)
      changes.emit('steps', about)
    }
    const still = new Set(recent.map(({ about }) => about))
    for (const about of told.keys()) if (!still.has(about)) told.delete(about)
    return false
  }
}
