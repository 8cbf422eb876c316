/**
 * The audit log: one row per decision or change, chained by hash, written in the transaction it tells of.
 * If the entry cannot be written the action does not happen. Nothing here updates or deletes.
 */
import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import { canonicalJson } from '../domain/canonical-json.ts'
import type { Clock } from '../domain/clock.ts'
import type { Channel, Principal } from '../domain/principal.ts'
import type { Queryable, Transaction } from './database.ts'
import { json, unescapeDeep } from './values.ts'

export type AuditEntry = {
  principal: Pick<Principal, 'id' | 'kind' | 'name'>
  channel: Channel
  action: string
  subject: string
  details: Record<string, unknown>
  /** Digest of what the person was shown when they decided. */
  shownDigest?: string | null
}
export type StoredAuditEntry = AuditEntry & { seq: bigint; at: Date; hash: string; previousHash: string }

type Row = {
  seq: bigint
  at: Date
  principal: AuditEntry['principal']
  channel: Channel
  action: string
  subject: string
  details: Record<string, unknown>
  shown_digest: string | null
  previous_hash: Buffer
  hash: Buffer
}

const genesis = Buffer.alloc(32)

/** Appends one entry to the chain; serialised by a lock on the log, so sequence numbers have no gaps. */
export async function appendAudit(tx: Transaction, clock: Clock, entry: AuditEntry): Promise<bigint> {
  await tx.query(sql`lock table audit in exclusive mode`)
  const [last] = await tx.query(sql<{ seq: bigint; hash: Buffer }>`select seq, hash from audit order by seq desc limit 1`)
  const seq = (last?.seq ?? 0n) + 1n
  const previous = last?.hash ?? genesis
  const at = clock.now()
  const hash = entryHash(previous, seq, at, entry)
  await tx.query(sql`insert into audit (seq, at, principal, channel, action, subject, details, shown_digest, previous_hash, hash)
    values (${seq}, ${at}, ${json(principalOf(entry))}, ${entry.channel}, ${entry.action}, ${entry.subject}, ${json(entry.details)}, ${entry.shownDigest ?? null}, ${previous}, ${hash})`)
  return seq
}

/** The newest entries first; `before` is a sequence number. */
export async function listAudit(
  db: Queryable,
  options: { before?: bigint; limit?: number; subject?: string } = {},
): Promise<StoredAuditEntry[]> {
  const rows = await db.query(sql<Row>`select * from audit
    where (${options.before ?? null}::bigint is null or seq < ${options.before ?? null}) and (${options.subject ?? null}::text is null or subject = ${options.subject ?? null})
    order by seq desc limit ${options.limit ?? 100}`)
  return rows.map(fromRow)
}

/** Walks the whole chain. `broken` is the first sequence number that does not fit; `head` is the checkpoint to keep elsewhere. */
export async function verifyAudit(
  db: Queryable,
  checkpoint?: { seq: bigint; hash: string },
): Promise<{ entries: bigint; broken: bigint | null; head: { seq: bigint; hash: string } | null }> {
  let previous: Buffer = genesis
  let expected = 1n
  let atCheckpoint: string | null = null
  for (let after = 0n; ;) {
    const rows = await db.query(sql<Row>`select * from audit where seq > ${after} order by seq limit 1000`)
    for (const row of rows) {
      const entry = fromRow(row)
      if (row.seq !== expected || !previous.equals(row.previous_hash) || !entryHash(previous, row.seq, row.at, entry).equals(row.hash))
        return { entries: expected - 1n, broken: expected, head: null }
      if (row.seq === checkpoint?.seq) atCheckpoint = entry.hash
      previous = row.hash
      expected += 1n
      after = row.seq
    }
    if (rows.length < 1000) break
  }
  const entries = expected - 1n
  if (checkpoint !== undefined && atCheckpoint !== checkpoint.hash) return { entries, broken: checkpoint.seq, head: null }
  return { entries, broken: null, head: entries === 0n ? null : { seq: entries, hash: previous.toString('hex') } }
}

const principalOf = (entry: AuditEntry): AuditEntry['principal'] => ({
  id: entry.principal.id,
  kind: entry.principal.kind,
  name: entry.principal.name,
})

function entryHash(previous: Buffer, seq: bigint, at: Date, entry: AuditEntry): Buffer {
  const text = canonicalJson([
    seq,
    at,
    principalOf(entry),
    entry.channel,
    entry.action,
    entry.subject,
    entry.details,
    entry.shownDigest ?? null,
  ])
  return createHash('sha256').update(previous).update(text).digest()
}

const fromRow = (row: Row): StoredAuditEntry => ({
  seq: row.seq,
  at: row.at,
  principal: unescapeDeep(row.principal),
  channel: row.channel,
  action: row.action,
  subject: row.subject,
  details: unescapeDeep(row.details),
  shownDigest: row.shown_digest,
  hash: row.hash.toString('hex'),
  previousHash: row.previous_hash.toString('hex'),
})
