/** Search by likeness of meaning, where an embedder is configured: the question becomes a vector, once. Whatever goes wrong with it, the words remain, and it is said. */
import type { Clock } from '../domain/clock.ts'
import type { Queryable } from '../store/database.ts'
import type { FoundChunk, KnowledgeKind } from '../store/knowledge.ts'
import { embedderState, type EmbedderState, nearestChunks } from '../store/knowledge-vectors.ts'
import { wordsOf } from '../store/word-search.ts'
import type { Embedder } from './embedder.ts'

/** `said` null: all that is known was looked at. */
export type ByMeaning = { chunks: FoundChunk[]; said: string | null }

const queryMs = 2_000
/** After a failure nobody waits for it again so soon. */
const restMs = 15_000
const mostKept = 500
const stateMs = 5_000

export class Meaning {
  readonly embedder: Embedder
  readonly #clock: Clock
  readonly #kept = new Map<string, Promise<number[]>>()
  #state: { at: number; of: EmbedderState } | null = null
  #failed: { since: Date; at: number; why: string; text: string } | null = null

  constructor(embedder: Embedder, clock: Clock) {
    this.embedder = embedder
    this.#clock = clock
  }

  /** Since when it answers no question, and why; null: it does, as far as it was asked. */
  get failing(): { since: Date; why: string } | null {
    return this.#failed
  }

  /** Asks once more what was not answered, so that a failure is told of no longer than it lasts. */
  async again(): Promise<void> {
    if (this.#failed !== null) await this.#vectorOf(this.#failed.text).catch(() => {})
  }

  /** Asks for the question's vector at once; looks when the answer is wanted. Undefined: it has nothing to add to this question. */
  ask(text: string): ((db: Queryable, kinds: readonly KnowledgeKind[], limit: number) => Promise<ByMeaning>) | undefined {
    if (wordsOf(text).length < (this.embedder.leastWords ?? 0)) return undefined
    const asked = this.#vectorOf(text).catch((error: unknown) => (error instanceof Error ? error.message : String(error)))
    return async (db, kinds, limit) => {
      const vector = await asked
      if (typeof vector === 'string') return { chunks: [], said: `by words alone: ${vector}` }
      const state = await this.#stateOf(db)
      if (state.dimensions === null) return { chunks: [], said: 'by words alone: nothing is embedded yet' }
      if (state.dimensions !== vector.length)
        return {
          chunks: [],
          said: `by words alone: the embedder answers vectors of ${vector.length} numbers, and before of ${state.dimensions}`,
        }
      const chunks = await nearestChunks(db, this.embedder.name, vector, { kinds, limit })
      return { chunks, said: state.done < state.of ? `by meaning only ${state.done} of ${state.of} pieces of knowledge so far` : null }
    }
  }

  /** Counted seldom: it says how far embedding is, which no search waits for. */
  async #stateOf(db: Queryable): Promise<EmbedderState> {
    const now = this.#clock.now().getTime()
    if (this.#state === null || now - this.#state.at > stateMs || this.#state.of.dimensions === null)
      this.#state = { at: now, of: await embedderState(db, this.embedder.name) }
    return this.#state.of
  }

  #vectorOf(text: string): Promise<number[]> {
    const kept = this.#kept.get(text)
    if (kept !== undefined) return kept
    const now = this.#clock.now()
    if (this.#failed !== null && now.getTime() - this.#failed.at < restMs) return Promise.reject(new Error(this.#failed.why))
    const asked = this.embedder.embed([text], 'query', { timeoutMs: queryMs }).then(([vector]) => vector as number[])
    this.#kept.set(text, asked)
    if (this.#kept.size > mostKept) this.#kept.delete([...this.#kept.keys()][0] as string)
    asked.then(
      () => (this.#failed = null),
      (error: Error) => {
        this.#kept.delete(text)
        this.#failed = { since: this.#failed?.since ?? now, at: now.getTime(), why: error.message, text }
      },
    )
    return asked
  }
}
