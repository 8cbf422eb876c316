/** Attack steps, as derived: replaced unit by unit, so that what no longer holds goes and what still does is not written again. */
import { type RawBuilder, sql } from 'kysely'
import type { Entity, EntityKind, EntityRef } from '../domain/entity.ts'
import { type AttackStep, type Fix, isEveryOf, type NewStep, type StepFacts } from '../domain/graph.ts'
import type { Queryable, Transaction } from './database.ts'
import { allEntitiesWhere } from './entities.ts'
import type { Unit } from './graph-units.ts'
import { idsOf, refKey } from './relations.ts'
import { escapeText, jsonText, unescapeDeep, unescapeText } from './values.ts'

type Row = Omit<AttackStep, 'fromNs' | 'untilNs' | keyof StepFacts> & { from_ns: bigint; until_ns: bigint | null; facts: StepFacts }

/** Makes the unit’s steps these. Answers how many rows were written, how many went, and which fixes its steps had before. */
export async function replaceSteps(
  tx: Transaction,
  { scope, unit }: Unit,
  steps: readonly NewStep[],
): Promise<{ written: number; removed: number; fixesBefore: string[] }> {
  const unique = new Map<string, NewStep>()
  for (const step of steps) {
    const key = `${refKey(step.from)}\n${refKey(step.to)}\n${step.type}`
    const before = unique.get(key)
    if (before === undefined || step.cost < before.cost) unique.set(key, step)
  }
  const ids = await idsOfEnds(tx, [...unique.values()])
  const rows = [...unique.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { from, to, fromNs, untilNs, type, cost, ...facts }]) => ({
      src: ids.get(refKey(from)) as bigint,
      type,
      dst: ids.get(refKey(to)) as bigint,
      cost,
      from_ns: fromNs,
      until_ns: untilNs,
      fix_key: facts.fix?.key ?? null,
      facts,
    }))
  // By hash: a plan made when there were few compares each with each.
  const [before] = await tx.query(sql<{ removed: bigint; fixes: string[] }>`with wanted as (
      select * from unnest(${rows.map(({ src }) => String(src))}::bigint[], ${rows.map(({ type }) => type)}::text[], ${rows.map(({ dst }) => String(dst))}::bigint[]) as w(src, type, dst)),
    gone as (delete from attack_steps s where s.scope = ${escapeText(scope)} and s.unit = ${escapeText(unit)}
      and (s.src, s.type, s.dst) not in (select src, type, dst from wanted) returning 1)
    select (select count(*) from gone) as removed,
      array(select distinct fix_key from attack_steps where scope = ${escapeText(scope)} and unit = ${escapeText(unit)} and fix_key is not null) as fixes`)
  let written = 0
  for (let from = 0; from < rows.length; from += 2_000) written += await upsertSteps(tx, { scope, unit }, rows.slice(from, from + 2_000))
  return { written, removed: Number(before?.removed ?? 0), fixesBefore: (before?.fixes ?? []).map(unescapeText) }
}

async function upsertSteps(tx: Transaction, { scope, unit }: Unit, rows: readonly object[]): Promise<number> {
  const written = await tx.query(sql`insert into attack_steps as s (src, type, dst, cost, scope, unit, from_ns, until_ns, fix_key, facts)
    select src, type, dst, cost, ${escapeText(scope)}, ${escapeText(unit)}, from_ns, until_ns, fix_key, facts from jsonb_to_recordset(${jsonText(rows)}::jsonb)
      as r(src bigint, type text, dst bigint, cost smallint, from_ns bigint, until_ns bigint, fix_key text, facts jsonb)
    on conflict (src, type, dst) do update set cost = excluded.cost, scope = excluded.scope, unit = excluded.unit, from_ns = excluded.from_ns,
      until_ns = excluded.until_ns, fix_key = excluded.fix_key, facts = excluded.facts
    where (s.cost, s.from_ns, s.fix_key, s.unit, s.facts) is distinct from (excluded.cost, excluded.from_ns, excluded.fix_key, excluded.unit, excluded.facts)
      or s.until_ns is distinct from excluded.until_ns returning 1`)
  return written.length
}

/**
 * Row ids of all ends. Those that no collector reports (the internet, "every Secret of …", a cluster) are made: derived, so that nothing may ever act
 * on one.
 */
