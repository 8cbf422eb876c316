/** Findings asked for: by what people filter on, worst and newest first; one with all that its witnesses say; and how many there are. */
import { type RawBuilder, sql } from 'kysely'
import type { FindingClass, Outcome, ResourceRef } from '../domain/finding.ts'
import { isId } from '../domain/ids.ts'
import { type Severity, severityFromId, severityId } from '../domain/severity.ts'
import type { Queryable } from './database.ts'
import type { FindingStatus } from './finding-life.ts'
import { outcomeOrder } from './findings.ts'
import { isInUse } from './in-use.ts'
import { escapeText, unescapeDeep } from './values.ts'

/** What every answer about a finding begins with. */
export type FindingName = {
  id: string
  scope: string
  class: FindingClass
  check: string
  aliases: string[]
  title: string
  severity: Severity | null
  resource: Pick<ResourceRef, 'kind' | 'key' | 'name' | 'namespace'>
}
export type Finding = FindingName & {
  /** What its witnesses come to, or `suppressed` while a person’s decision holds. */ status: FindingStatus
  /** Since when it has that status, by the scans’ own times. */ statusNs: bigint
  reopened: boolean
  package: { key: string; name: string } | null
  firstNs: bigint
  lastNs: bigint
  suppressedUntil: Date | null
  scanners: string[]
}
export type FindingWitness = {
  scanner: string
  version: string | null
  scope: string
  target: string
  firstNs: bigint
  lastNs: bigint
  outcome: Outcome
  outcomeReason: string | null
  severity: Severity | null
  title: string
  paths: string[]
  data: {
    description: string | null
    remediation: string | null
    references: string[]
    cvss: { version: string; score: number; vector: string | null } | null
    package: { name: string; version: string | null; type: string; fixedIn: string[] } | null
    properties: Record<string, unknown>
  }
}
export type FindingFilter = {
  status?: FindingStatus
  class?: FindingClass
  minSeverity?: Severity
  check?: string
  /** Part of the resource’s name. */ resource?: string
  package?: string
  scope?: string
  namespace?: string
  scanner?: string
  /** Only of packages that were seen in use. */ inUse?: boolean
}

/** For store/ alone: the columns of `findings f` that name one, and what is read off them. */
export type NamedRow = {
  id: string
  scope: string
  class: FindingClass
  check_id: string
  aliases: string[]
  title: string
  severity: number | null
  resource_kind: ResourceRef['kind']
  resource_key: string
  resource_name: string
  namespace: string | null
}
export const nameColumns = sql`f.id::text, f.scope, f.class, f.check_id, f.aliases, f.title, f.severity, f.resource_kind, f.resource_key, f.resource_name, f.namespace`
export const nameFrom = (row: NamedRow): FindingName => ({
  id: row.id,
  scope: row.scope,
  class: row.class,
  check: row.check_id,
  aliases: row.aliases,
  title: row.title,
  severity: row.severity === null ? null : severityFromId(row.severity),
  resource: { kind: row.resource_kind, key: row.resource_key, name: row.resource_name, namespace: row.namespace },
})

type Row = NamedRow & {
  status: FindingStatus
  status_ns: bigint
  reopened: boolean
  package_key: string | null
  package_name: string | null
  first_ns: bigint
  last_ns: bigint
  suppressed_until: Date | null
  scanners: string[]
}

const held = (now: Date) => sql`f.suppressed_until > ${now}`
const columns = (now: Date) => sql`${nameColumns},
  case when f.status in ('open', 'manual') and ${held(now)} then 'suppressed' else f.status end as status, f.status_ns, f.reopened,
  f.package_key, f.package_name, f.first_ns, f.last_ns, f.suppressed_until,
  (select array_agg(distinct w.scanner order by w.scanner) from finding_witnesses w where w.finding_id = f.id) as scanners`

