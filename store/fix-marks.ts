/**
 * Which change fixes a finding, and marks of changes whose fixes are to be derived again. Marks are only ever appended where something is
 * written, and taken away by the one deriver at work: nobody who writes waits for it, and none is lost.
 */
import { type RawBuilder, sql } from 'kysely'
import { createHash } from 'node:crypto'
import { settingOfCheck } from '../domain/control.ts'
import type { Queryable, Transaction } from './database.ts'
import { keysOfImages } from './image-keys.ts'
import { escapeText } from './values.ts'

export const fixKinds = ['base_image', 'package', 'setting', 'secret', 'flaw', 'step'] as const
/**
 * base_image: build the images on a newer base. package: update one in one resource. setting: change one setting of one object. secret: take it
 * out and change it. flaw: update a resource of which no package is told. step: take away what an attack step stands on.
 */
export type FixKind = (typeof fixKinds)[number]

/** What is to be changed, of finding `f`; `base`: what its image is built on, of packages that came with that. Null: a licence is no risk. */
export const fixTextOf = (base: RawBuilder<unknown>): RawBuilder<string | null> => sql`case
    when f.class = 'vulnerability' and f.resource_kind = 'image' and ${base} is not null then concat_ws(E'\\n', 'base_image', ${base})
    when f.class = 'vulnerability' and f.package_key is not null
      then concat_ws(E'\\n', 'package', f.scope, f.resource_kind, f.resource_key, regexp_replace(f.package_key, '@[^@/]*$', ''))
    when f.class = 'vulnerability' then concat_ws(E'\\n', 'flaw', f.scope, f.resource_kind, f.resource_key)
    when f.class in ('misconfiguration', 'compliance')
      then concat_ws(E'\\n', 'setting', f.scope, f.resource_kind, f.resource_key, coalesce(${JSON.stringify(settingOfCheck)}::jsonb ->> f.check_id, f.check_id))
    when f.class = 'secret' then concat_ws(E'\\n', 'secret', f.scope, f.resource_kind, f.resource_key) end`
export const fixIdOf = (base: RawBuilder<unknown>): RawBuilder<string | null> =>
  sql`encode(substr(sha256(convert_to(${fixTextOf(base)}, 'UTF8')), 1, 16), 'hex')::uuid`

