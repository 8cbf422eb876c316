/** Scans: when a scanner looked at what, for what, and whether it came to its end. What a scan does not list is told from here, and only from here. */
import { sql } from 'kysely'
import type { NewScan, ScanEnd } from '../domain/finding.ts'
import { stringifyExact } from '../domain/exact-json.ts'
import type { Queryable, Transaction } from './database.ts'
import { escapeDeep, escapeText, unescapeDeep } from './values.ts'

export type Scan = NewScan & {
  id: bigint
  receivedAt: Date
  endedAt: Date | null
  findings: number
  failed: string | null
  sourceId: string | null
  /** When a scan of this target last came to its end with something in it; null: none did. */ lookedNs: bigint | null
}
export type ScanSource = { sourceId: string | null; receivedAt: Date; /** It came from where it was made, as it was made. */ live: boolean }

/**
 * Until the transaction ends nobody else writes what is told of these targets: of two that do, each would miss what the other one has not
 * committed yet, and a finding that one reports would outlive the scan of the other.
 */
export async function lockTargets(tx: Transaction, scans: readonly NewScan[]): Promise<void> {
  const targets = new Set(scans.map(({ scope, target }) => escapeText(`${scope}\n${target.kind}\n${target.key}`)))
  if (targets.size === 0) return
  await tx.query(sql`select pg_advisory_xact_lock(key) from (
    select distinct hashtextextended(target, 6) as key from unnest(${[...targets]}::text[]) target order by 1) those`)
}

export const scanKey = ({ scope, contentKey }: NewScan): string => `${scope}\n${contentKey}`

/** Its row, and when it looked: of a report that does not say when, the moment it was first received. */
export type KnownScan = { id: bigint; observedNs: bigint }

/** Rows for these scans, by `scanKey`. A report that was seen before keeps its row and its time. */
export async function upsertScans(
  tx: Transaction,
  scans: readonly NewScan[],
  { sourceId, receivedAt, live }: ScanSource,
): Promise<Map<string, KnownScan>> {
  const unique = [...new Map(scans.map((scan) => [scanKey(scan), scan])).entries()].sort(([a], [b]) => (a < b ? -1 : 1))
  const rows = unique.map(([, scan]) => ({
    ...escapeDeep({
      scope: scan.scope,
      scanner: scan.scanner,
      version: scan.version,
      target_kind: scan.target.kind,
      target_scope: scan.target.scope,
      target_key: scan.target.key,
      target_name: scan.target.name,
      covers: scan.covers,
    }),
    content_key: scan.contentKey,
    observed_ns: scan.observedNs,
    ordered: live || scan.observedFrom === 'report',
  }))
  const input = sql`jsonb_to_recordset(${stringifyExact(rows)}::jsonb) as r(scope text, content_key text, scanner text, version text, target_kind text,
    target_scope text, target_key text, target_name text, covers text[], observed_ns bigint, ordered boolean)`
  await tx.query(sql`insert into scans (scope, content_key, scanner, version, target_kind, target_scope, target_key, target_name, covers, observed_ns, ordered, source_id, received_at)
    select scope, decode(content_key, 'hex'), scanner, version, target_kind, target_scope, target_key, target_name, covers, observed_ns, ordered, ${sourceId}::uuid, ${receivedAt}
    from ${input} on conflict (scope, content_key) do nothing`)
  const found = await tx.query(sql<{
    id: bigint
    scope: string
    content_key: string
    observed_ns: bigint
  }>`select s.id, r.scope, r.content_key, s.observed_ns from ${input}
    join scans s on s.scope = r.scope and s.content_key = decode(r.content_key, 'hex')`)
  const known = new Map(found.map((row) => [`${row.scope}\n${row.content_key}`, { id: row.id, observedNs: row.observed_ns }]))
  return new Map(unique.map(([key, scan]) => [key, known.get(`${escapeText(scan.scope)}\n${scan.contentKey}`) as KnownScan]))
}