async function idsOfEnds(tx: Transaction, steps: readonly NewStep[]): Promise<Map<string, bigint>> {
  const ends = new Map(
    steps
      .flatMap(({ from, to, fromNs }) => [[from, fromNs] as const, [to, fromNs] as const])
      .map(([{ scope, kind, key }, at]) => [refKey({ scope, kind, key }), { scope, kind, key, at }]),
  )
  const sorted = [...ends.entries()].sort(([a], [b]) => (a < b ? -1 : 1))
  const known = new Map(await idsOf(tx, sorted))
  const missing = sorted.filter(([key]) => !known.has(key))
  if (missing.length === 0) return known
  const rows = missing.map(([, end]) => ({ ...end, name: nameOfEnd(end) }))
  await tx.query(sql`insert into entities (scope, kind, key, name, properties, origin, first_ns, last_ns, valid_from_ns)
    select scope, kind, key, name, '{}'::jsonb, 'derived', at, at, at
    from jsonb_to_recordset(${jsonText(rows)}::jsonb) as r(scope text, kind text, key text, name text, at bigint) on conflict do nothing`)
  return new Map([...known, ...(await idsOf(tx, missing))])
}

function nameOfEnd(ref: EntityRef): string {
  if (ref.kind === 'internet') return 'the internet'
  if (ref.kind === 'endpoint') return nameOfMeetingPoint(ref.key)
  if (!isEveryOf(ref))
    return ref.kind === 'secret' || ref.kind === 'service_account' ? ref.key.slice(ref.key.lastIndexOf('/') + 1) : ref.key
  const [namespace = '-', kind = ''] = ref.key.split('/')
  return namespace === '-' ? `every ${kind} of the cluster` : `every ${kind} of namespace ${namespace}`
}

function nameOfMeetingPoint(key: string): string {
  const [what = '', ...rest] = key.split('/')
  const of = rest.join('/')
  if (what === 'pod-network') return of === '-' ? 'the network of the cluster' : `the network of namespace ${of}`
  if (what === 'pod-traffic') return 'what pods of the same node send each other'
  const part = { 'node-network': 'network', 'node-processes': 'processes', 'node-memory': 'shared memory' }[what] ?? what
  return of === '-' ? `the ${part} of some node` : `the ${part} of node ${of}`
}

const columns = sql`src, type, dst, cost, scope, unit, from_ns, until_ns, facts`
/** Of a row of attack_steps. `atNs` null: now, what has ended left out. */
export const holdsAt = (atNs: bigint | null): RawBuilder<unknown> =>
  atNs === null ? sql`until_ns is null` : sql`from_ns <= ${atNs} and (until_ns is null or until_ns >= ${atNs})`

/** Steps between these ends, whatever their type. */
export async function stepsBetween(
  db: Queryable,
  pairs: readonly { src: bigint; dst: bigint }[],
  atNs: bigint | null,
): Promise<AttackStep[]> {
  const rows = await db.query(sql<Row>`select ${columns} from attack_steps where (src, dst) in
    (select src, dst from jsonb_to_recordset(${jsonText(pairs)}::jsonb) as r(src bigint, dst bigint)) and ${holdsAt(atNs)} order by src, dst, cost, type`)
  return rows.map(fromRow)
}

/** Steps among these nodes. */
export async function stepsAmong(db: Queryable, ids: readonly bigint[], atNs: bigint | null): Promise<AttackStep[]> {
  const nodes = sql`${ids.map(String)}::bigint[]`
  const rows = await db.query(sql<Row>`select ${columns} from attack_steps
    where src = any(${nodes}) and dst = any(${nodes}) and ${holdsAt(atNs)} order by src, dst, cost, type`)
  return rows.map(fromRow)
}

/** What led out of these, or into them, at some moment since then, by now or from then on: whatever had not ended before it. */
export async function stepsSince(
  db: Queryable,
  ids: readonly bigint[],
  direction: 'out' | 'in',
  sinceNs: bigint,
  limit = 500,
): Promise<AttackStep[]> {
  if (ids.length === 0) return []
  const end = direction === 'out' ? sql`src` : sql`dst`
  const rows =
    await db.query(sql<Row>`select ${columns} from attack_steps where ${end} = any(${ids.map(String)}::bigint[]) and (until_ns is null or until_ns >= ${sinceNs})
    order by cost, type, facts ->> 'because', src, dst limit ${limit}`)
  return rows.map(fromRow)
}

/** What names a step: its ends and its rule. */
export type StepKey = Pick<AttackStep, 'src' | 'type' | 'dst'>

export async function getSteps(db: Queryable, keys: readonly StepKey[]): Promise<AttackStep[]> {
  if (keys.length === 0) return []
  const rows = await db.query(sql<Row>`select ${columns} from attack_steps where (src, type, dst) in
    (select src, type, dst from jsonb_to_recordset(${jsonText(keys)}::jsonb) as r(src bigint, type text, dst bigint)) order by src, dst, type`)
  return rows.map(fromRow)
}

