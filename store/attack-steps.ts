/** Attack steps, as derived: replaced unit by unit, so that what no longer holds goes and what still does is not written again. */
import { sql } from 'kysely'
import type { Entity, EntityKind, EntityRef } from '../domain/entity.ts'
import { type AttackStep, type Fix, isEveryOf, type NewStep, type StepFacts } from '../domain/graph.ts'
import type { Queryable, Transaction } from './database.ts'
import { allEntitiesWhere } from './entities.ts'
import type { Unit } from './graph-units.ts'
import { escapeText, jsonText, unescapeDeep, unescapeText } from './values.ts'

type Row = Omit<AttackStep, 'fromNs' | 'untilNs' | keyof StepFacts> & { from_ns: bigint; until_ns: bigint | null; facts: StepFacts }

/** Makes the unit’s steps these. Answers how many rows were written, and how many went. */
export async function replaceSteps(
  tx: Transaction,
  { scope, unit }: Unit,
  steps: readonly NewStep[],
): Promise<{ written: number; removed: number }> {
  const unique = new Map<string, NewStep>()
  for (const step of steps) {
    const key = [step.from, step.to].map((end) => `${end.scope}\n${end.kind}\n${end.key}`).join('\n') + `\n${step.type}`
    const before = unique.get(key)
    if (before === undefined || step.cost < before.cost) unique.set(key, step)
  }
  await ensureEnds(tx, [...unique.values()])
  const rows = [...unique.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { from, to, fromNs, untilNs, type, cost, ...facts }]) => ({
      fs: from.scope,
      fk: from.kind,
      fkey: from.key,
      ts: to.scope,
      tk: to.kind,
      tkey: to.key,
      type,
      cost,
      from_ns: fromNs,
      until_ns: untilNs,
      fix_key: facts.fix?.key ?? null,
      facts,
    }))
  const input = sql`select f.id as src, r.type, t.id as dst, r.cost, r.from_ns, r.until_ns, r.fix_key, r.facts from jsonb_to_recordset(${jsonText(rows)}::jsonb)
    as r(fs text, fk text, fkey text, ts text, tk text, tkey text, type text, cost smallint, from_ns bigint, until_ns bigint, fix_key text, facts jsonb)
      join entities f on f.scope = r.fs and f.kind = r.fk and f.key = r.fkey join entities t on t.scope = r.ts and t.kind = r.tk and t.key = r.tkey`
  const removed = await tx.query(sql`with wanted as materialized (${input})
    delete from attack_steps s where s.scope = ${escapeText(scope)} and s.unit = ${escapeText(unit)}
      and not exists (select 1 from wanted w where w.src = s.src and w.type = s.type and w.dst = s.dst) returning 1`)
  if (rows.length === 0) return { written: 0, removed: removed.length }
  const written = await tx.query(sql`insert into attack_steps as s (src, type, dst, cost, scope, unit, from_ns, until_ns, fix_key, facts)
    select src, type, dst, cost, ${escapeText(scope)}, ${escapeText(unit)}, from_ns, until_ns, fix_key, facts from (${input}) w order by src, type, dst
    on conflict (src, type, dst) do update set cost = excluded.cost, scope = excluded.scope, unit = excluded.unit, from_ns = excluded.from_ns,
      until_ns = excluded.until_ns, fix_key = excluded.fix_key, facts = excluded.facts
    where (s.cost, s.from_ns, s.fix_key, s.unit, s.facts) is distinct from (excluded.cost, excluded.from_ns, excluded.fix_key, excluded.unit, excluded.facts)
      or s.until_ns is distinct from excluded.until_ns returning 1`)
  return { written: written.length, removed: removed.length }
}

/** Ends that no collector reports: the internet, "every Secret of …", a cluster. Derived: nothing may ever act on one. */
async function ensureEnds(tx: Transaction, steps: readonly NewStep[]): Promise<void> {
  const ends = new Map(
    steps
      .flatMap(({ from, to, fromNs }) => [[from, fromNs] as const, [to, fromNs] as const])
      .map(([end, at]) => [`${end.scope}\n${end.kind}\n${end.key}`, { ...end, at }]),
  )
  const rows = [...ends.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { scope, kind, key, at }]) => ({ scope, kind, key, at, name: nameOfEnd({ scope, kind, key }) }))
  if (rows.length === 0) return
  await tx.query(sql`insert into entities (scope, kind, key, name, properties, origin, first_ns, last_ns, valid_from_ns)
    select scope, kind, key, name, '{}'::jsonb, 'derived', at, at, at
    from jsonb_to_recordset(${jsonText(rows)}::jsonb) as r(scope text, kind text, key text, name text, at bigint)
    where not exists (select 1 from entities e where e.scope = r.scope and e.kind = r.kind and e.key = r.key) on conflict do nothing`)
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
  const part = { 'node-network': 'network', 'node-processes': 'processes', 'node-memory': 'shared memory' }[what] ?? what
  return of === '-' ? `the ${part} of some node` : `the ${part} of node ${of}`
}

const columns = sql`src, type, dst, cost, scope, unit, from_ns, until_ns, facts`
/** `atNs` null: now, what has ended left out. */
const holdsAt = (atNs: bigint | null) =>
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

/** What leads out of these, or into them. */
export async function stepsAt(
  db: Queryable,
  ids: readonly bigint[],
  direction: 'out' | 'in',
  atNs: bigint | null,
  limit = 2_000,
): Promise<AttackStep[]> {
  const end = direction === 'out' ? sql`src` : sql`dst`
  const rows =
    await db.query(sql<Row>`select ${columns} from attack_steps where ${end} = any(${ids.map(String)}::bigint[]) and ${holdsAt(atNs)}
    order by src, dst, cost, type limit ${limit}`)
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

/** Records of these kinds, those that are gone too: of one namespace, or of the whole scope. */
export async function entitiesOfUnit(
  db: Queryable,
  scope: string,
  { namespace, kinds }: { namespace?: string; kinds: readonly EntityKind[] },
): Promise<Entity[]> {
  const within = namespace === undefined ? sql`true` : sql`namespace = ${escapeText(namespace)}`
  return allEntitiesWhere(db, sql`scope = ${escapeText(scope)} and kind = any(${[...kinds]}::text[]) and ${within}`)
}

const fromRow = ({ from_ns: fromNs, until_ns: untilNs, facts, ...row }: Row): AttackStep => ({
  ...unescapeDeep({ ...row, ...facts }),
  fromNs,
  untilNs,
})
