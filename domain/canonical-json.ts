/**
 * Canonical JSON, version 1: the one text form of a value that hashes are taken of.
 * Keys sorted by code unit, no white space, undefined dropped, integers beyond 2^53 as decimal strings.
 * Changing the form needs a new version; stored hashes name the version they were made with.
 */
import { createHash } from 'node:crypto'
import { InvariantError } from './errors.ts'

export const canonicalVersion = 1

export function canonicalJson(value: unknown): string {
  if (value === null) return 'null'
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return JSON.stringify(value)
    case 'number':
      if (!Number.isFinite(value)) throw new InvariantError('canonical JSON cannot hold NaN or Infinity')
      return JSON.stringify(value)
    case 'bigint':
      return Number.isSafeInteger(Number(value)) ? value.toString() : JSON.stringify(value.toString())
    case 'object':
      if (value instanceof Date) return JSON.stringify(value.toISOString())
      if (Array.isArray(value)) return `[${value.map((inner) => canonicalJson(inner === undefined ? null : inner)).join(',')}]`
      return `{${Object.entries(value)
        .filter(([, inner]) => inner !== undefined)
        .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
        .map(([key, inner]) => `${JSON.stringify(key)}:${canonicalJson(inner)}`)
        .join(',')}}`
    default:
      throw new InvariantError(`canonical JSON cannot hold a ${typeof value}`)
  }
}

/** SHA-256 of the canonical form, as `v1:<64 hex digits>`. */
export function canonicalHash(value: unknown): string {
  return `v${canonicalVersion}:${createHash('sha256').update(canonicalJson(value)).digest('hex')}`
}
