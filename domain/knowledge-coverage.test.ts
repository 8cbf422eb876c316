import { expect, it } from 'vitest'
import type { CoverageGap } from './coverage.ts'
import { type EmbedderFacts, embedderGaps, type NotesFacts, notesGaps } from './knowledge-coverage.ts'

const now = new Date('2026-11-26T12:00:00Z')
const ago = (minutes: number): Date => new Date(now.getTime() - minutes * 60_000)
const embedder = (over: Partial<EmbedderFacts> = {}): CoverageGap[] =>
  embedderGaps({ done: 70, refused: 0, of: 70, waitingSince: null, failingSince: null, error: null, retryAt: null, ...over }, null, now)
const notes = (over: Partial<NotesFacts> = {}): CoverageGap[] =>
  notesGaps({ folder: '/notes', lookedAt: ago(1), readAt: ago(1), refused: 0, first: [], unreadable: null, ...over }, now)
const failing = {
  done: 32,
  failingSince: ago(20),
  error: 'The embedder at e could not be reached.',
  retryAt: new Date('2026-11-26T12:01:00Z'),
}
const away = { since: ago(9), why: 'FALCONER_NOTES names /notes, which cannot be read (ENOENT).' }
const long = { path: 'a.md', why: 'it has 2000000 bytes; 1048576 are taken' }

it.each<[string, CoverageGap[], string[], RegExp]>([
  ['all is embedded', embedder(), [], /^$/],
  ['pieces are on their way', embedder({ done: 69, waitingSince: ago(4) }), [], /^$/],
  [
    'pieces wait for long',
    embedder({ done: 32, waitingSince: ago(6) }),
    ['behind'],
    /Only 32 of 70 pieces .* are embedded, the rest is found by words alone/,
  ],
  [
    'the embedder fails',
    embedder({ ...failing, waitingSince: ago(30) }),
    ['behind'],
    /fails since 2026-11-26 11:40:00 UTC: .* could not be reached\. 32 of 70 .* tried again at 2026-11-26 12:01:00 UTC\.$/,
  ],
  ['texts are refused', embedder({ done: 68, refused: 2 }), ['unread'], /^2 pieces .* will not take: .*FALCONER_EMBED_MODEL/],
  ['notes are read', notes(), [], /^$/],
  [
    'files are refused',
    notes({ refused: 4, first: [long] }),
    ['unread'],
    /^4 files are not searched: a\.md: it has .* and 3 more, see the log\.$/,
  ],
  ['the folder is gone', notes({ readAt: ago(10), unreadable: away }), ['unread'], /ENOENT.*known as they were then\. Mount the folder/],
  ['the folder never was there', notes({ readAt: null, unreadable: away }), ['unread'], /No note is known/],
  [
    'no server reads them',
    notes({ lookedAt: ago(11), readAt: ago(11) }),
    ['silent'],
    /No server has read \/notes since then: start one with FALCONER_NOTES/,
  ],
])('knowledge: %s', (_what, gaps, kinds, says) => {
  expect(gaps.map(({ kind }) => kind)).toEqual(kinds)
  expect(gaps.map((gap) => gap.says).join(' ')).toMatch(says)
})

it('says since when notes are not known', () => {
  expect(notes({ readAt: ago(10), unreadable: away })[0]?.since).toEqual(ago(10))
  expect(notes({ readAt: null, unreadable: away })[0]?.since).toEqual(away.since)
})

it('says that searches are not answered, though all is embedded', () => {
  const state = { done: 70, refused: 0, of: 70, waitingSince: null, failingSince: null, error: null, retryAt: null }
  expect(embedderGaps(state, { since: ago(3), why: 'It is slow' }, now)).toEqual([
    { kind: 'behind', since: null, says: 'It answers no search since 2026-11-26 11:57:00 UTC, so they go by words alone: It is slow.' },
  ])
})
