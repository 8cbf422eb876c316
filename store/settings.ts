/** Named settings of this installation. */
import { sql } from 'kysely'
import type { Queryable } from './database.ts'
import { json } from './values.ts'

/** A named setting of this installation, e.g. its cookie name's salt; undefined when never set. */
export async function getSetting(db: Queryable, name: string): Promise<unknown> {
  return (await db.query(sql<{ value: unknown }>`select value from settings where name = ${name}`))[0]?.value
}
export async function setSetting(db: Queryable, name: string, value: unknown): Promise<void> {
  await db.query(
    sql`insert into settings (name, value) values (${name}, ${json(value)}) on conflict (name) do update set value = excluded.value`,
  )
}