/**
 * The report came to its end: from now on what it does not list counts. Of reports that are the same scan (one alone and one in a list) the
 * longer one and the one that says it failed hold. Answers whether that is news.
 */
export async function endScan(tx: Transaction, id: bigint, { findings, failed }: ScanEnd, at: Date): Promise<boolean> {
  const why = failed === null ? null : escapeText(failed)
  const ended =
    await tx.query(sql`update scans set ended_at = coalesce(ended_at, ${at}), findings = greatest(findings, ${findings}), failed = least(failed, ${why})
    where id = ${id} and (ended_at is null or findings < ${findings} or failed is distinct from least(failed, ${why})) returning 1`)
  return ended.length > 0
}

type Row = {
  id: bigint
  scope: string
  content_key: Buffer
  scanner: string
  version: string | null
  target_kind: string
  target_scope: string
  target_key: string
  target_name: string
  covers: NewScan['covers']
  observed_ns: bigint
  ordered: boolean
  source_id: string | null
  received_at: Date
  ended_at: Date | null
  findings: number
  failed: string | null
  looked_ns: bigint | null
}

/** Of each scanner and target the newest scan, newest first: what was looked at, and when. */
export async function newestScans(db: Queryable, { limit, scope }: { limit: number; scope?: string }): Promise<Scan[]> {
  // Grouped first and looked up then: to sort all scans with all their columns takes ten times as long.
  const rows = await db.query(sql<Row>`with newest as (
      select scope, scanner, target_kind, target_key, max(observed_ns) as observed_ns,
        max(observed_ns) filter (where ended_at is not null and failed is null and findings > 0) as looked_ns
      from scans where ${scope === undefined ? sql`true` : sql`scope = ${escapeText(scope)}`} group by scope, scanner, target_kind, target_key
      order by max(observed_ns) desc fetch first (${limit}) rows with ties)
    select s.*, n.looked_ns from newest n cross join lateral (
      select id, scope, content_key, scanner, version, target_kind, target_scope, target_key, target_name, covers, observed_ns, ordered, source_id::text, received_at,
        ended_at, findings, failed from scans s where s.scope = n.scope and s.scanner = n.scanner and s.target_kind = n.target_kind and s.target_key = n.target_key
        and s.observed_ns = n.observed_ns order by id desc limit 1) s
    order by s.observed_ns desc, s.id desc limit ${limit}`)
  return rows.map(fromRow)
}

/** When the newest scan of anything was, and of what was scanned the longest ago its newest. Undefined: there is none. */
export async function scansBetween(db: Queryable, scope?: string): Promise<{ newestNs: bigint; oldestNs: bigint } | undefined> {
  const [row] = await db.query(sql<{ newest: bigint | null; oldest: bigint | null }>`select max(last) as newest, min(last) as oldest from (
      select max(observed_ns) as last from scans where ${scope === undefined ? sql`true` : sql`scope = ${escapeText(scope)}`}
      group by scope, scanner, target_kind, target_key) each`)
  return row === undefined || row.newest === null || row.oldest === null ? undefined : { newestNs: row.newest, oldestNs: row.oldest }
}

const fromRow = (stored: Row): Scan => {
  const row = unescapeDeep(stored)
  return {
    id: row.id,
    scope: row.scope,
    scanner: row.scanner,
    version: row.version,
    target: {
      kind: row.target_kind as Scan['target']['kind'],
      scope: row.target_scope,
      key: row.target_key,
      name: row.target_name,
      namespace: null,
    },
    covers: row.covers,
    contentKey: Buffer.from(stored.content_key).toString('hex'),
    observedNs: row.observed_ns,
    observedFrom: row.ordered ? 'report' : 'received',
    receivedAt: stored.received_at,
    endedAt: stored.ended_at,
    findings: row.findings,
    failed: row.failed,
    sourceId: row.source_id,
    lookedNs: row.looked_ns,
  }
}
