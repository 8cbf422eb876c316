/**
 * Dead letters: input that could not be read, with its reason, place and bytes, until somebody replays it.
 * The same bytes at the same place are one letter, so a repeated import adds none.
 */
import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import { newId } from '../domain/ids.ts'
import type { Queryable, Transaction } from './database.ts'
import { escapeText, unescapeText } from './values.ts'

export type NewDeadLetter = { scope: string; sourceId: string | null; receivedAt: Date; place: string; reason: string; raw: Uint8Array }
export type DeadLetter = Omit<NewDeadLetter, 'raw'> & { id: string; size: number; preview: string; replayedAt: Date | null }

export async function insertDeadLetters(tx: Transaction, letters: readonly NewDeadLetter[]): Promise<void> {
  const digested = letters.map((letter) => ({
    ...letter,
    // Given before they are sorted: the list shows them in the order of the input.
    id: newId(),
    digest: createHash('sha256').update(letter.raw).digest(),
    place: bounded(letter.place),
  }))
  // In one order everywhere, so that two writers never wait for each other in a circle.
  const order = (letter: (typeof digested)[number]): string => `${letter.scope}\n${letter.digest.toString('hex')}\n${letter.place}`
  for (const { id, scope, sourceId, receivedAt, place, reason, raw, digest } of digested.sort((x, y) => (order(x) < order(y) ? -1 : 1)))
    await tx.query(sql`insert into dead_letters (id, scope, source_id, received_at, place, reason, raw, size, digest)
      values (${id}, ${escapeText(scope)}, ${sourceId}, ${receivedAt}, ${escapeText(place)}, ${escapeText(reason)}, ${Buffer.from(raw)}, ${raw.length}, ${digest})
      on conflict (scope, digest, place) do nothing`)
}

/** A place is part of a key, which has its limit; its end (the line) tells more than its middle. */
const bounded = (place: string): string => (place.length <= 400 ? place : `${place.slice(0, 150)}…${place.slice(-240)}`)

/** Newest first; `before` is the id of the last one on the page before. */
export async function listDeadLetters(db: Queryable, options: { before?: string; limit: number }): Promise<DeadLetter[]> {
  const rows = await db.query(sql<{
    id: string
    scope: string
    source_id: string | null
    received_at: Date
    place: string
    reason: string
    size: bigint
    preview: Buffer
    replayed_at: Date | null
  }>`
    select id::text, scope, source_id::text, received_at, place, reason, size, substring(raw from 1 for 400) as preview, replayed_at
    from dead_letters where (${options.before ?? null}::uuid is null or id < ${options.before ?? null}) order by id desc limit ${options.limit}`)
  return rows.map((row) => ({
    id: row.id,
    scope: unescapeText(row.scope),
    sourceId: row.source_id,
    receivedAt: row.received_at,
    place: unescapeText(row.place),
    reason: unescapeText(row.reason),
    size: Number(row.size),
    preview: new TextDecoder().decode(row.preview),
    replayedAt: row.replayed_at,
  }))
}

export async function getDeadLetter(
  db: Queryable,
  id: string,
): Promise<{ id: string; scope: string; sourceId: string | null; place: string; raw: Uint8Array } | undefined> {
  const [row] = await db.query(
    sql<{
      id: string
      scope: string
      source_id: string | null
      place: string
      raw: Buffer
    }>`select id::text, scope, source_id::text, place, raw from dead_letters where id = ${id}`,
  )
  return row && { id: row.id, scope: unescapeText(row.scope), sourceId: row.source_id, place: unescapeText(row.place), raw: row.raw }
}

export async function markReplayed(tx: Queryable, id: string, at: Date): Promise<void> {
  await tx.query(sql`update dead_letters set replayed_at = ${at} where id = ${id}`)
}
