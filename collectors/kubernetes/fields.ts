/** Reading an object of Kubernetes of which nothing is certain: what is of another type than it should be is not there. */
import type { EntityRef, NewRelation, RelationType } from '../../domain/entity.ts'
import type { NewRecord } from '../collector.ts'

export type Json = Record<string, unknown>
export const record = (value: unknown): Json =>
  value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Json) : {}
export const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])
export const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null)
export const number = (value: unknown): number | null => (typeof value === 'number' ? value : null)
export const truth = (value: unknown): boolean | null => (typeof value === 'boolean' ? value : null)
export const texts = (value: unknown): string[] => list(value).filter((part): part is string => typeof part === 'string')
export const strings = (value: unknown): Record<string, string> =>
  Object.fromEntries(Object.entries(record(value)).filter((entry): entry is [string, string] => typeof entry[1] === 'string'))

/** What an object becomes: its entity, named, and when it was seen. */
export type Made = { uid: string | null; name: string; namespace: string | null; ref: EntityRef; at: bigint }

export const relation = (from: EntityRef, type: RelationType, to: EntityRef, observedNs: bigint): NewRecord => ({
  kind: 'relation',
  relation: { from, type, to, observedNs } satisfies NewRelation,
})
