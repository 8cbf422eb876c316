/** How reading the folder of notes stands, as the server that reads it wrote last: for the ledger of what was looked at. */
import { z } from 'zod'
import type { NotesFacts } from '../domain/knowledge-coverage.ts'
import type { Queryable } from './database.ts'
import { getSetting, setSetting } from './settings.ts'
import { unescapeDeep } from './values.ts'

const name = 'knowledge.notes'
const told = 3
const Standing = z.object({
  folder: z.string(),
  lookedAt: z.coerce.date(),
  readAt: z.coerce.date().nullable(),
  refused: z.number(),
  first: z.array(z.object({ path: z.string(), why: z.string() })),
  unreadable: z.object({ since: z.coerce.date(), why: z.string() }).nullable(),
})

/** Undefined: no folder was ever named. */
export async function notesStanding(db: Queryable): Promise<NotesFacts | undefined> {
  return Standing.safeParse(unescapeDeep(await getSetting(db, name))).data
}

/** `unreadable`: why the folder as such could not be read; null: it was read, but for those refused. */
export async function noteNotes(
  db: Queryable,
  { folder, refused, unreadable, at }: { folder: string; refused: NotesFacts['first']; unreadable: string | null; at: Date },
): Promise<void> {
  const all = await notesStanding(db)
  const before = all?.folder === folder ? all : undefined
  await setSetting(db, name, {
    folder,
    lookedAt: at.toISOString(),
    readAt: (unreadable === null ? at : (before?.readAt ?? null))?.toISOString() ?? null,
    refused: refused.length,
    first: refused.slice(0, told),
    unreadable: unreadable === null ? null : { since: (before?.unreadable?.since ?? at).toISOString(), why: unreadable },
  })
}
