/**
 * Ids of records that people and other systems see: UUIDv7 made by us, and a short form for cards and
 * URLs taken from the random tail (never the time part, which neighbours share).
 */
import { randomFillSync } from 'node:crypto'
import { v7 } from 'uuid'

export const idPrefixes = {
  alert: 'alr',
  incident: 'inc',
  finding: 'fnd',
  investigation: 'inv',
  proposal: 'prp',
  approval: 'apv',
  source: 'src',
  principal: 'usr',
} as const
export type IdKind = keyof typeof idPrefixes

/** Later ids of one process sort behind earlier ones, those of the same millisecond too. */
export const newId = (): string => v7()
/** The time part is the given time; ids of the same time are in no order. */
export const newIdAt = (at: Date): string => v7({ msecs: at.getTime(), random: random() })

/** Fetched for many ids at once: to ask the system costs more than all the rest of an id. */
const pool = Buffer.alloc(4_096)
let used = pool.length
function random(): Uint8Array {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  return pool.subarray(used, (used += 16))
}
export const isId = (text: string): boolean => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)

/** An id that the database counted: entities, audit entries. */
export const isRowNumber = (text: string): boolean => /^\d{1,18}$/.test(text)

/** `inc-1f9c04be2a`: ten hex digits from the random tail. */
export const shortId = (kind: IdKind, id: string): string => `${idPrefixes[kind]}-${id.replaceAll('-', '').slice(-10)}`

/** What a person may type for a record: its UUID, or its short form (the tail to look for). */
export function parseId(kind: IdKind, text: string): { id: string } | { tail: string } | undefined {
  if (isId(text)) return { id: text.toLowerCase() }
  const short = new RegExp(`^(?:${idPrefixes[kind]}-)?([0-9a-f]{10})$`, 'i').exec(text)
  return short?.[1] === undefined ? undefined : { tail: short[1].toLowerCase() }
}
