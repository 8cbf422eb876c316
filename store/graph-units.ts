/**
 * Units of the graph: what is derived together. Whoever changes a record that steps may stand on marks its unit; the deriver takes marked units,
 * oldest mark first. Marked again while it is derived, a unit is derived once more.
 */
import { type RawBuilder, sql } from 'kysely'
import type { EntityKind } from '../domain/entity.ts'
import type { Database, Queryable, Transaction } from './database.ts'
import { keysOfImages } from './image-keys.ts'
import { escapeText, jsonText, unescapeText } from './values.ts'

/** `unit`: "namespace/payments", "access" (roles and bindings of the cluster), "nodes", "cloud". */
export type Unit = { scope: string; unit: string }

/** Every namespace of the scope that is known. */
const everyNamespace = 'namespace/*'

/** The units that what changed belongs to, and those that read it. */
export function unitsOf(entity: { scope: string; kind: EntityKind; namespace: string | null; name: string }): Unit[] {
  const { scope, kind, namespace, name } = entity
  const unit = (text: string): Unit => ({ scope, unit: text })
  switch (kind) {
    case 'role':
    case 'role_binding':
      return [unit('access')]
    case 'node':
      return [unit('nodes'), unit('cloud')]
    case 'namespace':
      // Network policies of any namespace select others by their labels.
      return [unit(`namespace/${name}`), unit(everyNamespace), unit('access')]
    case 'cloud_account':
    case 'cloud_resource':
    case 'identity':
      return [unit('cloud')]
    case 'service_account':
      return namespace === null ? [] : [unit(`namespace/${namespace}`), unit('access'), unit('cloud')]
    default:
      return namespace === null ? [] : [unit(`namespace/${namespace}`)]
  }
}

export async function markUnits(tx: Queryable, units: readonly Unit[], at: Date): Promise<void> {
  const all = [...new Map(units.map((one) => [`${one.scope}\n${one.unit}`, one])).entries()].sort(([a], [b]) => (a < b ? -1 : 1))
  const unique = all.filter(([, { unit }]) => unit !== everyNamespace)
  const whole = all.flatMap(([, { scope, unit }]) => (unit === everyNamespace ? [escapeText(scope)] : []))
  if (whole.length > 0) await markNamespaces(tx, sql`scope = any(${whole}::text[])`, at)
  if (unique.length === 0) return
  await tx.query(sql`insert into graph_units as u (scope, unit, dirty_at)
    select scope, unit, ${at} from jsonb_to_recordset(${jsonText(unique.map(([, one]) => one))}::jsonb) as r(scope text, unit text)
    on conflict (scope, unit) do update set dirty_at = ${at} where u.dirty_at is null or u.dirty_at < ${at}`)
}

/** A new snapshot of what is exploited changes what may be done anywhere that runs something. */
export const markWhatRuns = (tx: Queryable, at: Date): Promise<void> => markNamespaces(tx, sql`true`, at)

async function markNamespaces(tx: Queryable, which: RawBuilder<unknown>, at: Date): Promise<void> {
  await tx.query(sql`update graph_units u set dirty_at = ${at} from (select scope, unit from graph_units where unit like 'namespace/%' and ${which}
      and (dirty_at is null or dirty_at < ${at}) order by scope, unit for no key update) those
    where u.scope = those.scope and u.unit = those.unit`)
}

/**
 * Units that run images of these keys: what a scan says of an image changes what may be done to what runs it. Whoever only declares pods names images
 * by reference, which is not told apart here: all of those in the scopes that the scans were of.
 */
