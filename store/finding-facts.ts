/**
 * Findings as an incident asks of them: those still open on its images, objects, nodes; by their ids, to be read again. Each with the
 * newest word of a scanner and of KEV and EPSS. Who looked at all is read beside it: what nobody looked at has no findings either.
 */
import { type RawBuilder, sql } from 'kysely'
import type { FindingClass, ResourceRef } from '../domain/finding.ts'
import { isId } from '../domain/ids.ts'
import type { Queryable } from './database.ts'
import type { FindingStatus } from './finding-life.ts'
import { type FindingName, nameColumns, type NamedRow, nameFrom } from './finding-search.ts'
import { escapeText, unescapeDeep } from './values.ts'

export type FindingFacts = FindingName & {
  /** What the scans come to, whatever a person decided of it. */ status: FindingStatus
  package: { key: string; name: string; version: string | null; fixedIn: string[] } | null
  paths: string[]
  cvss: { score: number; vector: string | null } | null
  remediation: string | null
  /** Since when it is known to be exploited. */ kev: string | null
  epss: number | null
  scanner: string
  lastNs: bigint
}

type Row = NamedRow & {
  status: FindingStatus
  package_key: string | null
  package_name: string | null
  last_ns: bigint
  scanner: string
  paths: string[]
  cvss: FindingFacts['cvss']
  package: { version: string | null; fixedIn: string[] } | null
  remediation: string | null
  kev: { dateAdded?: string } | null
  epss: { score?: number } | null
}

const factsWhere = (
  condition: RawBuilder<unknown>,
  limit: number,
) => sql<Row>`select ${nameColumns}, f.status, f.package_key, f.package_name, f.last_ns, w.scanner, w.paths,
    w.data -> 'cvss' as cvss, w.data -> 'package' as package, w.data ->> 'remediation' as remediation, kev.facts as kev, epss.facts as epss
  from findings f
    cross join lateral (select scanner, paths, data from finding_witnesses w where w.finding_id = f.id order by w.last_ns desc, w.scanner, w.scope, w.target_key limit 1) w
    left join lateral (select facts from advisories a where a.cve = f.check_id and a.list = 'kev' order by snapshot_ns desc, snapshot desc limit 1) kev on f.class = 'vulnerability'
    left join lateral (select facts from advisories a where a.cve = f.check_id and a.list = 'epss' order by snapshot_ns desc, snapshot desc limit 1) epss on f.class = 'vulnerability'
  where ${condition} order by coalesce(f.severity, 0::smallint) desc, f.check_id, f.finding_key limit ${limit}`

/** Of these ids those that exist, whatever their status. */
export async function getFindingFacts(db: Queryable, ids: readonly string[]): Promise<FindingFacts[]> {
  const known = ids.filter(isId)
  return known.length === 0 ? [] : (await db.query(factsWhere(sql`f.id = any(${known}::uuid[])`, known.length))).map(fromRow)
}

export type Resource = { kind: ResourceRef['kind']; key: string }
/** Open ones of these resources, of this scope or of what is the same everywhere; those that a person put aside are left out. */
export async function openFindingsOf(
  db: Queryable,
  now: Date,
  { scope, resources, classes, limit }: { scope: string; resources: readonly Resource[]; classes: readonly FindingClass[]; limit: number },
): Promise<FindingFacts[]> {
  if (resources.length === 0) return []
  return (await db.query(factsWhere(sql`${ofResources(resources)} and ${isOpen(scope, classes, now)}`, limit))).map(fromRow)
}

/** Open ones in files of these images: secrets, which scanners name by where they lie. */
export async function openInImages(
  db: Queryable,
  now: Date,
  { scope, keys, classes, limit }: { scope: string; keys: readonly string[]; classes: readonly FindingClass[]; limit: number },
): Promise<FindingFacts[]> {
  if (keys.length === 0) return []
  const within = sql`f.id in (select w.finding_id from (select distinct scope, scanner, target_kind, target_key from scans
      where target_kind = 'image' and target_key = any(${keys.map(escapeText)}::text[])) s
    join finding_witnesses w on w.scope = s.scope and w.scanner = s.scanner and w.target_kind = s.target_kind and w.target_key = s.target_key)`
  return (await db.query(factsWhere(sql`${within} and ${isOpen(scope, classes, now)}`, limit))).map(fromRow)
}

const ofResources = (resources: readonly Resource[]) =>
  sql`(f.resource_kind, f.resource_key) in (select * from unnest(${resources.map(({ kind }) => kind)}::text[], ${resources.map(({ key }) => escapeText(key))}::text[]))`
const isOpen = (scope: string, classes: readonly FindingClass[], now: Date) =>
  sql`f.scope in (${escapeText(scope)}, 'global') and f.class = any(${[...classes]}::text[]) and f.status = 'open' and (f.suppressed_until is null or f.suppressed_until <= ${now})`

export type Look = { key: string; scanner: string; lookedNs: bigint; covers: FindingClass[] }
/** Of each of these resources and each scanner the newest scan that came to its end; one that found something there has looked there. */
export async function looksAt(db: Queryable, scope: string, resources: readonly Resource[]): Promise<Look[]> {
  if (resources.length === 0) return []
  const asked = sql`unnest(${resources.map(({ kind }) => kind)}::text[], ${resources.map(({ key }) => escapeText(key))}::text[]) as t(kind, key)`
  const rows = await db.query(sql<{ key: string; scanner: string; looked_ns: bigint; covers: FindingClass[] }>`
    with looks as (
      select t.key, s.scanner, s.observed_ns, s.covers from ${asked} join scans s on s.target_kind = t.kind and s.target_key = t.key
        where s.ended_at is not null and s.failed is null and (s.target_scope = 'global' or s.scope = ${escapeText(scope)})
      union all select t.key, w.scanner, w.last_ns, array[f.class] from ${asked} join findings f on f.resource_kind = t.kind and f.resource_key = t.key
        and f.scope in (${escapeText(scope)}, 'global') join finding_witnesses w on w.finding_id = f.id)
    select key, scanner, max(observed_ns) as looked_ns, array_agg(distinct class order by class) as covers
    from looks cross join lateral unnest(covers) class group by key, scanner order by key, scanner`)
  return rows.map(({ looked_ns: lookedNs, ...row }) => ({ ...unescapeDeep(row), lookedNs }))
}

function fromRow(stored: Row): FindingFacts {
  const row = unescapeDeep(stored)
  const { package_key: key, package: found } = row
  return {
    ...nameFrom(row),
    status: row.status,
    package: key === null ? null : { key, name: row.package_name ?? key, version: found?.version ?? null, fixedIn: found?.fixedIn ?? [] },
    paths: row.paths,
    cvss: row.cvss === null ? null : { score: Number(row.cvss.score), vector: row.cvss.vector },
    remediation: row.remediation,
    kev: row.kev === null ? null : (row.kev.dateAdded ?? 'listed'),
    epss: row.epss?.score === undefined ? null : Number(row.epss.score),
    scanner: row.scanner,
    lastNs: row.last_ns,
  }
}
