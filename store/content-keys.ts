/** Which alerts of a delivery are stored already: asked before sending again what may have been committed, so that it is not seen twice. */
import { sql } from 'kysely'
import type { Queryable } from './database.ts'
import { escapeText } from './values.ts'

/** Of these content keys, those that are stored. */
export async function storedKeys(db: Queryable, scope: string, keys: readonly string[]): Promise<Set<string>> {
  if (keys.length === 0) return new Set()
  const rows = await db.query(sql<{ key: string }>`select encode(content_key, 'hex') as key from alert_keys
    where scope = ${escapeText(scope)} and content_key in (select decode(key, 'hex') from unnest(${[...keys]}::text[]) key)`)
  return new Set(rows.map((row) => row.key))
}
