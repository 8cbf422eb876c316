/** What fixes stand on, read for deriving them: their findings by resource with the worst of each kind of evidence, attack steps, places. */
import { sql } from 'kysely'
import type { EntityKind } from '../domain/entity.ts'
import type { FindingClass } from '../domain/finding.ts'
import type { StepFacts } from '../domain/graph.ts'
import { type Severity, severityFromId } from '../domain/severity.ts'
import { epssAsOf, kevAsOf } from './advisories.ts'
import { fromDate } from '../domain/event-time.ts'
import type { Queryable } from './database.ts'
import { type FixKind, fixTextOf } from './fix-marks.ts'
import { keysOfImages } from './image-keys.ts'
import { inUse } from './in-use.ts'
import { unescapeDeep } from './values.ts'

/** Worst first of its kind: KEV lists it or not, EPSS knows it or not, a fixed version is known or not. */
export type Candidate = {
  id: string
  check: string
  title: string
  class: FindingClass
  severity: Severity | null
  kev: boolean | null
  /** Dates of the snapshots that say so. */ kevAsOf: string | null
  epss: number | null
  epssAsOf: string | null
  cvss: number | null
  inUse: boolean | null
  fixable: boolean
}
export type FixResource = {
  scope: string
  kind: string
  key: string
  name: string
  namespace: string | null
  packageKey: string | null
  packageName: string | null
  /** What its image is built on, in a scanner’s words. */ distribution: string | null
  /** Open ones; what is suppressed is counted beside. */ findings: number
  suppressed: number
  fixable: number
  oldestNs: bigint
  newestNs: bigint
  candidates: Candidate[]
}
export type FixEvidence = {
  kind: FixKind
  /** Of a setting its name, of a base its lowest layer or distribution. */ what: string
  resources: FixResource[]
  /** Scopes whose scans saw it. */ scopes: string[]
  /** Fixed versions that findings name, each as one scanner lists it. */ fixedIn: string[][]
  /** When the first suppression ends. */ dueAt: Date | null
}

type Row = {
  fix_id: string
  what: string
  scope: string
  resource_kind: string
  resource_key: string
  resource_name: string
  namespace: string | null
  package_key: string | null
  package_name: string | null
  distribution: string | null
  open: bigint
  suppressed: bigint
  with_fix: bigint
  oldest_ns: bigint | null
  newest_ns: bigint | null
  is_open: boolean
  id: string
  check_id: string
  title: string
  class: FindingClass
  severity: number | null
  kev: boolean | null
  kev_as_of: string | null
  epss: number | null
  epss_as_of: string | null
  cvss: number | null
  in_use: boolean | null
  fixable: boolean
  scopes: string[] | null
  fixed_in: string[] | null
  due_at: Date | null
}

/** Of each resource no more of one kind than this: what is shown, and enough to find the worst. */
const eachKind = 2

/** By fix. Those that nothing open or suppressed stands behind are not answered. */
export async function evidenceOfFixes(db: Queryable, fixIds: readonly string[], now: Date): Promise<Map<string, FixEvidence>> {
  if (fixIds.length === 0) return new Map()
  const used = await usedOf(db, fixIds)
  const rows =
    await db.query(sql<Row>`with kev as materialized (select snapshot from ${kevAsOf(fromDate(now))} s), members as materialized (
      select f.*, w.base, w.distribution, w.fixable, w.cvss, w.scopes, k.kev, k.kev_as_of, e.score as epss, e.snapshot as epss_as_of, case when f.id = any(${used}::uuid[]) then true end as in_use,
        f.status = 'open' and (f.suppressed_until is null or f.suppressed_until <= ${now}) as is_open
      from findings f
        cross join lateral (select min(base) as base, min(distribution) as distribution, coalesce(bool_or(fixed_in <> '{}'), false) as fixable, max(cvss) as cvss, array_agg(distinct scope) as scopes
          from finding_witnesses w where w.finding_id = f.id) w
        left join lateral (select min(kev.snapshot) as kev_as_of, bool_or(a.cve is not null) as kev from kev cross join unnest(f.aliases || f.check_id) as c(cve)
            left join advisories a on a.cve = c.cve and a.list = 'kev' and a.snapshot = kev.snapshot where c.cve ~ '^CVE-') k on f.class = 'vulnerability'
        left join lateral (select e.* from unnest(f.aliases || f.check_id) as c(cve) cross join lateral ${epssAsOf(sql`c.cve`, fromDate(now))} e
            where c.cve ~ '^CVE-' order by e.score desc, e.snapshot desc limit 1) e on f.class = 'vulnerability'
      where f.fix_id = any(${[...fixIds]}::uuid[]) and f.status in ('open', 'suppressed')),
    ranked as (
      select m.*, row_number() over (partition by fix_id, scope, resource_kind, resource_key, is_open, kev, epss is null, fixable, in_use
          order by epss desc nulls last, cvss desc nulls last, severity desc nulls last, check_id, finding_key) as place,
        count(*) filter (where is_open) over resource as open, count(*) filter (where not is_open) over resource as suppressed,
        count(*) filter (where is_open and fixable) over resource as with_fix, min(last_ns) filter (where is_open) over resource as oldest_ns,
        max(last_ns) filter (where is_open) over resource as newest_ns, min(distribution) over resource as of_base
      from members m window resource as (partition by fix_id, scope, resource_kind, resource_key)),
    whole as (select fix_id, min(suppressed_until) filter (where suppressed_until > ${now} and status = 'open') as due_at from members group by fix_id),
    seen_in as (select fix_id, array_agg(distinct s.scope order by s.scope) as scopes from members m cross join lateral unnest(m.scopes) as s(scope) group by fix_id),
    versions as (select fix_id, (array_agg(distinct v.version order by v.version))[1:200] as fixed_in from members m join finding_witnesses w on w.finding_id = m.id
        cross join lateral (select array_to_json(w.fixed_in)::text as version) v where m.class = 'vulnerability' and m.base is null and is_open and w.fixed_in <> '{}' group by fix_id)
    select f.fix_id::text, ${fixTextOf(sql`f.base`)} as what, f.scope, resource_kind, resource_key, resource_name, namespace, package_key, package_name, of_base as distribution, open, suppressed, with_fix,
      oldest_ns, newest_ns, is_open, f.id::text, check_id, title, class, severity, kev, kev_as_of, epss, epss_as_of, cvss, in_use, fixable, seen_in.scopes as scopes, versions.fixed_in, whole.due_at
    from ranked f join whole using (fix_id) left join seen_in using (fix_id) left join versions using (fix_id) where place <= ${eachKind}
    order by fix_id, scope, resource_kind, resource_key, is_open desc, check_id, finding_key`)
  const found = new Map<string, FixEvidence>()
  for (const row of rows) add(found, row)
  return found
}

