/** What statements of query_records read: documented views, and the role that may read nothing else. */
import { type Kysely, sql } from 'kysely'
import { askSchemaOf, readerStatement } from '../ask-reader.ts'
import { askViewStatements } from '../ask-views.ts'

export async function up(db: Kysely<unknown>): Promise<void> {
  const { rows } = await sql<{ name: string }>`select current_schema()::text as name`.execute(db)
  const schema = askSchemaOf(rows[0]?.name ?? 'public')
  for (const statement of [...askViewStatements(schema), readerStatement(schema)]) await sql.raw(statement).execute(db)
}
