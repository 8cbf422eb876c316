/** What models ask: documented views with a role that may read nothing else, and the words of incidents, notes and checks. */
import { type Kysely, sql } from 'kysely'
import { askSchemaOf, readerStatement } from '../ask-reader.ts'
import { askViewStatements } from '../ask-views.ts'

const statements = [
  `create function searched_words(variadic said text[]) returns tsvector language sql immutable parallel safe
    as $$ select to_tsvector('pg_catalog.english', left(array_to_string(said, ' '), 20000)) $$`,
  `alter table incidents add column words tsvector generated always as (searched_words(variadic array_prepend(title, rules || techniques))) stored`,
  `create index incidents_words on incidents using gin (words) where merged_into is null`,
  `create index incident_decisions_words on incident_decisions using gin (searched_words(decision->>'text')) where decision->>'kind' = 'note'`,
  // Checks are few where findings are very many. Not unique: who reports a check first waits for nobody who does so too.
  `create table finding_checks (check_id text not null, words tsvector not null)`,
  `insert into finding_checks (check_id, words) select distinct on (check_id) check_id, searched_words(variadic array[check_id, title, package_name] || aliases)
    from findings order by check_id, id`,
  `create index finding_checks_id on finding_checks (check_id)`,
  `create index finding_checks_words on finding_checks using gin (words)`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  const { rows } = await sql<{ name: string }>`select current_schema()::text as name`.execute(db)
  const schema = askSchemaOf(rows[0]?.name ?? 'public')
  for (const statement of [...statements, ...askViewStatements(schema), readerStatement(schema)]) await sql.raw(statement).execute(db)
}
