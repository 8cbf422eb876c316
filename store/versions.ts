/** What answers: the version of Postgres and of pgvector. */
import { sql } from 'kysely'
import type { Queryable } from './database.ts'

export async function databaseVersions(db: Queryable): Promise<{ postgres: string; pgvector: string | null }> {
  const [row] = await db.query(
    sql<{ postgres: string; pgvector: string | null }>`
      select current_setting('server_version') as postgres, (select extversion from pg_extension where extname = 'vector') as pgvector`,
  )
  return row ?? { postgres: 'unknown', pgvector: null }
}
