/** Advisories (KEV, EPSS): every snapshot is kept under its date, so that an answer can say which it stands on. */
import { sql } from 'kysely'
import type { NewAdvisory } from '../domain/advisory.ts'
import { fromDate } from '../domain/event-time.ts'
import { stringifyExact } from '../domain/exact-json.ts'
import type { Queryable, Transaction } from './database.ts'
import { escapeDeep, unescapeDeep } from './values.ts'

/** Answers how many were new. */
export async function insertAdvisories(tx: Transaction, advisories: readonly NewAdvisory[]): Promise<number> {
  const unique = new Map(advisories.map((one) => [`${one.cve}\n${one.list}\n${one.snapshot}`, one]))
  const rows = [...unique.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { snapshotNs, ...one }]) => ({ ...escapeDeep(one), snapshot_ns: snapshotNs }))
  const fresh = await tx.query(sql`insert into advisories (list, cve, snapshot, snapshot_ns, facts)
    select list, cve, snapshot, snapshot_ns, facts from jsonb_to_recordset(${stringifyExact(rows)}::jsonb) as r(list text, cve text, snapshot text, snapshot_ns bigint, facts jsonb)
    on conflict do nothing returning 1`)
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

/** Forgets what old snapshots say of a CVE of which a newer one speaks. */
export async function forgetAdvisories(db: Queryable, before: Date): Promise<void> {
  await db.query(sql`delete from advisories a where snapshot_ns < ${fromDate(before)}
    and exists (select 1 from advisories n where n.cve = a.cve and n.list = a.list and n.snapshot_ns > a.snapshot_ns)`)
}