export async function markUsersOfImages(tx: Queryable, keys: readonly string[], scopes: readonly string[], at: Date): Promise<void> {
  if (keys.length === 0) return
  await tx.query(sql`insert into graph_units as u (scope, unit, dirty_at)
    select distinct scope, 'namespace/' || namespace, ${at}::timestamptz from entities where scope = any(${scopes.map(escapeText)}::text[])
      and kind in ('pod', 'workload') and (properties->'declaredOnly') is not null and namespace is not null order by 1, 2
    on conflict (scope, unit) do update set dirty_at = excluded.dirty_at where u.dirty_at is null or u.dirty_at < excluded.dirty_at`)
  await tx.query(sql`insert into graph_units as u (scope, unit, dirty_at)
    with named as (select unnest(${keys.map(escapeText)}::text[]) as key),
      known as (${keysOfImages(sql`named`, { anyScope: true })})
    select distinct e.scope, 'namespace/' || e.namespace, ${at}::timestamptz from known join entities i on i.kind = 'image' and i.key = known.name join relations r on r.dst = i.id and r.type = 'USES_IMAGE'
      join entities e on e.id = r.src where e.namespace is not null order by 1, 2
    on conflict (scope, unit) do update set dirty_at = excluded.dirty_at where u.dirty_at is null or u.dirty_at < excluded.dirty_at`)
}

/** The cloud, whose identities and resources are named alike everywhere, and what each cluster has of it. */
export async function markClouds(tx: Queryable, at: Date): Promise<void> {
  await tx.query(sql`insert into graph_units as u (scope, unit, dirty_at)
    select scope, 'cloud', ${at}::timestamptz from (select 'global' as scope union select scope from graph_units where unit = 'cloud') s order by 1
    on conflict (scope, unit) do update set dirty_at = excluded.dirty_at where u.dirty_at is null or u.dirty_at < excluded.dirty_at`)
}

/** After an upgrade: everything that another version of the rules derived, and what none has. */
export async function markOutdatedUnits(db: Queryable, version: string, at: Date): Promise<void> {
  await db.query(sql`update graph_units set dirty_at = ${at} where dirty_at is null and version is distinct from ${version}`)
}

/** Marked units, the longest waiting first, held until the transaction ends; those that another holds are left out. */
export async function takeUnits(tx: Transaction, limit: number): Promise<(Unit & { dirtyAt: Date })[]> {
  const rows = await tx.query(sql<{ scope: string; unit: string; dirty_at: Date }>`select scope, unit, dirty_at from graph_units
    where dirty_at is not null order by dirty_at, scope, unit limit ${limit} for update skip locked`)
  return rows.map((row) => ({ scope: unescapeText(row.scope), unit: unescapeText(row.unit), dirtyAt: row.dirty_at }))
}

/** `differently`: steps were written or went. */
export async function unitDerived(
  tx: Transaction,
  { scope, unit }: Unit,
  { version, at, differently }: { version: string; at: Date; differently: boolean },
): Promise<void> {
  await tx.query(sql`update graph_units set dirty_at = null, derived_at = ${at}, version = ${version}, changes = changes + ${differently ? 1 : 0}
    where scope = ${escapeText(scope)} and unit = ${escapeText(unit)}`)
}

/** How much is still to be derived, and when the rest was. `newest` null: nothing was ever derived. */
export async function derivationState(
  db: Database | Queryable,
  scope?: string,
): Promise<{ waiting: number; oldest: Date | null; newest: Date | null }> {
  const [row] = await db.query(sql<{
    waiting: bigint
    oldest: Date | null
    newest: Date | null
  }>`select count(*) filter (where dirty_at is not null) as waiting,
    min(dirty_at) as oldest, max(derived_at) as newest from graph_units where ${scope === undefined ? sql`true` : sql`scope = ${escapeText(scope)}`}`)
  return { waiting: Number(row?.waiting ?? 0), oldest: row?.oldest ?? null, newest: row?.newest ?? null }
}

/** Differs once steps came out differently anywhere; never by when transactions ended. What was made of steps is as good as its mark. */
export async function derivationMark(db: Queryable): Promise<string> {
  const [row] = await db.query(
    sql<{ mark: string }>`select count(*) || ' ' || coalesce(sum(changes), 0) as mark from graph_units where changes > 0`,
  )
  return row?.mark ?? ''
}
