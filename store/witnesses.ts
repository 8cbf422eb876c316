/**
 * Taking a witness back: what it alone said of the graph goes, what others say too stays. How an object was described stays as it was last written,
 * whoever wrote it. Alerts, findings and decisions are records and are not touched.
 */
import { sql } from 'kysely'
import type { EntityKind } from '../domain/entity.ts'
import type { Transaction } from './database.ts'
import { markUnits, unitsOf } from './graph-units.ts'
import { recountStanding } from './inventory-standing.ts'
import { witnessOf } from './observe.ts'
import { unescapeDeep } from './values.ts'

export type Forgotten = { relations: number; entities: number; aliases: number }

/** `sourceId` null: what was brought in without a source. Answers how much went. */
export async function forgetWitness(tx: Transaction, sourceId: string | null, at: Date): Promise<Forgotten> {
  const witness = witnessOf(sourceId)
  await tx.query(sql`create temporary table forgotten on commit drop as
    select entity_id as id from entity_sightings where witness = ${witness}::uuid
    union select src from relations where witness = ${witness}::uuid union select dst from relations where witness = ${witness}::uuid`)
  const relations = await tx.query(sql`delete from relations where witness = ${witness}::uuid returning 1`)
  const aliases = await tx.query(
    sql`delete from entity_aliases where coalesce(source_id, ${witnessOf(null)}::uuid) = ${witness}::uuid returning 1`,
  )
  const seen = await tx.query(sql<{ entity_id: bigint }>`delete from entity_sightings where witness = ${witness}::uuid returning entity_id`)
  const touched = await tx.query(sql<{
    id: bigint
    scope: string
    kind: EntityKind
    namespace: string | null
    name: string
    alone: boolean
  }>`
    select e.id, e.scope, e.kind, e.namespace, e.name, not exists (select 1 from entity_sightings s where s.entity_id = e.id) as alone
    from forgotten f join entities e using (id) order by e.id`)
  // Nobody knows it any more: a bare name that nothing may act on, as long as something still refers to it.
  await tx.query(sql`update entities e set origin = 'derived', properties = '{}'::jsonb, source_id = null, name = key, namespace = null, deleted_ns = null
    from forgotten f where e.id = f.id and not exists (select 1 from entity_sightings s where s.entity_id = e.id)`)
  await tx.query(sql`update entities e set source_id = null from forgotten f where e.id = f.id and e.source_id = ${witness}::uuid`)
  const unknown = sql`not exists (select 1 from entity_sightings w where w.entity_id = f.id)
    and not exists (select 1 from relations r where r.src = f.id) and not exists (select 1 from relations r where r.dst = f.id)`
  await tx.query(sql`with gone as (delete from attack_steps s using forgotten f where (s.src = f.id or s.dst = f.id) and ${unknown} returning s.scope, s.unit)
    update graph_units u set changes = u.changes + 1 where (u.scope, u.unit) in (select scope, unit from gone)`)
  await tx.query(sql`delete from entities e using forgotten f where e.id = f.id and ${unknown}
    and not exists (select 1 from proposals p where p.target_entity_id = e.id)`)
  await tx.query(sql`drop table forgotten`)
  await recountStanding(
    tx,
    touched.map(({ scope }) => scope),
  )
  await markUnits(
    tx,
    touched.flatMap(({ id: _id, alone: _alone, ...row }) => unitsOf(unescapeDeep(row))),
    at,
  )
  const known = new Set(seen.map((row) => row.entity_id))
  return {
    relations: relations.length,
    entities: touched.filter(({ id, alone }) => alone && known.has(id)).length,
    aliases: aliases.length,
  }
}
