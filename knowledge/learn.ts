/**
 * Keeps what is known in step with where it comes from: runbooks of this version, notes of the folder, incidents that somebody looked at. Each part is
 * read again whole or from a little before where it was left, and writing what is there already changes nothing: a crash or a second server does no harm.
 */
import { createHash } from 'node:crypto'
import type { Clock } from '../domain/clock.ts'
import { ConfigError } from '../domain/errors.ts'
import { type Runbook, runbooks } from '../prompts/runbook.ts'
import type { Database } from '../store/database.ts'
import { forgetMerged, forgetOldest, keepKnown, keepOnly, type Known } from '../store/knowledge.ts'
import { lookedAtSince, type PastIncident, pastIncidents } from '../store/past-incidents.ts'
import { noteNotes } from '../store/notes-standing.ts'
import { getSetting, setSetting } from '../store/settings.ts'
import { piecesOf } from './chunks.ts'
import { type Notes, readNotes } from './notes.ts'

const mostIncidents = 5_000
const atOnce = 200
/** Clocks of servers differ, and what was decided first may be committed last. */
const overlapMs = 10 * 60_000

/** One round; answers what the notes' folder would not give. `notes` undefined: no folder is named, and what another server read stays. */
export async function learn(db: Database, clock: Clock, { notes }: { notes: string | undefined }): Promise<Notes['refused']> {
  await learnRunbooks(db, clock)
  const refused = notes === undefined ? [] : await learnNotes(db, clock, notes)
  await learnIncidents(db, clock)
  return refused
}

/** Once for each version of them. */
export async function learnRunbooks(db: Database, clock: Clock): Promise<void> {
  const all = runbooks()
  const version = createHash('sha256')
    .update(all.map((one) => `${one.name} ${one.version}`).join('\n'))
    .digest('hex')
  if ((await getSetting(db, 'knowledge.runbooks')) === version) return
  await keepKnown(db, all.map(runbookKnown), clock.now())
  await keepOnly(
    db,
    'runbook',
    all.map(({ name }) => name),
  )
  await setSetting(db, 'knowledge.runbooks', version)
}

/** What it is for stands before what to do: the words that people ask with are there. */
export const runbookKnown = ({ name, title, summary, techniques, rules, body }: Runbook): Known => ({
  kind: 'runbook',
  ref: name,
  pieces: [{ title, text: [summary, rules.join(', '), techniques.join(' ')].join('\n') }, ...piecesOf(title, body)],
})

async function learnNotes(db: Database, clock: Clock, folder: string): Promise<Notes['refused']> {
  const { known, refused } = await readNotes(folder).catch((error: unknown): Notes => {
    if (!(error instanceof ConfigError)) throw error
    return { known: [], refused: [{ path: '', why: error.message }] }
  })
  const unreadable = refused.find(({ path }) => path === '')?.why ?? null
  await noteNotes(db, { folder, refused: unreadable === null ? refused : [], unreadable, at: clock.now() })
  // The folder as such is gone: a volume that is not mounted is no order to forget.
  if (unreadable !== null) return refused
  for (let from = 0; from < known.length; from += atOnce) await keepKnown(db, known.slice(from, from + atOnce), clock.now())
  await keepOnly(db, 'document', [...known.map(({ ref }) => ref), ...refused.map(({ path }) => path)])
  return refused
}

async function learnIncidents(db: Database, clock: Clock): Promise<void> {
  const now = clock.now()
  const left = await getSetting(db, 'knowledge.incidents')
  const since = typeof left === 'string' ? new Date(Date.parse(left) - overlapMs) : new Date(0)
  const ids = [...new Set([...(await lookedAtSince(db, since, mostIncidents)), ...(await forgetMerged(db))])]
  for (let from = 0; from < ids.length; from += atOnce)
    await keepKnown(db, (await pastIncidents(db, ids.slice(from, from + atOnce))).map(incidentKnown), now)
  if (ids.length > 0) await forgetOldest(db, 'incident', mostIncidents)
  await setSetting(db, 'knowledge.incidents', now.toISOString())
}

/** Sentences of reports carry marks around what they quote; a search has no use for them. */
const plain = (text: string): string => text.replace(/[⟦⟧]/g, '')

export function incidentKnown({ id, title, rules, techniques, said, report }: PastIncident): Known {
  const verdicts = said
    .filter(({ kind }) => kind === 'verdict')
    .map(({ text, reason }) => `A person’s verdict: ${text.replaceAll('_', ' ')}. ${reason}`)
  const notes = said.filter(({ kind }) => kind === 'note').map(({ text }) => `A note: ${text}`)
  const told = (report === null ? [] : [...report.summary, ...report.rootCause])
    .filter(({ grounded }) => grounded)
    .map(({ text }) => plain(text))
  const head = [rules.join(', '), techniques.join(' '), ...verdicts.slice(-3)].filter((line) => line.trim() !== '').join('\n')
  const rest = [...notes, told.join(' ')].filter((part) => part !== '').join('\n\n')
  // In few pieces: a note may be long, and an incident is one of thousands.
  return { kind: 'incident', ref: id, pieces: [{ title, text: head.slice(0, 4_000) }, ...piecesOf(title, rest)].slice(0, 6) }
}
