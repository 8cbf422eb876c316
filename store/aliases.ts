/** Aliases: that two natural keys are one entity, each with the witness who said so. Never merged into the rows they speak of, so that they can be taken back. */
import { sql } from 'kysely'
import type { NewAlias } from '../domain/entity.ts'
import { stringifyExact } from '../domain/exact-json.ts'
import type { Queryable, Transaction } from './database.ts'
import { escapeDeep, escapeText, unescapeText } from './values.ts'

export async function insertAliases(tx: Transaction, aliases: readonly NewAlias[], sourceId: string | null): Promise<void> {
  const unique = new Map(aliases.map((one) => [[one.scope, one.kind, one.key, one.alsoKey, one.because].join('\n'), one]))
  const rows = [...unique.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { alsoKey, observedNs, ...one }]) => ({ ...escapeDeep({ ...one, also_key: alsoKey }), at: observedNs }))
  await tx.query(sql`insert into entity_aliases as a (scope, kind, key, also_key, because, source_id, first_ns, last_ns)
    select scope, kind, key, also_key, because, ${sourceId}::uuid, at, at
    from jsonb_to_recordset(${stringifyExact(rows)}::jsonb) as r(scope text, kind text, key text, also_key text, because text, at bigint)
    on conflict (scope, kind, key, also_key, because) do update set first_ns = least(a.first_ns, excluded.first_ns), last_ns = greatest(a.last_ns, excluded.last_ns)`)
}

/** Every key the entity goes by, its own first: what is said of any of them is said of it. */
export async function keysOf(db: Queryable, { scope, kind, key }: { scope: string; kind: string; key: string }): Promise<string[]> {
  const rows = await db.query(sql<{ key: string }>`with recursive known(key) as (
      select ${escapeText(key)}::text union
      select case when a.key = k.key then a.also_key else a.key end from known k
        join entity_aliases a on a.scope = ${escapeText(scope)} and a.kind = ${kind} and (a.key = k.key or a.also_key = k.key))
    select key from known`)
  const keys = rows.map((row) => unescapeText(row.key))
  return [key, ...keys.filter((one) => one !== key).sort()]
}
