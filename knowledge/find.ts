/** Finds pieces of knowledge: by words, and by likeness where an embedder is there, made one list by rank. One piece of each text, the best. */
import type { Queryable } from '../store/database.ts'
import { chunksByWords, type FoundChunk, type KnowledgeKind } from '../store/knowledge.ts'
import { fuse } from './fuse.ts'
import type { Meaning } from './meaning.ts'

export type FoundPiece = FoundChunk & { by: 'words' | 'likeness' | 'both' }
/** `said`: what was not looked at in full; null: nothing. */
export type FoundKnowledge = { pieces: FoundPiece[]; said: string | null }

/** So many pieces for each text that is wanted: a long one has many that fit. */
const perText = 4

/** The embedder is asked at once; its answer is waited for when words have been looked for. */
export function askKnowledge(
  db: Queryable,
  text: string,
  { kinds, limit, meaning }: { kinds: readonly KnowledgeKind[]; limit: number; meaning: Meaning | undefined },
): () => Promise<FoundKnowledge> {
  // Where nothing is looked for, nothing is told to an embedder.
  const asked = kinds.length === 0 ? undefined : meaning?.ask(text)
  return async () => {
    const words = onceEach(await chunksByWords(db, text, kinds, limit * perText))
    const alike = await asked?.(db, kinds, limit * perText)
    const likeness = onceEach(alike?.chunks ?? [])
    const pieces = fuse([words, likeness], keyOf).map(({ entry }) => ({
      ...entry,
      by: by(words.some(same(entry)), likeness.some(same(entry))),
    }))
    return { pieces: pieces.slice(0, limit), said: alike?.said ?? null }
  }
}

const keyOf = ({ kind, ref }: FoundChunk): string => `${kind} ${ref}`
const same =
  (one: FoundChunk) =>
  (other: FoundChunk): boolean =>
    keyOf(other) === keyOf(one)
const by = (words: boolean, likeness: boolean): FoundPiece['by'] => (words && likeness ? 'both' : words ? 'words' : 'likeness')
function onceEach(chunks: readonly FoundChunk[]): FoundChunk[] {
  const seen = new Set<string>()
  return chunks.filter((one) => seen.size < seen.add(keyOf(one)).size)
}