/** Findings of these fixes whose package was seen in use: asked only of images in which anything was seen. */
async function usedOf(db: Queryable, fixIds: readonly string[]): Promise<string[]> {
  const findings = await db.query(sql<{
    id: string
  }>`with seen as materialized (select distinct e.scope, e.key from image_paths p join entities e on e.id = p.image_id),
      names as (${keysOfImages(sql`seen`, { beside: sql`i.scope` })})
    select f.id::text from names n join findings f on f.resource_kind = 'image' and f.scope = n.scope and f.resource_key = n.name
    where f.fix_id = any(${[...fixIds]}::uuid[]) and f.status = 'open' and f.package_key is not null`)
  const uses = await inUse(db, { findings: findings.map(({ id }) => id) })
  return [...uses].flatMap(([id, use]) => (use.inUse === true ? [id] : []))
}

function add(found: Map<string, FixEvidence>, stored: Row): void {
  const row = unescapeDeep(stored)
  const parts = row.what.split('\n')
  const fix = found.get(row.fix_id) ?? {
    kind: parts[0] as FixKind,
    what: parts.at(-1) ?? '',
    resources: [],
    scopes: row.scopes ?? [],
    // Never joined and taken apart again: a piece of a secret is no longer known for one.
    fixedIn: (stored.fixed_in ?? []).map((one) => unescapeDeep(JSON.parse(one) as string[])),
    dueAt: stored.due_at,
  }
  found.set(row.fix_id, fix)
  const last = fix.resources.at(-1)
  const same = last?.key === row.resource_key && last.kind === row.resource_kind && last.scope === row.scope
  const resource = same ? last : resourceFrom(row)
  if (!same) fix.resources.push(resource)
  if (row.is_open) resource.candidates.push({ ...pick(row), severity: row.severity === null ? null : severityFromId(row.severity) })
}
const pick = ({
  id,
  check_id: check,
  title,
  class: one,
  kev,
  kev_as_of: asOf,
  epss,
  epss_as_of: scoredAsOf,
  cvss,
  in_use: inUse,
  fixable,
}: Row): Omit<Candidate, 'severity'> => ({
  id,
  check,
  title,
  class: one,
  kev,
  kevAsOf: asOf,
  epss,
  epssAsOf: scoredAsOf,
  cvss,
  inUse,
  fixable,
})
const resourceFrom = (row: Row): FixResource => ({
  scope: row.scope,
  kind: row.resource_kind,
  key: row.resource_key,
  name: row.resource_name,
  namespace: row.namespace,
  packageKey: row.package_key,
  packageName: row.package_name,
  distribution: row.distribution,
  findings: Number(row.open),
  suppressed: Number(row.suppressed),
  fixable: Number(row.with_fix),
  oldestNs: row.oldest_ns ?? 0n,
  newestNs: row.newest_ns ?? 0n,
  candidates: [],
})

export type FixStep = { fixId: string; src: bigint; dst: bigint; scope: string; cost: number; to: EntityKind; facts: StepFacts }
/** Steps that hold now and that one of these fixes takes away. */
export async function stepsOfFixes(db: Queryable, fixIds: readonly string[]): Promise<FixStep[]> {
  const rows = await db.query(sql<Omit<FixStep, 'fixId'> & { fix_id: string }>`
    select m.fix_id::text, s.src, s.dst, s.scope, s.cost, d.kind as to, s.facts from fix_steps m join attack_steps s on s.fix_key = m.step_key and s.scope = m.scope join entities d on d.id = s.dst
    where m.fix_id = any(${[...fixIds]}::uuid[]) and s.until_ns is null order by m.fix_id, s.src, s.dst, s.type`)
  return rows.map(({ fix_id: fixId, ...row }) => ({ ...unescapeDeep(row), fixId }))
}
