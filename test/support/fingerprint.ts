/** The whole content of a database as one digest: what a request that must change nothing is measured by. */
import { sql } from 'kysely'
import type { Database } from '../../store/database.ts'

export async function fingerprint(db: Database, except: readonly string[] = []): Promise<string> {
  const tables = await db.query(
    sql<{
      name: string
    }>`select c.relname as name from pg_class c where c.relkind = 'r' and c.relnamespace = current_schema()::regnamespace order by 1`,
  )
  const parts: string[] = []
  for (const { name } of tables) {
    if (except.includes(name)) continue
    const [row] = await db.query(
      sql<{ digest: string }>`select md5(coalesce(string_agg(t::text, '|' order by t::text), '')) as digest from ${sql.table(name)} t`,
    )
    parts.push(`${name} ${row?.digest}`)
  }
  return parts.join('\n')
}
