/**
 * Findings as scanners report them: a finding is found by its key, each scanner that saw it is a witness of its own, and every scan in which
 * it was seen is an observation. All three only grow; what they come to is derived (finding-life.ts). The same report twice adds nothing.
 */
import { sql } from 'kysely'
import { newId } from '../domain/ids.ts'
import { findingKey, type NewFinding, type Outcome } from '../domain/finding.ts'
import { stringifyExact } from '../domain/exact-json.ts'
import { severityId } from '../domain/severity.ts'
import { rawColumns } from './alerts.ts'
import type { Transaction } from './database.ts'
import { noteChecks } from './finding-checks.ts'
import { deriveFindings } from './finding-life.ts'
import { type KnownScan, scanKey, type ScanSource, upsertScans } from './scans.ts'
import { escapeDeep } from './values.ts'

/** The worst first: of two outcomes in one scan the smaller holds. */
export const outcomeOrder: readonly Outcome[] = ['fail', 'manual', 'muted', 'pass', 'not_applicable']
const mostPaths = 200

type Seen = { finding: NewFinding; key: string; paths: Set<string>; outcome: number }

/** Stores findings in one transaction. Answers how many observations were new; the others were made before, or twice in the batch. */
export async function insertFindings(tx: Transaction, findings: readonly NewFinding[], source: ScanSource): Promise<number> {
  const scans = await upsertScans(
    tx,
    findings.map(({ scan }) => scan),
    source,
  )
  const seen = onceEach(findings)
  const rows = seen.map((one) => toRow(one, scans.get(scanKey(one.finding.scan)) as KnownScan))
  const input = sql`jsonb_to_recordset(${stringifyExact(rows)}::jsonb) as r(id uuid, finding_key text, scope text, class text, check_id text, aliases text[], title text,
    severity smallint, resource_kind text, resource_key text, resource_name text, namespace text, package_key text, package_name text, scan_id bigint, scan_key text, scanner text,
    scan_scope text, target_kind text, target_key text, observed_ns bigint, outcome smallint, outcome_reason text, paths text[], base text, distribution text, fixed_in text[], cvss float8, data jsonb, raw_text text, raw_hex text)`
  await tx.query(sql`insert into findings (id, finding_key, scope, class, check_id, aliases, title, severity, status, status_ns, resource_kind, resource_key, resource_name,
      namespace, package_key, package_name, first_ns, last_ns, created_at)
    select distinct on (finding_key) id, decode(finding_key, 'hex'), scope, class, check_id, aliases, title, severity, 'open', observed_ns, resource_kind, resource_key,
      resource_name, namespace, package_key, package_name, observed_ns, observed_ns, ${source.receivedAt}
    from ${input} order by finding_key on conflict (finding_key) do nothing`)
  // Of the same scan the worst outcome and all paths; of another the newer one, and at the same moment the one with the greater key.
  const same = sql`w.last_scan = excluded.last_scan`
  const newer = sql`(excluded.last_ns, excluded.last_key) >= (w.last_ns, w.last_key)`
  const newest = (column: string) =>
    sql`${sql.ref(column)} = case when ${newer} then excluded.${sql.ref(column)} else w.${sql.ref(column)} end`
  const observed = await tx.query(sql<{ finding_id: string; fresh: boolean }>`
    with input as materialized (select f.id as finding_id, r.* from ${input} join findings f on f.finding_key = decode(r.finding_key, 'hex')),
    witnessed as (
      insert into finding_witnesses as w (finding_id, scanner, scope, target_kind, target_key, first_ns, last_ns, last_scan, last_key, outcome, outcome_reason, severity, title, paths, base, distribution, fixed_in, cvss, data, raw)
      select distinct on (finding_id, scanner, scan_scope, target_kind, target_key) finding_id, scanner, scan_scope, target_kind, target_key,
        min(observed_ns) over (partition by finding_id, scanner, scan_scope, target_kind, target_key), observed_ns, scan_id, decode(scan_key, 'hex'),
        outcome, outcome_reason, severity, title, paths, base, distribution, fixed_in, cvss, data, coalesce(convert_to(raw_text, 'UTF8'), decode(raw_hex, 'hex'))
      from input order by finding_id, scanner, scan_scope, target_kind, target_key, observed_ns desc, scan_key desc
      on conflict (finding_id, scanner, scope, target_kind, target_key) do update set
        first_ns = least(w.first_ns, excluded.first_ns),
        outcome = case when ${same} then least(w.outcome, excluded.outcome) when ${newer} then excluded.outcome else w.outcome end,
        paths = case when ${same} then (select coalesce(array_agg(p order by p), '{}') from (select distinct p from unnest(w.paths || excluded.paths) p order by p limit ${mostPaths}) all_paths)
          when ${newer} then excluded.paths else w.paths end,
        last_ns = greatest(w.last_ns, excluded.last_ns), ${sql.join(['last_scan', 'last_key', 'outcome_reason', 'severity', 'title', 'base', 'distribution', 'fixed_in', 'cvss', 'data', 'raw'].map(newest))}
      returning w.id, w.finding_id, w.scanner, w.scope, w.target_kind, w.target_key),
    observed as (
      insert into finding_observations as o (witness_id, scan_id, outcome)
      select w.id, i.scan_id, i.outcome from input i join witnessed w on w.finding_id = i.finding_id and w.scanner = i.scanner and w.scope = i.scan_scope
        and w.target_kind = i.target_kind and w.target_key = i.target_key order by 1, 2
      on conflict (witness_id, scan_id) do update set outcome = excluded.outcome where excluded.outcome < o.outcome
      returning o.witness_id, (xmax = 0) as fresh)
    select w.finding_id::text as finding_id, o.fresh from observed o join witnessed w on w.id = o.witness_id`)
  await noteChecks(tx, findings)
  await deriveFindings(tx, [...new Set(observed.map((row) => row.finding_id))])
  return observed.filter((row) => row.fresh).length
}

