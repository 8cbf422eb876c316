/** Event days (UTC) of which a scope has an alert: without one nothing can be said to be unusual, or not to have been used. Kept when alerts go. */
import { sql } from 'kysely'
import type { Queryable, Transaction } from './database.ts'
import { escapeText, jsonText, unescapeText } from './values.ts'

/** `runtimeNs`: the first of the day that a sensor of system calls sent; null when none did. */
export type WatchedDay = { scope: string; day: string; runtimeNs: bigint | null }

/** Answers the days that were not known before and are not their scope’s newest: what is usual on later days rests on them. */
export async function noteWatchedDays(tx: Transaction, days: readonly WatchedDay[]): Promise<{ scope: string; day: string }[]> {
  if (days.length === 0) return []
  const input = sql`jsonb_to_recordset(${jsonText(days)}::jsonb) as r(scope text, day date, "runtimeNs" bigint)`
  const fresh = await tx.query(sql<{ scope: string; day: string }>`select scope, day::text from ${input}
    where not exists (select 1 from watched_days w where w.scope = r.scope and w.day = r.day)
      and exists (select 1 from watched_days w where w.scope = r.scope and w.day > r.day)`)
  await tx.query(sql`insert into watched_days as w (scope, day, runtime_ns) select scope, day, "runtimeNs" from ${input} order by scope, day
    on conflict (scope, day) do update set runtime_ns = least(w.runtime_ns, excluded.runtime_ns)
    where excluded.runtime_ns is not null and (w.runtime_ns is null or excluded.runtime_ns < w.runtime_ns)`)
  return fresh.map(({ scope, day }) => ({ scope: unescapeText(scope), day }))
}

/** All that are known of a scope, in order. */
export async function watchedDays(db: Queryable, scope: string): Promise<string[]> {
  return (await db.query(sql<{ day: string }>`select day::text from watched_days where scope = ${escapeText(scope)} order by day`)).map(
    ({ day }) => day,
  )
}