/** The same of parts given here: a step that one setting takes away is fixed by the same change as what scanners say of that setting. */
export function fixIdFrom(parts: readonly string[]): string {
  const hex = createHash('sha256').update(parts.map(escapeText).join('\n')).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`
}

export async function markFixes(tx: Queryable, ids: readonly string[]): Promise<void> {
  if (ids.length > 0) await tx.query(sql`insert into fix_marks (fix_id) select distinct unnest(${[...ids]}::uuid[])`)
}

/** What a list says anew of these CVEs changes what fixes of them come to. */
export async function markFixesOfCves(tx: Queryable, cves: readonly string[]): Promise<void> {
  const these = sql`${[...cves]}::text[]`
  await tx.query(sql`insert into fix_marks (fix_id) select distinct fix_id from findings
    where fix_id is not null and (check_id = any(${these}) or aliases && ${these})`)
}

/** All fixes of flaws in software. */
export async function markFlaws(tx: Queryable): Promise<void> {
  await tx.query(sql`insert into fix_marks (fix_id) select id from fixes where kind in ('base_image', 'package', 'flaw')`)
}

export async function markPlaces(tx: Queryable, ids: readonly bigint[]): Promise<void> {
  if (ids.length > 0) await tx.query(sql`insert into fix_marks (place_id) select distinct unnest(${ids.map(String)}::bigint[])`)
}

/** Places that run an image of these keys, as they are stored: what is known by another name of it may be known to run there now. */
export async function markRunnersOf(tx: Queryable, storedKeys: readonly string[]): Promise<void> {
  if (storedKeys.length > 0)
    await tx.query(
      sql`insert into fix_marks (place_id) select distinct place_id from risk_place_images where key = any(${[...storedKeys]}::text[])`,
    )
}

/** Places that run these images (row ids): something in them was seen in use for the first time. */
export async function markUsersOf(tx: Queryable, images: readonly bigint[]): Promise<void> {
  if (images.length > 0)
    await tx.query(sql`insert into fix_marks (place_id) select distinct r.place_id from entities e join risk_place_images r on r.scope = e.scope and r.key = e.key
      where e.id = any(${[...new Set(images)].map(String)}::bigint[])`)
}

/** Steps or places of the cluster changed: how far its places lead is to be counted again. */
export async function markReach(tx: Queryable, scope: string): Promise<void> {
  await tx.query(sql`insert into fix_marks (scope) values (${escapeText(scope)})`)
}

/** One deriver at a time, in the whole installation; false: another is at it. To compile its statements would take longer than it saves. */
export async function holdDeriving(tx: Transaction): Promise<boolean> {
  const [row] = await tx.query(
    sql<{
      held: boolean
    }>`select pg_try_advisory_xact_lock(hashtextextended('falconer fixes', 0)) as held, set_config('jit', 'off', true) as jit`,
  )
  return row?.held === true
}

/** Marks of places become marks of the fixes that stand on what runs there, or that they stood on before. Call it while deriving is held. */
export async function spreadPlaceMarks(tx: Transaction): Promise<void> {
  await tx.query(sql`with taken as (delete from fix_marks where place_id is not null returning place_id),
      places as (select distinct place_id from taken),
      named as (select i.scope, i.key, i.by_name from risk_place_images i join places using (place_id)),
      keys as (${keysOfImages(sql`named`)})
    insert into fix_marks (fix_id)
      select fix_id from fix_places join places using (place_id)
      union select r.fix_id from keys k join fix_resources r on r.kind in ('image', 'image_name') and r.key = k.name
      union select r.fix_id from places join risk_place_objects o using (place_id) join fix_resources r on r.kind in ('workload', 'pod') and r.scope = o.scope and r.key = o.key`)
}

/** Up to `limit` marked fixes, the longest waiting first, and those of which a suppression has ended. The marks are gone when the transaction ends well. */
export async function takeFixes(tx: Transaction, now: Date, limit: number): Promise<string[]> {
  const marked = await tx.query(sql<{
    id: string
  }>`with first as (select fix_id from fix_marks where fix_id is not null group by fix_id order by min(id) limit ${limit}),
      taken as (delete from fix_marks m using first where m.fix_id = first.fix_id returning m.fix_id)
    select distinct fix_id::text as id from taken`)
  const due = await tx.query(sql<{ id: string }>`select id::text from fixes where due_at <= ${now} order by due_at limit ${limit}`)
  return [...new Set([...marked, ...due].map(({ id }) => id))]
}

/** How many marks wait, counted up to `most`. */
export async function waitingFixes(db: Queryable, most = 1_000): Promise<number> {
  const [row] = await db.query(sql<{ n: bigint }>`select count(*) as n from (select 1 from fix_marks limit ${most}) m`)
  return Number(row?.n ?? 0)
}

/** Which fix takes which steps of a cluster away, as a unit’s steps have it now; those it had before are marked too. */
export async function noteStepFixes(
  tx: Transaction,
  scope: string,
  before: readonly string[],
  now: readonly { fixId: string; stepKey: string }[],
): Promise<void> {
  await tx.query(sql`insert into fix_steps (fix_id, scope, step_key) select distinct fix_id, ${escapeText(scope)}, step_key
    from unnest(${now.map(({ fixId }) => fixId)}::uuid[], ${now.map(({ stepKey }) => escapeText(stepKey))}::text[]) as r(fix_id, step_key) on conflict do nothing`)
  const keys = [...before, ...now.map(({ stepKey }) => stepKey)].map(escapeText)
  await tx.query(
    sql`insert into fix_marks (fix_id) select distinct fix_id from fix_steps where scope = ${escapeText(scope)} and step_key = any(${keys}::text[])`,
  )
  // An earlier version may have put a step to another fix; that one is marked above and comes to nothing.
  await tx.query(sql`delete from fix_steps f using unnest(${now.map(({ fixId }) => fixId)}::uuid[], ${now.map(({ stepKey }) => escapeText(stepKey))}::text[]) as r(fix_id, step_key)
    where f.scope = ${escapeText(scope)} and f.step_key = r.step_key and f.fix_id <> r.fix_id`)
}