/** Once per finding, witness and scan, in one order everywhere, so that two writers seldom wait for each other in a circle. */
function onceEach(findings: readonly NewFinding[]): Seen[] {
  const unique = new Map<string, Seen>()
  for (const finding of findings) {
    const key = findingKey(finding)
    const place = `${key}\n${finding.scan.scanner}\n${scanKey(finding.scan)}`
    const outcome = outcomeOrder.indexOf(finding.outcome)
    const before = unique.get(place)
    const paths = before?.paths ?? new Set<string>()
    for (const path of finding.package?.paths ?? []) if (paths.size < mostPaths) paths.add(path)
    if (before === undefined || outcome < before.outcome) unique.set(place, { finding, key, paths, outcome })
  }
  return [...unique.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one)
}

/** What its image is built on: the lowest layer, which scanners name alike, else the distribution as this one calls it. */
function baseOf({ properties }: NewFinding): { base: string | null; distribution: string | null } {
  const said = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null)
  const distribution = said(properties.distribution)
  return { base: said(properties.baseLayer) ?? distribution, distribution }
}

function toRow({ finding, key, paths, outcome }: Seen, known: KnownScan): Record<string, unknown> {
  const { resource, package: found, scan } = finding
  return {
    ...escapeDeep({
      scope: resource.scope === 'global' ? 'global' : finding.scope,
      class: finding.class,
      check_id: finding.check,
      aliases: finding.aliases,
      title: finding.title,
      resource_kind: resource.kind,
      resource_key: resource.key,
      resource_name: resource.name,
      namespace: resource.namespace,
      package_key: found?.key ?? null,
      package_name: found?.name ?? null,
      scanner: scan.scanner,
      scan_scope: scan.scope,
      target_kind: scan.target.kind,
      target_key: scan.target.key,
      outcome_reason: finding.outcomeReason,
      paths: [...paths].sort(),
      ...baseOf(finding),
      fixed_in: found?.fixedIn ?? [],
      data: {
        description: finding.description,
        remediation: finding.remediation,
        references: finding.references,
        cvss: finding.cvss,
        package: found === null ? null : { name: found.name, version: found.version, type: found.type, fixedIn: found.fixedIn },
        properties: finding.properties,
      },
    }),
    id: newId(),
    finding_key: key,
    severity: finding.severity === null ? null : severityId(finding.severity),
    scan_id: known.id,
    scan_key: scan.contentKey,
    observed_ns: known.observedNs,
    cvss: finding.cvss?.score ?? null,
    outcome,
    ...rawColumns(finding.raw),
  }
}
