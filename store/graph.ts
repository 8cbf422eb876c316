/**
 * The graph asked: neighbourhood and blast radius. The same recursive SQL on both databases; every question is bounded in depth and rows,
 * and may be asked as of a time. Neighbours never lead through a CVE: two images that share one are not connected.
 */
import { type RawBuilder, sql } from 'kysely'
import type { RelationType } from '../domain/entity.ts'
import { holdsAt } from './attack-steps.ts'
import type { Queryable } from './database.ts'
import { escapeText } from './values.ts'

/** `atNs` null: now, what is gone left out. */
export type AsOf = { atNs: bigint | null }
export type Edge = {
  src: bigint
  type: RelationType
  dst: bigint
  firstNs: bigint
  lastNs: bigint
  witnesses: string[]
  properties: Record<string, unknown> | null
}
export type Reached = { id: bigint; depth: number }

const ids = (of: readonly bigint[]) => sql`${of.map(String)}::bigint[]`

/** What a pod is, it is for all its life: these hold since both ends exist, though they were seen later. */
const lifelong = sql`array['OWNS','RUNS_ON','HAS_CONTAINER','USES_IMAGE','RUNS_AS','MOUNTS','CONTAINS']`

/** Whether the entity of this row number was there. Now: it is not among those that are gone, which are few and have an index of their own. */
const endThere = (id: RawBuilder<unknown>, { atNs }: AsOf): RawBuilder<unknown> =>
  atNs === null
    ? sql`not exists (select 1 from entities e where e.id = ${id} and e.deleted_ns is not null)`
    : sql`exists (select 1 from entities e where e.id = ${id} and e.valid_from_ns <= ${atNs} and (e.deleted_ns is null or e.deleted_ns >= ${atNs}))`
const seenBy = ({ atNs }: AsOf): RawBuilder<unknown> =>
  atNs === null ? sql`true` : sql`(r.type = any(${lifelong}) or r.first_ns <= ${atNs})`
export type Around = AsOf & {
  /** 1 to 5 */ depth: number
  /** Most nodes. */ limit: number
  /** Only along these relations; not given: along all, and along attack steps. */ types?: readonly RelationType[]
  /** Most edges followed from one node in one direction. */ fan?: number
}

/** Nodes around these, nearest first, the centre at depth 0. One more than `limit` means there are more. */
export async function neighbours(
  db: Queryable,
  centre: readonly bigint[],
  { depth, limit, types, fan = 50, ...asOf }: Around,
): Promise<Reached[]> {
  const wanted = types === undefined ? sql`true` : sql`r.type = any(${[...types]}::text[])`
  const along = (from: RawBuilder<unknown>, to: RawBuilder<unknown>) => sql`(select r.${to} as id from relations r
    where r.${from} = b.id and ${wanted} and ${seenBy(asOf)} and ${endThere(sql`r.${to}`, asOf)} order by r.type, r.${to} limit ${fan})`
  const bySteps = (from: RawBuilder<unknown>, to: RawBuilder<unknown>) =>
    sql`(select s.${to} as id from attack_steps s where s.${from} = b.id and ${holdsAt(asOf.atNs)} order by s.cost, s.${to} limit ${fan})`
  const [src, dst] = [sql`src`, sql`dst`]
  const ways = [along(src, dst), along(dst, src), ...(types === undefined ? [bySteps(src, dst), bySteps(dst, src)] : [])]
  const rows = await db.query(sql<{ id: bigint; depth: number }>`with recursive bfs(id, depth) as (
      select id, 0 from unnest(${ids(centre)}) id union
      select n.id, b.depth + 1 from bfs b cross join lateral (${sql.join(ways, sql` union all `)}) n where b.depth < ${depth})
    select id, min(depth) as depth from (select id, depth from bfs limit ${(limit + 1) * 3 + centre.length}) x group by id order by 2, 1 limit ${limit + 1}`)
  return rows
}

/** Relations among these nodes; what several witnesses say of the same one is one. */
export async function edgesAmong(db: Queryable, nodes: readonly bigint[], asOf: AsOf): Promise<Edge[]> {
  const rows = await db.query(sql<{
    src: bigint
    type: RelationType
    dst: bigint
    first_ns: bigint
    last_ns: bigint
    witnesses: string[]
    properties: Record<string, unknown> | null
  }>`select r.src, r.type, r.dst, min(r.first_ns) as first_ns, max(r.last_ns) as last_ns, array_agg(distinct coalesce(w.name, 'imported without a source')) as witnesses,
      (array_agg(r.properties order by r.last_ns desc) filter (where r.properties is not null))[1] as properties
    from relations r left join sources w on w.id = r.witness where r.src = any(${ids(nodes)}) and r.dst = any(${ids(nodes)}) and ${seenBy(asOf)}
    group by r.src, r.type, r.dst order by r.src, r.type, r.dst`)
  return rows.map(({ first_ns: firstNs, last_ns: lastNs, ...row }) => ({ ...row, firstNs, lastNs }))
}

/** Each thing that steps lead to from these, at its least depth. */
const taken = (from: readonly bigint[], depth: number, { atNs }: AsOf): RawBuilder<unknown> => sql`with recursive w(id, depth) as (
      select id, 0 from unnest(${ids(from)}) id union
      select s.dst, w.depth + 1 from w join attack_steps s on s.src = w.id and ${holdsAt(atNs)} where w.depth < ${depth}),
    taken as (select id, min(depth) as depth from w where id <> all(${ids(from)}) group by id)`

/** What someone who has these could take, nearest first; what they have already is not among it. One more than `limit` means there is more. */
export async function blastRadius(
  db: Queryable,
  from: readonly bigint[],
  { depth, limit, ...asOf }: AsOf & { /** 1 to 12 steps */ depth: number; limit: number },
): Promise<Reached[]> {
  return db.query(sql<Reached>`${taken(from, depth, asOf)} select id, depth from taken order by 2, 1 limit ${limit + 1}`)
}

/** How many of each kind can be taken from these, and at which depth the first. */
export async function blastCounts(
  db: Queryable,
  from: readonly bigint[],
  { depth, ...asOf }: AsOf & { depth: number },
): Promise<{ kind: string; count: number; depth: number }[]> {
  const rows = await db.query(sql<{ kind: string; n: bigint; depth: number }>`${taken(from, depth, asOf)}
    select e.kind, count(*) as n, min(t.depth) as depth from taken t join entities e on e.id = t.id group by e.kind order by 3, 1`)
  return rows.map(({ n, ...row }) => ({ ...row, count: Number(n) }))
}

/** Everything of these kinds that a step leads to. */
export async function idsOfKinds(db: Queryable, kinds: readonly string[], scope?: string): Promise<bigint[]> {
  const within = scope === undefined ? sql`true` : sql`e.scope = ${escapeText(scope)}`
  const rows = await db.query(
    sql<{ id: bigint }>`select e.id from entities e where e.kind = any(${[...kinds]}::text[]) and ${within}
      and exists (select 1 from attack_steps s where s.dst = e.id) order by e.id`,
  )
  return rows.map(({ id }) => id)
}
