/**
 * Gaps of knowledge, for the ledger of what was looked at: notes that cannot be read, and pieces or questions that an embedder does not take, so that
 * they are found by words alone. What waits for moments only is on its way, and is none. Pure.
 */
import type { CoverageGap } from './coverage.ts'

const minute = 60_000
/** What has waited for less is on its way. */
const usualMs = 5 * minute
/** The folder of notes is read every half minute. */
export const notesExpectedMs = 10 * minute

export type EmbedderFacts = {
  done: number
  refused: number
  of: number
  waitingSince: Date | null
  failingSince: Date | null
  error: string | null
  retryAt: Date | null
}
/** Since when it does not answer searches, and why. */
export type Unanswered = { since: Date; why: string }

export function embedderGaps(facts: EmbedderFacts, unanswered: Unanswered | null, now: Date): CoverageGap[] {
  const { done, refused, of, waitingSince, failingSince, error, retryAt } = facts
  const gaps: CoverageGap[] = []
  const far = `${number(done)} of ${pieces(of)} of knowledge ${of === 1 ? 'is' : 'are'} embedded`
  const waits = waitingSince !== null && now.getTime() - waitingSince.getTime() > usualMs
  if (failingSince !== null && error !== null) {
    const next = retryAt === null || retryAt <= now ? '' : ` It is tried again at ${at(retryAt)}.`
    gaps.push(behind(`It fails since ${at(failingSince)}: ${sentence(error)} ${far}, the rest is found by words alone.${next}`))
  } else if (waits) gaps.push(behind(`Only ${far}, the rest is found by words alone. A server that runs goes on with it.`))
  if (unanswered !== null)
    gaps.push(behind(`It answers no search since ${at(unanswered.since)}, so they go by words alone: ${sentence(unanswered.why)}`))
  if (refused > 0)
    gaps.push({
      kind: 'unread',
      since: null,
      says: `${pieces(refused)} of knowledge it will not take: found by words alone. Another model may take ${refused === 1 ? 'it' : 'them'} (FALCONER_EMBED_MODEL).`,
    })
  return gaps
}

/** How reading the folder of notes stands. `lookedAt`: last tried. `refused`: files that could not be taken; the first of them in `first`. */
export type NotesFacts = {
  folder: string
  lookedAt: Date
  readAt: Date | null
  refused: number
  first: readonly { path: string; why: string }[]
  unreadable: { since: Date; why: string } | null
}

/** Whether a server still reads it. */
export const isRead = ({ lookedAt }: NotesFacts, now: Date): boolean => now.getTime() - lookedAt.getTime() <= notesExpectedMs

export function notesGaps(notes: NotesFacts, now: Date): CoverageGap[] {
  const { folder, lookedAt, readAt, refused, first, unreadable } = notes
  const gaps: CoverageGap[] = []
  if (!isRead(notes, now))
    gaps.push({
      kind: 'silent',
      since: lookedAt,
      says: `No server has read ${folder} since then: start one with FALCONER_NOTES. To forget these notes, let it name an empty folder.`,
    })
  if (unreadable !== null)
    gaps.push({
      kind: 'unread',
      since: readAt ?? unreadable.since,
      says: `${sentence(unreadable.why)} ${readAt === null ? 'No note is known.' : 'Notes are known as they were then.'} Mount the folder, or let Falconer read it.`,
    })
  if (refused > 0)
    gaps.push({
      kind: 'unread',
      since: null,
      says: `${number(refused)} ${refused === 1 ? 'file is' : 'files are'} not searched: ${first.map(({ path, why }) => `${path}: ${why}`).join('; ')}${refused > first.length ? ` and ${number(refused - first.length)} more, see the log` : ''}.`,
    })
  return gaps
}

const behind = (says: string): CoverageGap => ({ kind: 'behind', since: null, says })
const at = (date: Date): string => `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`
const number = (count: number): string => count.toLocaleString('en')
const pieces = (count: number): string => `${number(count)} ${count === 1 ? 'piece' : 'pieces'}`
const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`)
