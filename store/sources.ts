/**
 * Sources: what may send records, under which name, for which scope, with which secret (only its hash is kept),
 * and what each has sent so far. Silence is told from these rows: "not observed since".
 */
import { createHash, randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { newId } from '../domain/ids.ts'
import type { Queryable } from './database.ts'

export type Source = {
  id: string
  name: string
  collector: string
  scope: string
  createdAt: Date
  disabledAt: Date | null
  lastSeenAt: Date | null
  lastEventAt: Date | null
  accepted: number
  duplicates: number
  internal: number
  deadLetters: number
  skewMs: number | null
  /** How long it may be silent before that is a gap, in milliseconds; null: as domain/coverage.ts says for its collector. */ expectedMs:
    number | null
  /** Alerts that came with fields cut. */ truncated: number
}
type Row = {
  id: string
  name: string
  collector: string
  scope: string
  created_at: Date
  disabled_at: Date | null
  last_seen_at: Date | null
  last_event_at: Date | null
  accepted: bigint
  duplicates: bigint
  internal: bigint
  dead_letters: bigint
  skew_ms: bigint | null
  expected_ms: bigint | null
  truncated: bigint
}
export type Tally = { accepted: number; duplicates: number; internal: number; deadLetters: number }

export const noTally: Tally = { accepted: 0, duplicates: 0, internal: 0, deadLetters: 0 }
/** Of all of them. */
export const sum = (tallies: readonly Tally[]): Tally =>
  tallies.reduce(
    (total, tally) => ({
      accepted: total.accepted + tally.accepted,
      duplicates: total.duplicates + tally.duplicates,
      internal: total.internal + tally.internal,
      deadLetters: total.deadLetters + tally.deadLetters,
    }),
    noTally,
  )

const columns = sql`id::text, name, collector, scope, created_at, disabled_at, last_seen_at, last_event_at, accepted, duplicates, internal, dead_letters, skew_ms, expected_ms, truncated`
const hashOf = (secret: string): Buffer => createHash('sha256').update(secret).digest()

/** A fresh ingest secret, `fls_` and 192 random bits. Shown once; the store keeps its hash. */
export const newSourceSecret = (): string => `fls_${randomBytes(24).toString('base64url')}`

/** Creates a source, or answers undefined when the name is taken. Without a secret it can only be imported into. */
export async function createSource(
  db: Queryable,
  source: { name: string; collector: string; scope: string; secret: string | null; at: Date },
): Promise<Source | undefined> {
  const [row] = await db.query(sql<Row>`insert into sources (id, name, collector, scope, secret_hash, created_at)
    values (${newId()}, ${source.name}, ${source.collector}, ${source.scope}, ${source.secret === null ? null : hashOf(source.secret)}, ${source.at})
    on conflict (name) do nothing returning ${columns}`)
  return row && fromRow(row)
}

export async function listSources(db: Queryable): Promise<Source[]> {
  return (await db.query(sql<Row>`select ${columns} from sources order by name`)).map(fromRow)
}

export async function getSource(db: Queryable, idOrName: string): Promise<Source | undefined> {
  const [row] = await db.query(sql<Row>`select ${columns} from sources where id::text = ${idOrName} or name = ${idOrName}`)
  return row && fromRow(row)
}

/** The enabled source that each of these secrets belongs to. Compared by hash, so timing tells nothing of a secret. */
export async function sourcesBySecrets(db: Queryable, secrets: readonly string[]): Promise<(Source | undefined)[]> {
  const hashes = secrets.map((secret) => hashOf(secret).toString('hex'))
  const rows = await db.query(
    sql<Row & { hash: string }>`select ${columns}, encode(secret_hash, 'hex') as hash from sources
      where secret_hash in (select decode(h, 'hex') from unnest(${hashes}::text[]) h) and disabled_at is null`,
  )
  const found = new Map(rows.map((row) => [row.hash, fromRow(row)]))
  return hashes.map((hash) => found.get(hash))
}

export async function setSourceSecret(db: Queryable, id: string, secret: string): Promise<void> {
  await db.query(sql`update sources set secret_hash = ${hashOf(secret)} where id = ${id}`)
}

export async function setSourceExpected(db: Queryable, id: string, expectedMs: number | null): Promise<void> {
  await db.query(sql`update sources set expected_ms = ${expectedMs} where id = ${id}`)
}

/** What looks only so often cannot be expected sooner. */
export async function expectAtLeast(db: Queryable, id: string, ms: number): Promise<void> {
  await db.query(sql`update sources set expected_ms = greatest(expected_ms, ${ms}::bigint) where id = ${id}`)
}

export async function setSourceDisabled(db: Queryable, id: string, at: Date | null): Promise<void> {
  await db.query(sql`update sources set disabled_at = ${at} where id = ${id}`)
}

/** Adds to a source's counters. `eventAt` is the newest event time of the batch; its distance from now is kept as skew. */
export async function addToSource(
  tx: Queryable,
  id: string,
  tally: Tally,
  seen: { at: Date; eventAt: Date | null; truncated: number },
): Promise<void> {
  const skew = seen.eventAt === null ? null : seen.eventAt.getTime() - seen.at.getTime()
  await tx.query(sql`update sources set accepted = accepted + ${tally.accepted}, duplicates = duplicates + ${tally.duplicates}, internal = internal + ${tally.internal},
    dead_letters = dead_letters + ${tally.deadLetters}, truncated = truncated + ${seen.truncated}, last_seen_at = ${seen.at}, last_event_at = greatest(last_event_at, ${seen.eventAt}::timestamptz),
    skew_ms = coalesce(${skew}::bigint, skew_ms) where id = ${id}`)
}

const fromRow = (row: Row): Source => ({
  id: row.id,
  name: row.name,
  collector: row.collector,
  scope: row.scope,
  createdAt: row.created_at,
  disabledAt: row.disabled_at,
  lastSeenAt: row.last_seen_at,
  lastEventAt: row.last_event_at,
  accepted: Number(row.accepted),
  duplicates: Number(row.duplicates),
  internal: Number(row.internal),
  deadLetters: Number(row.dead_letters),
  skewMs: row.skew_ms === null ? null : Number(row.skew_ms),
  expectedMs: row.expected_ms === null ? null : Number(row.expected_ms),
  truncated: Number(row.truncated),
})
