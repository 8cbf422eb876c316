/** Keeping knowledge in step, as work that goes on by itself: what is to be known is read again now and then, and embedded, a batch at a time. */
import { setTimeout as sleep } from 'node:timers/promises'
import { embedderGaps, notesGaps } from '../../domain/knowledge-coverage.ts'
import { embedSome } from '../../knowledge/embed.ts'
import { learn } from '../../knowledge/learn.ts'
import { lexical } from '../../knowledge/lexical.ts'
import { knownCounts } from '../../store/knowledge.ts'
import { embedderState } from '../../store/knowledge-vectors.ts'
import { notesStanding } from '../../store/notes-standing.ts'
import type { Database } from '../../store/database.ts'
import type { Falconer } from './falconer.ts'

/** A start has better things to do. */
const firstMs = 1_500
/** How often it is looked whether there is something to embed, when there was nothing. */
const lookMs = 30_000

export function knowledgeSteps(falconer: Falconer, signal: AbortSignal): Record<'learn' | 'embed', () => Promise<boolean>> {
  const { db, clock, config, log, meaning } = falconer
  let told = ''
  let nothingAt = Number.NEGATIVE_INFINITY
  let begun: Promise<unknown> | null = null
  const begin = (): Promise<unknown> => (begun ??= sleep(firstMs, undefined, { signal, ref: false }).catch(() => {}))
  return {
    learn: async () => {
      await begin()
      if (signal.aborted) return false
      const refused = await learn(db, clock, { notes: config.FALCONER_NOTES })
      const says = refused.map(({ path, why }) => `${path}: ${why}`).join('; ')
      if (says !== told && says !== '')
        log.warn('notes that are not searched', { folder: config.FALCONER_NOTES, refused: refused.slice(0, 20) })
      told = says
      return false
    },
    // One batch a second of what is sent to others; what is made here costs nobody anything.
    embed: async () => {
      if (begun !== null) await begun
      if (signal.aborted || meaning === null) return false
      await meaning.again()
      if (performance.now() - nothingAt < lookMs) return false
      const more = await embedSome(db, clock, meaning.embedder, signal)
      if (!more) nothingAt = performance.now()
      return more && meaning.embedder === lexical && !signal.aborted
    },
  }
}

/** What is known, how far it is embedded, and what is amiss, for whoever looks after it; `note`: something is. */
export async function knowledgeWords(db: Database, embedder: string | null, now: Date): Promise<{ text: string; note: boolean }> {
  const counts = await knownCounts(db)
  const state = embedder === null ? null : await embedderState(db, embedder)
  const notes = await notesStanding(db)
  const gaps = [
    ...(state === null ? [] : embedderGaps(state, null, now)),
    // That no server reads them just now is no news to whoever asks beside one that stands still.
    ...(notes === undefined ? [] : notesGaps({ ...notes, lookedAt: now }, now)),
  ]
  const far = state === null ? 'searched by words alone' : `embedded by ${state.name}: ${state.done} of ${state.of}`
  const text = `${counts.runbook} pieces of runbooks, ${counts.incident} of past incidents, ${counts.document} of notes; ${far}`
  return { text: [text, ...gaps.map(({ says }) => says)].join('. '), note: gaps.length > 0 }
}
