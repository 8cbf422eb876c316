/**
 * Embeds, in the background, what this server's embedder has not seen as it is now: one batch a step, claimed so that two servers send nothing twice. After
 * a failure it waits, longer each time, or as long as it was told; nothing else waits with it.
 */
import type { Clock } from '../domain/clock.ts'
import { UpstreamError } from '../domain/errors.ts'
import { newId } from '../domain/ids.ts'
import type { Database } from '../store/database.ts'
import {
  claimChunks,
  type Claimed,
  embedderFailed,
  embedderRest,
  embedderState,
  embedderUsed,
  embedderWorked,
  forgetEmbedders,
  giveBack,
  keepRefusal,
  keepVectors,
} from '../store/knowledge-vectors.ts'
import { TextsRefused, ToldToWait } from './embed-call.ts'
import type { Embedder } from './embedder.ts'

const batch = 32
/** Longer than a call may take. */
const claimMs = 120_000
const firstWaitMs = 5_000
const longestWaitMs = 10 * 60_000
/** What an embedder made that nobody has used for so long goes: it can be made again. */
const keptMs = 24 * 3_600_000

/** One step; true: there may be more at once. Throws UpstreamError once it has noted it. */
export async function embedSome(db: Database, clock: Clock, embedder: Embedder, signal?: AbortSignal): Promise<boolean> {
  const now = clock.now()
  const rest = await embedderRest(db, embedder.name)
  if (rest.retryAt !== null && rest.retryAt > now) return false
  await embedderUsed(db, embedder.name, now)
  const by = newId()
  const claimed = await claimChunks(db, embedder.name, { by, now, until: new Date(now.getTime() + claimMs), limit: batch })
  if (claimed.length === 0) {
    const state = await embedderState(db, embedder.name)
    if (state.done + state.refused === state.of) await forgetEmbedders(db, new Date(now.getTime() - keptMs))
    return false
  }
  try {
    await embedClaimed({ db, clock, embedder, by, signal }, claimed)
    return true
  } catch (error) {
    await giveBack(
      db,
      embedder.name,
      by,
      claimed.map(({ id }) => id),
    )
    if (error instanceof UpstreamError) {
      const wait =
        error instanceof ToldToWait && error.waitMs > 0 ? error.waitMs : Math.min(firstWaitMs * 2 ** rest.failures, longestWaitMs)
      await embedderFailed(db, embedder.name, { error: error.message, at: now, retryAt: new Date(clock.now().getTime() + wait) })
    }
    throw error
  }
}

type Work = { db: Database; clock: Clock; embedder: Embedder; by: string; signal: AbortSignal | undefined }

/** What is refused together is sent one by one, so that one text keeps back no other. */
async function embedClaimed(work: Work, claimed: readonly Claimed[]): Promise<void> {
  const { db, clock, embedder, by, signal } = work
  try {
    const vectors = await embedder.embed(
      claimed.map(({ title, text }) => `${title}\n${text}`),
      'document',
      signal === undefined ? {} : { signal },
    )
    const dimensions = await embedderWorked(db, embedder.name, vectors[0]?.length ?? 0, clock.now())
    const [odd] = vectors.filter(({ length }) => length !== dimensions)
    if (odd !== undefined)
      throw new UpstreamError(
        `The embedder ${embedder.name} answered vectors of ${odd.length} numbers, and before of ${dimensions}: it is not the same model. Name the other one in FALCONER_EMBED_MODEL.`,
        { retryable: true },
      )
    await keepVectors(
      db,
      embedder.name,
      by,
      claimed.map(({ id, hash }, place) => ({ id, hash, vector: vectors[place] as number[] })),
    )
  } catch (error) {
    if (!(error instanceof TextsRefused)) throw error
    const [only, another] = claimed
    if (only !== undefined && another === undefined) return keepRefusal(db, embedder.name, by, only)
    for (const one of claimed) await embedClaimed(work, [one])
  }
}
