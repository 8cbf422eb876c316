/** How well knowledge is found: recall among the first five and the mean reciprocal rank, over labelled queries. */
import { systemClock } from '../domain/clock.ts'
import { piecesOf } from '../knowledge/chunks.ts'
import { incidentKnown, runbookKnown } from '../knowledge/learn.ts'
import { runbooks } from '../prompts/runbook.ts'
import type { Database } from '../store/database.ts'
import { keepKnown, type FoundChunk, type Known } from '../store/knowledge.ts'
import { queries } from '../evals/knowledge/queries.ts'
import { incidents, notes } from '../evals/knowledge/world.ts'

export const worldKnown = (): Known[] => [
  ...runbooks().map(runbookKnown),
  ...incidents.map(incidentKnown),
  ...Object.entries(notes).map(([ref, text]): Known => ({ kind: 'document', ref, pieces: piecesOf(ref, text) })),
]
export const learnWorld = (db: Database): Promise<number> => keepKnown(db, worldKnown(), systemClock.now())

export type Quality = { recall: number; rank: number; missed: string[] }

/** `find` answers pieces, best first; of what they are pieces of the first five count. */
export async function quality(find: (ask: string) => Promise<readonly Pick<FoundChunk, 'kind' | 'ref'>[]>): Promise<Quality> {
  let [found, rank] = [0, 0]
  const missed: string[] = []
  for (const { ask, want } of queries) {
    const refs = [...new Set((await find(ask)).map(({ kind, ref }) => `${kind} ${ref}`))]
    const at = refs.findIndex((ref) => want.includes(ref))
    if (at >= 0 && at < 5) found += 1
    else missed.push(ask)
    if (at >= 0) rank += 1 / (at + 1)
  }
  return { recall: found / queries.length, rank: rank / queries.length, missed }
}
