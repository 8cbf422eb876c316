/**
 * How much inventory each cluster has, and how fresh it is. Triggers on `entities` add a row with each statement that changes it, so writers never wait for
 * each other; what stands is their sum. Who puts several rows into one holds a lock against others who do.
 */
import { sql } from 'kysely'
import type { Database, Queryable, Transaction } from './database.ts'
import { unescapeText } from './values.ts'

/** Images by digest are in no cluster. `firstNs`, `lastNs`: when anything of it was first and last observed. */
export type Standing = { scope: string; entities: number; pods: number; firstNs: bigint; lastNs: bigint }

/** Those of which anything is there now, by name. */
export async function inventoryFreshness(db: Queryable): Promise<Standing[]> {
  const rows = await db.query(sql<{
    scope: string
    entities: bigint
    pods: bigint
    first_ns: bigint
    last_ns: bigint
  }>`select scope, sum(entities)::bigint as entities, coalesce(sum(pods), 0)::bigint as pods, min(first_ns) as first_ns, max(last_ns) as last_ns
    from inventory_standing group by scope having sum(entities) > 0 order by scope`)
  return rows.map((row) => ({
    scope: unescapeText(row.scope),
    entities: Number(row.entities),
    pods: Number(row.pods),
    firstNs: row.first_ns,
    lastNs: row.last_ns,
  }))
}

/** So many rows of a scope are summed with each question; more are put into one. */
const mostRows = 50

/** One row for each scope that has many. */
export async function foldStanding(db: Database): Promise<void> {
  await db.transaction(async (tx) => {
    await alone(tx)
    await tx.query(sql`with gone as (delete from inventory_standing
        where scope in (select scope from inventory_standing group by scope having count(*) > ${mostRows}) returning *)
      insert into inventory_standing select scope, sum(entities), sum(pods), min(first_ns), max(last_ns) from gone group by scope`)
  })
}

/** Counts these scopes anew (as `entities` spells them), once something was taken back: a sum cannot tell who was the last. */
export async function recountStanding(tx: Transaction, scopes: readonly string[]): Promise<void> {
  if (scopes.length === 0) return
  await alone(tx)
  // In one statement: what others write meanwhile is seen in both tables or in neither.
  await tx.query(sql`with gone as (delete from inventory_standing where scope = any(${[...new Set(scopes)]}::text[]))
    insert into inventory_standing select scope, count(*) filter (where deleted_ns is null), count(*) filter (where deleted_ns is null and kind = 'pod'),
      min(first_ns), max(last_ns) filter (where deleted_ns is null)
    from entities where origin = 'inventory' and scope <> 'global' and scope = any(${[...new Set(scopes)]}::text[]) group by scope`)
}

/** Two that take the same rows away would both write what they came to. */
const alone = (tx: Transaction): Promise<unknown> => tx.query(sql`select pg_advisory_xact_lock(hashtextextended('falconer inventory', 0))`)
