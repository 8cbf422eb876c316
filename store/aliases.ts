/** Aliases: that two natural keys are one entity, each with the witness who said so. Never merged into the rows they speak of, so that they can be taken back. */
import { sql } from 'kysely'
import type { NewAlias } from '../domain/entity.ts'
import { stringifyExact } from '../domain/exact-json.ts'
import type { Queryable, Transaction } from './database.ts'
import { markRunnersOf } from './fix-marks.ts'
import { escapeDeep, escapeText, unescapeText } from './values.ts'

export async function insertAliases(tx: Transaction, aliases: readonly NewAlias[], sourceId: string | null): Promise<void> {
  const unique = new Map(aliases.map((one) => [[one.scope, one.kind, one.key, one.alsoKey, one.because].join('\n'), one]))
  const rows = [...unique.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { alsoKey, observedNs, ...one }]) => ({ ...escapeDeep({ ...one, also_key: alsoKey }), at: observedNs }))
  const fresh = await tx.query(sql<{
    key: string
    also_key: string
    is_new: boolean
  }>`insert into entity_aliases as a (scope, kind, key, also_key, because, source_id, first_ns, last_ns)
    select scope, kind, key, also_key, because, ${sourceId}::uuid, at, at
    from jsonb_to_recordset(${stringifyExact(rows)}::jsonb) as r(scope text, kind text, key text, also_key text, because text, at bigint)
    on conflict (scope, kind, key, also_key, because) do update set first_ns = least(a.first_ns, excluded.first_ns), last_ns = greatest(a.last_ns, excluded.last_ns)
    returning key, also_key, (xmax = 0) as is_new`)
  await markRunnersOf(
    tx,
    fresh.flatMap((row) => (row.is_new ? [row.key, row.also_key] : [])),
  )
}

/**
 * Every key the entity goes by, its own first. One step only: an index digest that two images share makes them no one image.
 */
export async function keysOf(db: Queryable, { scope, kind, key }: { scope: string; kind: string; key: string }): Promise<string[]> {
  const rows = await db.query(sql<{
    key: string
  }>`select also_key as key from entity_aliases where scope = ${escapeText(scope)} and kind = ${kind} and key = ${escapeText(key)}
    union select key from entity_aliases where scope = ${escapeText(scope)} and kind = ${kind} and also_key = ${escapeText(key)} order by 1`)
  return [key, ...rows.map((row) => unescapeText(row.key)).filter((one) => one !== key)]
}
