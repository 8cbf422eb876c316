/**
 * Lists for a reader who pays for every character: as many entries as fit, how many were left out, and how to get them. Never cut in the middle of an entry,
 * and never silently.
 */
import { z } from 'zod'
import { InputError } from '../domain/errors.ts'
import { stringifyExact } from '../domain/exact-json.ts'

/** Some 1,500 tokens. */
export const listBudget = 6_000

export const More = z.string().nullable().describe('What was left out and how to narrow it; null: this is all')

/** Parameters that every list takes. */
export const listInput = (most: number, preset: number) => ({
  limit: z.number().int().min(1).max(most).default(preset).describe(`At most so many, up to ${most}`),
  cursor: z.string().max(200).optional().describe('`next` of the answer before'),
})

/** What a value costs whoever reads it. */
export const bytesOf = (value: unknown): number => Buffer.byteLength(stringifyExact(value))

/** The first entries that fit into `budget` bytes, at least one. */
export function fitting<T>(entries: readonly T[], budget = listBudget): T[] {
  const kept: T[] = []
  let used = 0
  for (const entry of entries) {
    used += bytesOf(entry) + 1
    if (kept.length > 0 && used > budget) break
    kept.push(entry)
  }
  return kept
}

/**
 * A page that fits: what does not is left to the next page, so that a cursor never skips. `fetch` answers at most `limit` entries, and the cursor behind the
 * last of them.
 */
export async function fittingPage<T>(
  limit: number,
  fetch: (limit: number) => Promise<{ entries: T[]; next: string | null }>,
  budget = listBudget,
): Promise<{ entries: T[]; next: string | null }> {
  const page = await fetch(limit)
  const kept = fitting(page.entries, budget)
  return kept.length === page.entries.length ? page : fetch(kept.length)
}

/** "12 more; narrow by namespace or severity". `left` null: it is not known how many. */
export const moreText = (left: number | null, narrowBy: string): string | null =>
  left === 0 ? null : `${left === null ? 'There are more' : `${left} more`}; ${narrowBy}`

/** The cursor, when `parse` knows it. Throws InputError: a cursor that is not understood must not begin the list again. */
export function knownCursor(cursor: string | undefined, parse: (text: string) => unknown): string | undefined {
  if (cursor !== undefined && parse(cursor) === undefined)
    throw new InputError('`cursor` is not the `next` of an answer of this tool. Leave it out to begin again.')
  return cursor
}
