/**
 * Records found by words and names, best first. Each statement is bounded, however common a word is: incidents, notes and checks by an index of their words,
 * findings through their checks and packages, entities by their exact name.
 */
import { type RawBuilder, sql } from 'kysely'
import { type Severity, severityFromId } from '../domain/severity.ts'
import type { Database, Queryable } from './database.ts'
import { escapeText, unescapeText } from './values.ts'

/** So many that match are ranked. */
const mostRanked = 5_000
/** So many findings of one check, or of one package, are looked at for the worst. */
const mostOfOne = 100

export type FoundIncident = { id: string; title: string; severity: Severity; state: string; lastNs: bigint }
export type FoundNote = { id: string; incidentId: string; text: string; at: Date }
export type FoundFinding = {
  id: string
  check: string
  title: string
  severity: Severity | null
  status: string
  resource: string
  lastNs: bigint
  alike: number
}
export type FoundEntity = { id: string; kind: string; name: string; namespace: string | null; scope: string; lastNs: bigint; gone: boolean }

/** All words; then, where too few have them all, any. websearch_to_tsquery takes every text. */
async function allThenAny<Row extends { id: string }>(
  text: string,
  limit: number,
  ask: (query: RawBuilder<unknown>) => Promise<Row[]>,
): Promise<Row[]> {
  const words = wordsOf(text)
  const query = (said: string): RawBuilder<unknown> => sql`websearch_to_tsquery('pg_catalog.english', ${escapeText(said)})`
  const all = await ask(query(words.join(' ')))
  if (all.length >= limit || words.length < 2) return all
  const any = await ask(query(words.join(' or ')))
  return [...all, ...any.filter(({ id }) => !all.some((one) => one.id === id))].slice(0, limit)
}

export const wordsOf = (text: string): string[] =>
  [...new Set(text.split(/[\s"'()]+/).filter((word) => word !== '' && !/^(?:or|and|not|-)$/i.test(word)))]
    .slice(0, 16)
    .map((word) => word.replace(/^-+/, ''))

export async function incidentsByWords(db: Queryable, text: string, limit: number): Promise<FoundIncident[]> {
  const rows = await allThenAny(text, limit, (query) =>
    db.query(sql<{
      id: string
      title: string
      severity: number
      state: string
      last_ns: bigint
    }>`select id::text, title, severity, state, last_ns from (
      select i.*, ts_rank(i.words, q) as rank from incidents i, ${query} q where i.words @@ q and i.merged_into is null limit ${mostRanked}) i
      order by rank desc, severity desc, last_ns desc, id limit ${limit}`),
  )
  return rows.map(({ id, title, severity, state, last_ns: lastNs }) => ({
    id,
    title: unescapeText(title),
    severity: severityFromId(severity),
    state,
    lastNs,
  }))
}

export async function notesByWords(db: Queryable, text: string, limit: number): Promise<FoundNote[]> {
  const words = sql`searched_words(decision->>'text')`
  const rows = await allThenAny(text, limit, (query) =>
    db.query(sql<{ id: string; incident_id: string; text: string; at: Date }>`select id::text, incident_id::text, text, at from (
      select d.id, coalesce(i.merged_into, d.incident_id) as incident_id, d.decision->>'text' as text, d.at, ts_rank(${words}, q) as rank
      from incident_decisions d join incidents i on i.id = d.incident_id, ${query} q where d.decision->>'kind' = 'note' and ${words} @@ q limit ${mostRanked}) d
      order by rank desc, at desc, id limit ${limit}`),
  )
  return rows.map(({ id, incident_id: incidentId, text: said, at }) => ({ id, incidentId, text: unescapeText(said), at }))
}

/** One of each check whose words match: the worst that is open. */
export async function findingsByWords(db: Database, text: string, limit: number): Promise<FoundFinding[]> {
  const rows = await allThenAny(text, limit, (query) =>
    db.query(sql<{ id: string }>`select check_id as id from (
      select check_id, ts_rank(words, q) as rank from finding_checks, ${query} q where words @@ q limit ${mostRanked}) c group by check_id
      order by max(rank) desc, check_id limit ${limit}`),
  )
  return worstOf(
    db,
    rows.map(({ id }) => sql`select ${id}::text as name`),
    sql`f.check_id = one.name`,
  )
}

/** Where a word is a check, or a package, by its exact name. */
export async function findingsByName(db: Database, text: string, limit: number): Promise<FoundFinding[]> {
  const names = wordsOf(text).slice(0, limit)
  const each = names
    .flatMap((name) => [...new Set([name, name.toUpperCase()])])
    .map((name) => sql`select ${escapeText(name)}::text as name`)
  const byCheck = await worstOf(db, each, sql`f.check_id = one.name`)
  const byPackage = await worstOf(db, each, sql`f.package_name = one.name`)
  return [...byCheck, ...byPackage].slice(0, limit)
}

type FindingRow = {
  id: string
  check_id: string
  title: string
  severity: number | null
  status: string
  resource: string
  last_ns: bigint
  alike: number
}

/** Where a limit is small and a name is thought to be common, the planner would read the table for it, and all of it where the name is not there. */
const byIndex = <Row>(db: Database, statement: RawBuilder<Row>): Promise<Row[]> =>
  db.transaction(async (tx) => {
    await tx.query(sql`set local enable_seqscan = off`)
    return tx.query(statement)
  })

async function worstOf(db: Database, names: readonly RawBuilder<unknown>[], condition: RawBuilder<unknown>): Promise<FoundFinding[]> {
  if (names.length === 0) return []
  const numbered = names.map((name, place) => sql`select ${place}::int as place, named.name from (${name}) named`)
  const rows = await byIndex(
    db,
    sql<FindingRow>`select f.id::text, f.check_id, f.title, f.severity, f.status, f.resource_kind || ' ' || f.resource_name as resource, f.last_ns, worst.alike
    from (${sql.join(numbered, sql` union all `)}) one
    cross join lateral (select (array_agg(id order by status in ('open', 'manual') desc, severity desc nulls last, last_ns desc, id))[1] as id, count(*)::int as alike
      from (select f.id, f.status, f.severity, f.last_ns from findings f where ${condition} limit ${mostOfOne}) f) worst
    join findings f on f.id = worst.id order by one.place`,
  )
  return rows.map(({ check_id: check, last_ns: lastNs, severity, ...row }) => ({
    ...row,
    check: unescapeText(check),
    title: unescapeText(row.title),
    resource: unescapeText(row.resource),
    severity: severity === null ? null : severityFromId(severity),
    lastNs,
  }))
}

/** Those that are still there first. `namespace/name` too. */
export async function entitiesByName(db: Database, text: string, limit: number): Promise<FoundEntity[]> {
  const names = wordsOf(text).flatMap((word) => [word, word.split('/').at(-1) ?? word])
  const rows = await byIndex(
    db,
    sql<{ id: string; kind: string; name: string; namespace: string | null; scope: string; last_ns: bigint; gone: boolean }>`select * from (
      select id::text, kind, name, namespace, scope, last_ns, deleted_ns is not null as gone from entities
      where name = any(${names.map(escapeText)}::text[]) limit ${mostOfOne}) e
    order by coalesce(namespace || '/' || name = any(${names.map(escapeText)}::text[]), false) desc, gone, last_ns desc, id limit ${limit}`,
  )
  return rows.map(({ last_ns: lastNs, ...row }) => ({
    ...row,
    name: unescapeText(row.name),
    namespace: row.namespace === null ? null : unescapeText(row.namespace),
    lastNs,
  }))
}
