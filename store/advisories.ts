/** Advisories (KEV, EPSS): every snapshot is kept under its date, so that an answer can say which it stands on. */
import { type RawBuilder, sql } from 'kysely'
import type { NewAdvisory } from '../domain/advisory.ts'
import { fromDate } from '../domain/event-time.ts'
import { stringifyExact } from '../domain/exact-json.ts'
import type { Queryable, Transaction } from './database.ts'
import { markFixesOfCves, markFlaws } from './fix-marks.ts'
import { escapeDeep, unescapeDeep, unescapeText } from './values.ts'

/** Answers how many were new. */
export async function insertAdvisories(tx: Transaction, advisories: readonly NewAdvisory[]): Promise<number> {
  const unique = new Map(advisories.map((one) => [`${one.cve}\n${one.list}\n${one.snapshot}`, one]))
  const rows = [...unique.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { snapshotNs, ...one }]) => ({ ...escapeDeep(one), snapshot_ns: snapshotNs }))
  const dated = await tx.query(sql<{ list: string }>`insert into advisory_snapshots as s (list, snapshot, snapshot_ns)
    select list, snapshot, min(snapshot_ns) from jsonb_to_recordset(${stringifyExact(rows)}::jsonb) as r(list text, snapshot text, snapshot_ns bigint) group by 1, 2 order by 1, 2
    on conflict (list, snapshot) do update set snapshot_ns = excluded.snapshot_ns where excluded.snapshot_ns < s.snapshot_ns returning list`)
  // Of what it does not name a new list says something too.
  if (dated.some(({ list }) => list === 'kev')) await markFlaws(tx)
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

/** The newest snapshot of KEV that is not after this moment: what it does not name was not on the list then. No row: there was none, and no word. */
export const kevAsOf = (atNs: bigint): RawBuilder<unknown> =>
  sql`(select snapshot from advisory_snapshots where list = 'kev' and snapshot_ns <= ${atNs} order by snapshot_ns desc, snapshot desc limit 1)`
/** What EPSS said of `cve` in its newest snapshot that is not after this moment and knows it. */
export const epssAsOf = (cve: RawBuilder<unknown>, atNs: bigint): RawBuilder<unknown> =>
  sql`(select (facts->>'score')::float8 as score, snapshot from advisories where list = 'epss' and cve = ${cve} and snapshot_ns <= ${atNs}
    and jsonb_typeof(facts->'score') = 'number' order by snapshot_ns desc, snapshot desc limit 1)`

export type Evidence = { kev?: boolean; kevAsOf?: string; epss?: number; epssAsOf?: string }

/** What the lists said of these CVEs at that moment, from the newest snapshots that were there. */
export async function evidenceAsOf(db: Queryable, cves: readonly string[], atNs: bigint): Promise<Map<string, Evidence>> {
  const rows = await db.query(sql<{
    cve: string
    kev_as_of: string | null
    listed: boolean
    score: number | null
    epss_as_of: string | null
  }>`select c.cve, k.snapshot as kev_as_of, a.cve is not null as listed, e.score, e.snapshot as epss_as_of
    from unnest(${[...cves]}::text[]) as c(cve) left join ${kevAsOf(atNs)} k on true
      left join advisories a on a.cve = c.cve and a.list = 'kev' and a.snapshot = k.snapshot left join lateral ${epssAsOf(sql`c.cve`, atNs)} e on true`)
  return new Map(
    rows.map((row) => [
      row.cve,
      {
        ...(row.kev_as_of === null ? {} : { kev: row.listed, kevAsOf: unescapeText(row.kev_as_of) }),
        ...(row.score === null ? {} : { epss: row.score, epssAsOf: unescapeText(row.epss_as_of ?? '') }),
      },
    ]),
  )
}

/** Forgets what old snapshots say of a CVE of which a newer one speaks. */
export async function forgetAdvisories(db: Queryable, before: Date): Promise<void> {
  await db.query(sql`delete from advisories a where snapshot_ns < ${fromDate(before)}
    and exists (select 1 from advisories n where n.cve = a.cve and n.list = a.list and n.snapshot_ns > a.snapshot_ns)`)
  // Of a moment before what is kept there is no word then, rather than a wrong one.
  await db.query(sql`delete from advisory_snapshots a where snapshot_ns < ${fromDate(before)}
    and exists (select 1 from advisory_snapshots n where n.list = a.list and n.snapshot_ns > a.snapshot_ns)`)
}