/** Keyset: severity, last seen, id. `cursor` is the `next` of the page before. */
export async function listFindings(
  db: Queryable,
  now: Date,
  filter: FindingFilter,
  options: { cursor?: string; limit: number },
): Promise<{ findings: Finding[]; next: string | null }> {
  const conditions = conditionsOf(now, filter)
  const after = options.cursor === undefined ? undefined : parseFindingCursor(options.cursor)
  if (after !== undefined)
    conditions.push(sql`(coalesce(f.severity, 0::smallint), f.last_ns, f.id) < (${after.severity}, ${after.lastNs}, ${after.id}::uuid)`)
  const rows = await db.query(sql<Row>`select ${columns(now)} from findings f where ${sql.join(conditions, sql` and `)}
    order by coalesce(f.severity, 0::smallint) desc, f.last_ns desc, f.id desc limit ${options.limit + 1}`)
  const findings = rows.slice(0, options.limit).map(fromRow)
  const last = rows[options.limit - 1]
  return { findings, next: rows.length > options.limit && last !== undefined ? `${last.severity ?? 0}_${last.last_ns}_${last.id}` : null }
}

/** All there are, in the order they were first stored; `since`: seen or changed since then, by the scans’ own times. `next` leads on, null at the end. */
export async function everyFinding(
  db: Queryable,
  now: Date,
  { sinceNs, after, limit }: { sinceNs?: bigint; after?: string; limit: number },
): Promise<{ findings: Finding[]; next: string | null }> {
  const conditions: RawBuilder<unknown>[] = [sql`true`]
  if (sinceNs !== undefined) conditions.push(sql`greatest(f.last_ns, f.status_ns) >= ${sinceNs}`)
  if (after !== undefined) conditions.push(sql`f.id > ${after}::uuid`)
  const rows = await db.query(
    sql<Row>`select ${columns(now)} from findings f where ${sql.join(conditions, sql` and `)} order by f.id limit ${limit + 1}`,
  )
  const findings = rows.slice(0, limit).map(fromRow)
  return { findings, next: rows.length > limit ? (findings.at(-1)?.id ?? null) : null }
}

function conditionsOf(now: Date, filter: FindingFilter): RawBuilder<unknown>[] {
  const conditions: RawBuilder<unknown>[] = [sql`true`]
  const { status } = filter
  if (status === 'suppressed') conditions.push(sql`(f.status = 'suppressed' or f.status in ('open', 'manual') and ${held(now)})`)
  else if (status !== undefined)
    conditions.push(sql`f.status = ${status} and ${status === 'open' || status === 'manual' ? sql`${held(now)} is not true` : sql`true`}`)
  if (filter.class !== undefined) conditions.push(sql`f.class = ${filter.class}`)
  if (filter.minSeverity !== undefined) conditions.push(sql`f.severity >= ${severityId(filter.minSeverity)}`)
  if (filter.check !== undefined)
    conditions.push(sql`(f.check_id = ${escapeText(filter.check)} or f.aliases @> array[${escapeText(filter.check)}]::text[])`)
  if (filter.package !== undefined) conditions.push(sql`f.package_name = ${escapeText(filter.package)}`)
  if (filter.namespace !== undefined) conditions.push(sql`f.namespace = ${escapeText(filter.namespace)}`)
  if (filter.resource !== undefined)
    conditions.push(
      sql`(position(lower(${escapeText(filter.resource)}) in lower(f.resource_name)) > 0 or f.resource_key = ${escapeText(filter.resource)})`,
    )
  if (filter.inUse === true) conditions.push(isInUse())
  // What is named the same everywhere belongs to every cluster whose scans saw it.
  if (filter.scope !== undefined || filter.scanner !== undefined)
    conditions.push(sql`exists (select 1 from finding_witnesses w where w.finding_id = f.id
      and ${filter.scope === undefined ? sql`true` : sql`w.scope = ${escapeText(filter.scope)}`} and ${filter.scanner === undefined ? sql`true` : sql`w.scanner = ${escapeText(filter.scanner)}`})`)
  return conditions
}

