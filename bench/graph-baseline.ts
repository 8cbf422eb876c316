/** The same estate in plain tables and the statements that were fastest on them when the shape of the graph was chosen: what the product is compared with. */
import { type RawBuilder, sql } from 'kysely'
import type { Database } from '../store/database.ts'

const statements = [
  `create schema baseline`,
  `create table baseline.entities (id bigint primary key, kind text not null, key text not null, name text not null, first_seen timestamptz not null,
    last_seen timestamptz not null) with (fillfactor = 85)`,
  `create table baseline.relations (src bigint not null, type text not null, dst bigint not null, cost smallint not null, first_seen timestamptz not null,
    last_seen timestamptz not null, primary key (src, type, dst)) with (fillfactor = 85)`,
  `create table baseline.attack_steps (src bigint not null, type text not null, dst bigint not null, cost smallint not null)`,
  `insert into baseline.entities select id, kind, key, name, to_timestamp(first_ns / 1e9), to_timestamp(last_ns / 1e9) from entities`,
  `insert into baseline.relations select src, type, dst, 1 + dst % 4, to_timestamp(first_ns / 1e9), to_timestamp(last_ns / 1e9) from relations`,
  `insert into baseline.attack_steps select src, type, dst, cost from attack_steps order by src, dst`,
  `create unique index on baseline.entities (kind, key)`,
  `create index on baseline.entities (id) where kind in ('secret', 'cloud_account', 'cluster')`,
  `create index on baseline.relations (dst, type, src)`,
  `create index on baseline.attack_steps (src) include (dst, type, cost)`,
  `create index on baseline.attack_steps (dst) include (src, type, cost)`,
  `create table baseline.pending (id uuid primary key)`,
  `create table baseline.open_facts (key text not null, start_ns bigint not null, end_ns bigint not null, incident uuid not null, primary key (key, start_ns))`,
  `create table baseline.members (alert uuid primary key, incident uuid not null)`,
  `create table baseline.incidents (id uuid primary key, alerts integer not null)`,
]

export async function fillBaseline(db: Database): Promise<void> {
  for (const statement of statements) await db.query(sql.raw(statement))
  // Vacuumed as the server would have done by itself: what is read by the index alone then is.
  for (const table of ['entities', 'relations', 'attack_steps'])
    for (const schema of ['public', 'baseline']) await db.query(sql.raw(`vacuum analyze ${schema}.${table}`))
}

export const neighbourhood = (id: bigint, depth: number, limit: number): RawBuilder<unknown> => sql`with recursive bfs(id, depth) as (
    select ${id}::bigint, 0 union select n.id, b.depth + 1 from bfs b cross join lateral (
      (select r.dst as id from baseline.relations r where r.src = b.id limit 50) union all
      (select r.src from baseline.relations r where r.dst = b.id limit 50)) n where b.depth < ${depth})
  select id, min(depth) from (select * from bfs limit ${limit * 3}) x group by id order by 2 limit ${limit}`

export const blastRadius = (
  id: bigint,
  depth: number,
  types: readonly string[],
): RawBuilder<unknown> => sql`with recursive w(id, depth) as (
    select ${id}::bigint, 0 union
    select s.dst, w.depth + 1 from w join baseline.attack_steps s on s.src = w.id and s.type = any(${[...types]}::text[]) where w.depth < ${depth})
  select id, min(depth) from w group by id`

/** Pruned backward from few targets, k ways kept per node and level. */
export const pathsToFew = (from: bigint, targets: readonly bigint[], k: number, maxHops: number): RawBuilder<unknown> => {
  const ends = sql`${targets.map(String)}::bigint[]`
  return sql`with recursive back(id, depth) as (
      select id, 0 from unnest(${ends}) id union select s.src, b.depth + 1 from back b join baseline.attack_steps s on s.dst = b.id where b.depth < ${maxHops}),
    useful as materialized (select id, min(depth) as depth from back group by id),
    ${walk(from, k, maxHops, sql`join useful u on u.id = s.dst and u.depth + w.hops < ${maxHops}`, sql`node = any(${ends})`)}`
}

/** Many targets: not pruned, one way kept. */
export const pathsToMany = (from: bigint, kinds: readonly string[], k: number, maxHops: number): RawBuilder<unknown> =>
  sql`with recursive ${walk(
    from,
    1,
    maxHops,
    sql``,
    sql`exists (select 1 from baseline.entities t where t.id = node and t.kind in ('secret', 'cloud_account', 'cluster') and t.kind = any(${[...kinds]}::text[]))`,
    k,
  )}`

const walk = (
  from: bigint,
  labels: number,
  maxHops: number,
  pruned: RawBuilder<unknown>,
  isTarget: RawBuilder<unknown>,
  k = labels,
): RawBuilder<unknown> => sql`walk(path, node, cost, hops, done) as (
      select array[${from}::bigint], ${from}::bigint, 0, 0, false union all
      select path, node, cost, hops, ${isTarget} from (
        select w.path || s.dst as path, s.dst as node, w.cost + s.cost as cost, w.hops + 1 as hops,
          row_number() over (partition by s.dst order by w.cost + s.cost) as place
        from walk w join baseline.attack_steps s on s.src = w.node ${pruned}
        where not w.done and w.hops < ${maxHops} and s.dst <> all(w.path)) x where place <= ${labels})
    select path, cost from walk where done order by cost, hops limit ${k}`

/** 0 rows written when the last sight is less than a quarter of an hour old. */
export async function upsert(
  db: Database,
  seen: { kind: string; key: string; name: string }[],
  relations: { src: bigint; type: string; dst: bigint }[],
  at: Date,
): Promise<void> {
  const texts = (of: readonly string[]): RawBuilder<unknown> => sql`${[...of]}::text[]`
  await db.transaction(async (tx) => {
    await tx.query(sql`insert into baseline.entities (id, kind, key, name, first_seen, last_seen)
      select coalesce(e.id, -1), r.kind, r.key, r.name, ${at}, ${at} from unnest(${texts(seen.map(({ kind }) => kind))}, ${texts(seen.map(({ key }) => key))},
        ${texts(seen.map(({ name }) => name))}) r(kind, key, name) left join baseline.entities e on e.kind = r.kind and e.key = r.key
      on conflict (kind, key) do update set last_seen = excluded.last_seen where entities.last_seen < excluded.last_seen - interval '15 min'`)
    await tx.query(sql`insert into baseline.relations (src, type, dst, cost, first_seen, last_seen)
      select src, type, dst, 1, ${at}, ${at} from unnest(${relations.map(({ src }) => String(src))}::bigint[], ${texts(relations.map(({ type }) => type))},
        ${relations.map(({ dst }) => String(dst))}::bigint[]) r(src, type, dst)
      on conflict (src, type, dst) do update set last_seen = excluded.last_seen where relations.last_seen < excluded.last_seen - interval '15 min'`)
  })
}

/** The steps out of these written anew, without deriving anything. */
export async function replaceSteps(db: Database, sources: readonly bigint[]): Promise<void> {
  const of = sql`${sources.map(String)}::bigint[]`
  await db.transaction(async (tx) => {
    const rows = await tx.query(
      sql<{
        src: bigint
        type: string
        dst: bigint
        cost: number
      }>`delete from baseline.attack_steps where src = any(${of}) returning src, type, dst, cost`,
    )
    await tx.query(sql`insert into baseline.attack_steps select * from unnest(${rows.map(({ src }) => String(src))}::bigint[], ${rows.map(({ type }) => type)}::text[],
      ${rows.map(({ dst }) => String(dst))}::bigint[], ${rows.map(({ cost }) => cost)}::smallint[])`)
  })
}
