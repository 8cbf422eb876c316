/** Dead letters read again, with today's collectors. One that reads whole is marked, and stays as it was received. */
import { NotFoundError } from '../../domain/errors.ts'
import { isId } from '../../domain/ids.ts'
import { appendAudit } from '../../store/audit.ts'
import { getDeadLetter, markReplayed } from '../../store/dead-letters.ts'
import { getSource } from '../../store/sources.ts'
import { deliver } from './deliver.ts'
import type { Falconer } from './falconer.ts'
import type { Who } from './who.ts'

export async function replay(
  falconer: Falconer,
  who: Pick<Who, 'principal' | 'channel'>,
  id: string,
): Promise<{ accepted: number; deadLetters: number; format: string }> {
  const { db, clock } = falconer
  const letter = isId(id) ? await getDeadLetter(db, id) : undefined
  if (letter === undefined) throw new NotFoundError(`There is no dead letter ${id}.`)
  const source = letter.sourceId === null ? undefined : await getSource(db, letter.sourceId)
  const bytes = letter.raw
  const { tally, format } = await deliver(
    falconer,
    (async function* () {
      yield bytes
    })(),
    {
      path: 'replay',
      format: source?.collector,
      source: { id: letter.sourceId, name: source?.name ?? 'replay', scope: letter.scope },
      // What is no record was a dead letter, and still is; the same letter, not another one.
      strict: true,
      deadLetterPlace: letter.place,
    },
  )
  if (tally.deadLetters === 0)
    await db.transaction(async (tx) => {
      await markReplayed(tx, letter.id, clock.now())
      await appendAudit(tx, clock, {
        principal: who.principal,
        channel: who.channel,
        action: 'dead letter replayed',
        subject: `dead-letter/${letter.id}`,
        details: { ...tally },
      })
    })
  falconer.changed('sources')
  return { accepted: tally.accepted + tally.internal, deadLetters: tally.deadLetters, format }
}