/** A page cursor `<severity>_<nanoseconds>_<uuid>`; undefined when it is none. */
export function parseFindingCursor(cursor: string): { severity: number; lastNs: bigint; id: string } | undefined {
  const [, severity, at, id] = /^(\d)_(-?\d{1,19})_(.{36})$/.exec(cursor) ?? []
  if (severity === undefined || at === undefined || id === undefined || !isId(id)) return undefined
  const lastNs = BigInt(at)
  return BigInt.asIntN(64, lastNs) === lastNs ? { severity: Number(severity), lastNs, id } : undefined
}

export async function getFinding(db: Queryable, now: Date, id: string): Promise<Finding | undefined> {
  if (!isId(id)) return undefined
  const [row] = await db.query(sql<Row>`select ${columns(now)} from findings f where f.id = ${id}`)
  return row && fromRow(row)
}

type WitnessRow = {
  scanner: string
  version: string | null
  scope: string
  target: string
  first_ns: bigint
  last_ns: bigint
  outcome: number
  outcome_reason: string | null
  severity: number | null
  title: string
  paths: string[]
  data: FindingWitness['data']
}
const witnessColumns = sql`w.scanner, s.version, w.scope, s.target_name as target, w.first_ns, w.last_ns, w.outcome, w.outcome_reason, w.severity, w.title, w.paths, w.data`

/** Newest first. */
export async function witnessesOf(db: Queryable, findingId: string): Promise<FindingWitness[]> {
  const rows = await db.query(sql<WitnessRow>`select ${witnessColumns}
    from finding_witnesses w join scans s on s.id = w.last_scan where w.finding_id = ${findingId} order by w.last_ns desc, w.scanner, w.scope, s.target_name`)
  return rows.map(witnessFrom)
}

/** The newest word on each of these findings. */
export async function newestWitnesses(db: Queryable, findingIds: readonly string[]): Promise<Map<string, FindingWitness>> {
  const rows = await db.query(sql<
    WitnessRow & { finding_id: string }
  >`select distinct on (w.finding_id) w.finding_id::text, ${witnessColumns}
    from finding_witnesses w join scans s on s.id = w.last_scan where w.finding_id = any(${findingIds}::uuid[])
    order by w.finding_id, w.last_ns desc, w.scanner, w.scope, s.target_name`)
  return new Map(rows.map(({ finding_id: id, ...row }) => [id, witnessFrom(row)]))
}

function witnessFrom({ first_ns, last_ns, outcome, severity, outcome_reason, ...row }: WitnessRow): FindingWitness {
  return {
    ...unescapeDeep({ ...row, outcomeReason: outcome_reason }),
    firstNs: first_ns,
    lastNs: last_ns,
    outcome: outcomeOrder[outcome] ?? 'fail',
    severity: severity === null ? null : severityFromId(severity),
  }
}

export type FindingCount = { status: FindingStatus; class: FindingClass; severity: Severity | null; count: number }
export async function countFindings(db: Queryable, now: Date): Promise<FindingCount[]> {
  const rows = await db.query(sql<{ status: FindingStatus; class: FindingClass; severity: number | null; n: bigint }>`select
    case when status in ('open', 'manual') and suppressed_until > ${now} then 'suppressed' else status end as status, class, severity, count(*) as n
    from findings group by 1, 2, 3 order by 1, 2, 3 desc nulls last`)
  return rows.map(({ n, severity, ...row }) => ({
    ...row,
    severity: severity === null ? null : severityFromId(severity),
    count: Number(n),
  }))
}

function fromRow(stored: Row): Finding {
  const row = unescapeDeep(stored)
  return {
    ...nameFrom(row),
    status: row.status,
    statusNs: row.status_ns,
    reopened: row.reopened,
    package: row.package_key === null ? null : { key: row.package_key, name: row.package_name ?? row.package_key },
    firstNs: row.first_ns,
    lastNs: row.last_ns,
    suppressedUntil: stored.suppressed_until,
    scanners: row.scanners ?? [],
  }
}
