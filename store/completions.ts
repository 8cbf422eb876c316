/** Names to choose from while somebody types: few, found by a part of them, over a bounded stretch of rows. */
import { sql } from 'kysely'
import type { Queryable } from './database.ts'
import { escapeText, unescapeText } from './values.ts'

/** No more rows than this are looked at for a name. */
const lookedAt = 2_000

export type TitledIncident = { id: string; title: string; state: string }

/** The most severe and newest incidents with this in their title; all of them where nothing is typed. */
export async function incidentsTitled(db: Queryable, text: string, limit: number): Promise<TitledIncident[]> {
  const rows = await db.query(sql<TitledIncident>`select id::text, title, state from
    (select id, title, state, severity, last_ns from incidents where merged_into is null order by severity desc, last_ns desc, id desc limit ${lookedAt}) i
    where position(lower(${escapeText(text)}) in lower(title)) > 0 or id::text like ${`${like(escapeText(text))}%`}
    order by severity desc, last_ns desc, id desc limit ${limit}`)
  return rows.map((row) => ({ ...row, title: unescapeText(row.title) }))
}

/** Rules that are loaded, or that incidents were made of. */
export async function rulesNamed(db: Queryable, text: string, limit: number): Promise<string[]> {
  const rows = await db.query(sql<{ name: string }>`select name from (
      select distinct name from falco_rules where kind = 'rule'
      union select distinct unnest(rules) from (select rules from incidents where merged_into is null order by severity desc, last_ns desc, id desc limit ${lookedAt}) i) r
    where position(lower(${escapeText(text)}) in lower(name)) > 0 order by lower(name) like ${`${like(escapeText(text).toLowerCase())}%`} desc, name limit ${limit}`)
  return rows.map(({ name }) => unescapeText(name))
}

export async function namespacesNamed(db: Queryable, text: string, limit: number): Promise<string[]> {
  const rows = await db.query(sql<{ name: string }>`select distinct name from
    (select name from entities where kind = 'namespace' and deleted_ns is null limit ${lookedAt}) n
    where position(lower(${escapeText(text)}) in lower(name)) > 0 order by name limit ${limit}`)
  return rows.map(({ name }) => unescapeText(name))
}

/** The newest alerts whose id begins so. */
export async function alertsBeginning(db: Queryable, text: string, limit: number): Promise<string[]> {
  const rows = await db.query(sql<{ id: string }>`select id::text as id from
    (select id, event_ns from alerts order by event_ns desc, id desc limit ${lookedAt}) a
    where id::text like ${`${like(escapeText(text.toLowerCase()))}%`} order by event_ns desc, id desc limit ${limit}`)
  return rows.map(({ id }) => id)
}

const like = (text: string): string => text.replaceAll(/[\\%_]/g, (found) => `\\${found}`)
