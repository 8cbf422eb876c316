/** Incidents as people ask for them: the newest, those since some moment, those of a namespace; and whether a place of that name was ever recorded. Ids alone. */
import { sql } from 'kysely'
import type { Queryable } from './database.ts'
import { escapeText } from './values.ts'

type Row = { id: string }
const idsOf = (rows: readonly Row[]): string[] => rows.map(({ id }) => id)

/** The one with the newest alert. */
export async function newestIncident(db: Queryable): Promise<string | undefined> {
  return idsOf(await db.query(sql<Row>`select id::text from incidents where merged_into is null order by last_ns desc, id desc limit 1`))[0]
}

/** With an alert since then, the most severe first. `began`: its first alert was since then too. */
export async function incidentsSince(db: Queryable, fromNs: bigint, limit: number): Promise<{ id: string; began: boolean }[]> {
  return db.query(sql<{ id: string; began: boolean }>`select id::text, first_ns >= ${fromNs} as began from incidents
    where merged_into is null and last_ns >= ${fromNs} order by severity desc, last_ns desc, id desc limit ${limit}`)
}

/** That happened in this namespace, of whatever cluster, and are not closed; the most severe first. */
export async function incidentsInNamespace(db: Queryable, namespace: string, limit: number): Promise<string[]> {
  return idsOf(
    await db.query(sql<Row>`select i.id::text from incidents i where i.merged_into is null and i.state <> 'closed' and exists
      (select 1 from incident_places p join entities e on e.id = p.entity_id where p.incident_id = i.id and e.namespace = ${escapeText(namespace)})
      order by i.severity desc, i.last_ns desc, i.id desc limit ${limit}`),
  )
}

/** That happened at one of these, and are not closed; the most severe first. */
export async function incidentsAt(db: Queryable, entities: readonly bigint[], limit: number): Promise<string[]> {
  return idsOf(
    await db.query(sql<Row>`select i.id::text from incidents i where i.merged_into is null and i.state <> 'closed' and exists
      (select 1 from incident_places p where p.incident_id = i.id and p.entity_id = any(${entities.map(String)}::bigint[]))
      order by i.severity desc, i.last_ns desc, i.id desc limit ${limit}`),
  )
}

/** A namespace or cluster of exactly this name. */
export async function placeRecorded(db: Queryable, name: string): Promise<boolean> {
  const text = escapeText(name)
  const [row] = await db.query(sql<{ found: boolean }>`select exists (select 1 from entities where name = ${text} and kind = 'namespace')
    or exists (select 1 from entities where namespace = ${text}) or exists (select 1 from entities where scope = ${text})
    or exists (select 1 from incidents where scope = ${text}) or exists (select 1 from alerts where pod_namespace = ${text}) as found`)
  return row?.found === true
}
