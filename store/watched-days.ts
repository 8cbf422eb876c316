/** Event days (UTC) of which a scope has an alert: without one nothing can be said to be unusual, or not to have been used. Kept when alerts go. */
import { sql } from 'kysely'
import type { Queryable, Transaction } from './database.ts'
import { escapeText, jsonText, unescapeText } from './values.ts'

/** `runtimeNs`: the first of the day that a sensor of system calls sent; null when none did. */
export type WatchedDay = { scope: string; day: string; runtimeNs: bigint | null }

/**
 * Answers the days that were not known before and are not their scope’s newest: what is usual on later days rests on them. `later`: whether any of
 * these days has a later one in its scope.
 */
export async function noteWatchedDays(
  tx: Transaction,
  days: readonly WatchedDay[],
): Promise<{ fresh: { scope: string; day: string }[]; later: boolean }> {
  if (days.length === 0) return { fresh: [], later: false }
  const known = await tx.query(sql<{ scope: string; day: string; fresh: boolean; later: boolean }>`
    with told as materialized (select * from jsonb_to_recordset(${jsonText(days)}::jsonb) as r(scope text, day date, "runtimeNs" bigint)),
      written as (insert into watched_days as w (scope, day, runtime_ns) select scope, day, "runtimeNs" from told order by scope, day
        on conflict (scope, day) do update set runtime_ns = least(w.runtime_ns, excluded.runtime_ns)
        where excluded.runtime_ns is not null and (w.runtime_ns is null or excluded.runtime_ns < w.runtime_ns))
    select r.scope, r.day::text, after.stored and not exists (select 1 from watched_days w where w.scope = r.scope and w.day = r.day) as fresh,
      after.stored or exists (select 1 from told t where t.scope = r.scope and t.day > r.day) as later
    from told r cross join lateral (select exists (select 1 from watched_days w where w.scope = r.scope and w.day > r.day) as stored) after`)
  const fresh = known.flatMap((one) => (one.fresh ? [{ scope: unescapeText(one.scope), day: one.day }] : []))
  return { fresh, later: known.some(({ later }) => later) }
}

/** All that are known of a scope, in order. */
export async function watchedDays(db: Queryable, scope: string): Promise<string[]> {
  return (await db.query(sql<{ day: string }>`select day::text from watched_days where scope = ${escapeText(scope)} order by day`)).map(
    ({ day }) => day,
  )
}