/** What these changes are, on which record, and how many steps each takes away. */
export async function fixesByKey(
  db: Queryable,
  keys: readonly string[],
): Promise<Map<string, { fix: Fix; entityId: bigint | null; steps: number }>> {
  const rows = await db.query(sql<{ fix: Fix; entity_id: bigint | null; steps: bigint }>`select f.fix, e.id as entity_id, f.steps from (
      select fix_key, (array_agg(facts->'fix' order by src, dst, type))[1] as fix, count(*) as steps
      from attack_steps where fix_key = any(${keys.map(escapeText)}::text[]) and until_ns is null group by fix_key) f
    left join entities e on e.scope = f.fix->'on'->>'scope' and e.kind = f.fix->'on'->>'kind' and e.key = f.fix->'on'->>'key'`)
  return new Map(
    rows.map(({ fix, entity_id: entityId, steps }) => [unescapeDeep(fix).key, { fix: unescapeDeep(fix), entityId, steps: Number(steps) }]),
  )
}

/** Of the steps that each of these changes, as their text has it, takes away: one that holds now. */
export async function stepsFixedBy(db: Queryable, texts: readonly string[]): Promise<AttackStep[]> {
  if (texts.length === 0) return []
  const rows = await db.query(sql<Row>`select distinct on (facts->'fix'->>'text') ${columns} from attack_steps
    where until_ns is null and fix_key is not null and facts->'fix'->>'text' = any(${texts.map(escapeText)}::text[]) order by facts->'fix'->>'text', cost, src, dst`)
  return rows.map(fromRow)
}

/** A step as the path engine takes it. */
export type BareStep = { src: bigint; dst: bigint; cost: number; type: string; fixKey: string | null }

/**
 * All that hold, page by page: there may be millions, and embedded others ask in between. What is derived meanwhile may be in it or not; whoever
 * keeps it compares `derivationMark` of before.
 */
export async function* bareSteps(
  db: Queryable,
  { scope, atNs }: { scope?: string; atNs: bigint | null },
  pageSize = 20_000,
): AsyncGenerator<BareStep[]> {
  let after: BareStep | undefined
  do {
    const rows: (Omit<BareStep, 'fixKey'> & { fix_key: string | null })[] = await db.query(sql<{
      src: bigint
      dst: bigint
      cost: number
      type: string
      fix_key: string | null
    }>`select src, dst, cost, type, fix_key from attack_steps
    where (${scope ?? null}::text is null or scope = ${scope ?? null}) and ${holdsAt(atNs)}
      and (src, type, dst) > (${after?.src ?? -1n}, ${after?.type ?? ''}, ${after?.dst ?? -1n}) order by src, type, dst limit ${pageSize}`)
    const steps = rows.map(({ fix_key: key, ...row }) => ({ ...row, fixKey: key === null ? null : unescapeText(key) }))
    if (steps.length > 0) yield steps
    after = steps.length < pageSize ? undefined : steps.at(-1)
  } while (after !== undefined)
}

/** Records of these kinds, those that are gone too: `own` of one namespace, `wide` of the whole scope. */
export async function entitiesOfUnit(
  db: Queryable,
  scope: string,
  { own, wide }: { own: { namespace: string; kinds: readonly EntityKind[] } | null; wide: readonly EntityKind[] },
): Promise<Entity[]> {
  const within = sql`scope = ${escapeText(scope)} and kind = any(${[...wide]}::text[])`
  const beside =
    own === null
      ? sql``
      : sql`or scope = ${escapeText(scope)} and namespace = ${escapeText(own.namespace)} and kind = any(${[...own.kinds]}::text[])`
  return allEntitiesWhere(db, sql`${within} ${beside}`)
}

/** What is there now, of these kinds in one namespace and of the `wide` ones in the whole scope, with the bindings that name a group or an account of it. */
export async function entitiesOfPlaces(
  db: Queryable,
  scope: string,
  { namespace, kinds, wide }: { namespace: string; kinds: readonly EntityKind[]; wide: readonly EntityKind[] },
): Promise<Entity[]> {
  const named = sql`kind = 'role_binding' and jsonb_path_exists(properties, 
    '$.subjects[*] ? (@.kind != "ServiceAccount" || @.namespace == $namespace || @.namespace == null || !exists(@.namespace))',
    jsonb_build_object('namespace', ${escapeText(namespace)}::text))`
  return allEntitiesWhere(
    db,
    sql`scope = ${escapeText(scope)} and deleted_ns is null
      and (kind = any(${[...wide]}::text[]) or ${named} or namespace = ${escapeText(namespace)} and kind = any(${[...kinds]}::text[]))`,
  )
}

const fromRow = ({ from_ns: fromNs, until_ns: untilNs, facts, ...row }: Row): AttackStep => ({
  ...unescapeDeep({ ...row, ...facts }),
  fromNs,
  untilNs,
})
