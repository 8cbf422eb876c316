/** Tells a destination what is about no incident: each note until it is taken, ever less often, for a day. It keeps no incident waiting. */
import type { Clock } from '../domain/clock.ts'
import type { Database } from '../store/database.ts'
import { dueNotes, noteSent, noteTried } from '../store/outside-notes.ts'
import type { Channel } from './notification.ts'

const firstMs = 60_000
const mostAttempts = 12

export async function tellNotes({
  db,
  clock,
  channel,
  stop,
}: {
  db: Database
  clock: Clock
  channel: Channel
  stop: AbortSignal
}): Promise<void> {
  if (channel.note === undefined) return
  for (const note of await dueNotes(db, channel.name, clock.now())) {
    const now = clock.now()
    // Before it is sent: neither a crash nor a second server sends it again at once.
    const nextAt = new Date(now.getTime() + firstMs * 2 ** note.attempts)
    if (!(await noteTried(db, { id: note.id, destination: channel.name, now, nextAt }))) continue
    const { outcome } = await channel.note(note, stop)
    if (outcome === 'taken' || outcome === 'refused' || note.attempts + 1 >= mostAttempts)
      await noteSent(db, { id: note.id, destination: channel.name, at: clock.now() })
  }
}
