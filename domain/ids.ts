/**
 * Ids of records that people and other systems see: UUIDv7 made by us, and a short form for cards and
 * URLs taken from the random tail (never the time part, which neighbours share).
 */
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

export const newId = (): string => v7()
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
