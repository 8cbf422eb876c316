/** Advisories (KEV, EPSS): every snapshot is kept under its date, so that an answer can say which it stands on. */
import { type RawBuilder, sql } from 'kysely'
import type { NewAdvisory } from '../domain/advisory.ts'
import { fromDate } from '../domain/event-time.ts'
import { stringifyExact } from '../domain/exact-json.ts'
import type { Queryable, Transaction } from './database.ts'
import { markFixesOfCves } from './fix-marks.ts'
import { escapeDeep, unescapeDeep } from './values.ts'

/** Answers how many were new. */
export async function insertAdvisories(tx: Transaction, advisories: readonly NewAdvisory[]): Promise<number> {
  const unique = new Map(advisories.map((one) => [`${one.cve}\n${one.list}\n${one.snapshot}`, one]))
  const rows = [...unique.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { snapshotNs, ...one }]) => ({ ...escapeDeep(one), snapshot_ns: snapshotNs }))
  await tx.query(sql`insert into advisory_snapshots as s (list, snapshot, snapshot_ns)
    select list, snapshot, min(snapshot_ns) from jsonb_to_recordset(${stringifyExact(rows)}::jsonb) as r(list text, snapshot text, snapshot_ns bigint) group by 1, 2 order by 1, 2
    on conflict (list, snapshot) do update set snapshot_ns = excluded.snapshot_ns where excluded.snapshot_ns < s.snapshot_ns`)
  const fresh = await tx.query(sql<{ cve: string }>`insert into advisories (list, cve, snapshot, snapshot_ns, facts)
    select list, cve, snapshot, snapshot_ns, facts from jsonb_to_recordset(${stringifyExact(rows)}::jsonb) as r(list text, cve text, snapshot text, snapshot_ns bigint, facts jsonb)
    on conflict do nothing returning cve`)
  if (fresh.length > 0)
    await markFixesOfCves(
      tx,
      fresh.map(({ cve }) => cve),
    )
  return fresh.length
}

/** Of each list the newest word about each of these CVEs. */
export async function advisoriesFor(db: Queryable, cves: readonly string[]): Promise<NewAdvisory[]> {
  const rows = await db.query(sql<
    Omit<NewAdvisory, 'snapshotNs'> & { snapshot_ns: bigint }
  >`select distinct on (cve, list) list, cve, snapshot, snapshot_ns, facts
    from advisories where cve = any(${[...cves]}::text[]) order by cve, list, snapshot_ns desc, snapshot desc`)
  return rows.map(({ snapshot_ns: snapshotNs, ...row }) => ({ ...unescapeDeep(row), snapshotNs }))
}

/** The newest snapshot of each list that is not after this moment; of a list without one there is no word. */
export const snapshotsAsOf = (atNs: bigint): RawBuilder<unknown> =>
  sql`(select distinct on (list) list, snapshot, snapshot_ns from advisory_snapshots where snapshot_ns <= ${atNs} order by list, snapshot_ns desc, snapshot desc)`

export type Evidence = { kev?: boolean; kevAsOf?: string; epss?: number; epssAsOf?: string }

/** What the lists said then of these CVEs: of each list the newest snapshot not after that moment alone, and what it does not name is not on it. */
export async function evidenceAsOf(db: Queryable, cves: readonly string[], atNs: bigint): Promise<Map<string, Evidence>> {
  const rows = await db.query(sql<{ cve: string; list: 'kev' | 'epss'; snapshot: string; listed: boolean; score: number | null }>`
    select c.cve, s.list, s.snapshot, a.cve is not null as listed, case when jsonb_typeof(a.facts->'score') = 'number' then (a.facts->>'score')::float8 end as score
    from unnest(${[...cves]}::text[]) as c(cve) cross join ${snapshotsAsOf(atNs)} s
      left join advisories a on a.cve = c.cve and a.list = s.list and a.snapshot = s.snapshot`)
  const found = new Map<string, Evidence>(cves.map((cve) => [cve, {}]))
  for (const { cve, list, snapshot, listed, score } of rows) {
    const evidence = found.get(cve) as Evidence
    if (list === 'kev') Object.assign(evidence, { kev: listed, kevAsOf: unescapeDeep(snapshot) })
    else if (score !== null) Object.assign(evidence, { epss: score, epssAsOf: unescapeDeep(snapshot) })
  }
  return found
}

/** Forgets what old snapshots say of a CVE of which a newer one speaks. */
export async function forgetAdvisories(db: Queryable, before: Date): Promise<void> {
  await db.query(sql`delete from advisories a where snapshot_ns < ${fromDate(before)}
    and exists (select 1 from advisories n where n.cve = a.cve and n.list = a.list and n.snapshot_ns > a.snapshot_ns)`)
  // Of a moment before what is kept there is no word then, rather than a wrong one.
  await db.query(sql`delete from advisory_snapshots a where snapshot_ns < ${fromDate(before)}
    and exists (select 1 from advisory_snapshots n where n.list = a.list and n.snapshot_ns > a.snapshot_ns)`)
}
