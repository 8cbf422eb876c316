/**
 * The life of a finding: open, fixed, reopened, suppressed. Nothing here is remembered: it is derived from who saw it in which scan and
 * which later scans looked and did not. Fixed only by a newer scan of the same target by the same scanner that came to its end, was not empty,
 * and looked for that class. A check that says itself that it passes now fixes too. Recomputing gives the same, in whatever order reports came.
 */
import { sql } from 'kysely'
import type { Transaction } from './database.ts'
import { fixIdOf } from './fix-marks.ts'

/** The first that any witness says holds: one scanner that still sees it keeps it open. */
export const findingStatuses = ['open', 'manual', 'suppressed', 'fixed', 'passed'] as const
export type FindingStatus = (typeof findingStatuses)[number]

/** Of a scan that has come to its end: what it saw, and what it no longer does. */
export async function deriveAround(tx: Transaction, scanIds: readonly bigint[]): Promise<void> {
  const rows = await tx.query(sql<{ id: string }>`select distinct w.finding_id::text as id from scans s
    join finding_witnesses w on w.scope = s.scope and w.scanner = s.scanner and w.target_kind = s.target_kind and w.target_key = s.target_key
    where s.id = any(${scanIds.map(String)}::bigint[])`)
  for (let from = 0; from < rows.length; from += 2_000)
    await deriveFindings(
      tx,
      rows.slice(from, from + 2_000).map((row) => row.id),
    )
}

/** Writes what these findings have come to, and marks the changes that fix them. Outcomes: 0 fail, 1 manual, 2 muted, 3 pass, 4 not applicable (a VEX statement). */
export async function deriveFindings(tx: Transaction, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  // Who else writes one of these, of another target or scanner, comes before or after: what they come to is read after this, in a statement of its own.
  await tx.query(sql`select 1 from findings where id = any(${ids}::uuid[]) order by id for no key update`)
  await tx.query(sql`
    with said as (
      select w.*, looked.came_back, case
          when w.outcome = 4 then 'excused' when w.outcome = 2 then 'suppressed' when w.outcome = 1 and looked.absent_ns is null then 'manual'
          when w.outcome = 3 and failed.first_ns is null then 'passed' when w.outcome = 3 or looked.absent_ns is not null then 'fixed' else 'open' end as status,
        case w.outcome when 0 then coalesce(looked.absent_ns, turned.open_ns, w.first_ns) when 1 then coalesce(looked.absent_ns, w.first_ns)
          when 3 then coalesce(turned.passed_ns, w.first_ns) else w.last_ns end as status_ns
      from finding_witnesses w join findings f on f.id = w.finding_id
        cross join lateral (select min(s.observed_ns) as first_ns, max(s.observed_ns) as last_ns from finding_observations o
          join scans s on s.id = o.scan_id where o.witness_id = w.id and o.outcome = 0) failed
        cross join lateral (select min(s.observed_ns) filter (where s.observed_ns > w.last_ns) as absent_ns,
            coalesce(bool_or(s.observed_ns > failed.first_ns and s.observed_ns < failed.last_ns and coalesce(o.outcome, 3) = 3), false) as came_back,
            max(s.observed_ns) filter (where s.observed_ns < failed.last_ns and coalesce(o.outcome, 3) = 3) as gap_ns
          from scans s left join finding_observations o on o.witness_id = w.id and o.scan_id = s.id
          where s.scope = w.scope and s.scanner = w.scanner and s.target_kind = w.target_kind and s.target_key = w.target_key and s.observed_ns > w.first_ns
            and s.ordered and (o.outcome = 3 or s.ended_at is not null and s.failed is null and s.findings > 0 and f.class = any(s.covers))) looked
        cross join lateral (select min(s.observed_ns) filter (where o.outcome = 0 and s.observed_ns > coalesce(looked.gap_ns, w.first_ns - 1)) as open_ns,
            min(s.observed_ns) filter (where o.outcome = 3 and s.observed_ns > failed.last_ns) as passed_ns
          from finding_observations o join scans s on s.id = o.scan_id where o.witness_id = w.id) turned
      where w.finding_id = any(${ids}::uuid[])),
    together as (
      select finding_id, bool_or(status = 'excused') as excused, min(array_position(${[...findingStatuses]}::text[], status)) filter (where status <> 'excused') as place,
        bool_or(came_back) as came_back, max(severity) as severity, min(first_ns) as first_ns, max(last_ns) as last_ns,
        (array_agg(title order by last_ns desc, scanner, scope, target_key))[1] as title, min(base) as base, min(status_ns) filter (where status = 'open') as open_ns,
        max(status_ns) filter (where status = 'manual') as manual_ns, max(status_ns) filter (where status in ('suppressed', 'excused')) as suppressed_ns,
        max(status_ns) filter (where status = 'fixed') as fixed_ns, max(status_ns) filter (where status = 'passed') as passed_ns
      from said group by finding_id),
    result as (
      select t.*, case when excused then 'suppressed' else (${[...findingStatuses]}::text[])[place] end as status from together t),
    changed as (update findings f set fix_id = ${fixIdOf(sql`r.base`)}, status = r.status, reopened = r.came_back, severity = r.severity, first_ns = r.first_ns, last_ns = r.last_ns, title = r.title,
      status_ns = case r.status when 'open' then open_ns when 'manual' then manual_ns when 'suppressed' then suppressed_ns when 'fixed' then fixed_ns else passed_ns end
      from result r join findings before on before.id = r.finding_id where r.finding_id = f.id returning f.fix_id, before.fix_id as fixed_before)
    insert into fix_marks (fix_id) select fix_id from changed where fix_id is not null union select fixed_before from changed where fixed_before is not null`)
}
