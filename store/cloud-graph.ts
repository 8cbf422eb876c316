/** What steps in the cloud stand on: who was seen to take whose role, and checks that fail. */
import { sql } from 'kysely'
import type { EntityRef } from '../domain/entity.ts'
import type { ResourceRef } from '../domain/finding.ts'
import type { Queryable } from './database.ts'
import { jsonText, unescapeDeep } from './values.ts'

/** `activity`: content key of the record that first showed it. */
export type Assumption = { from: EntityRef; fromName: string; to: EntityRef; toName: string; activity: string | null; fromNs: bigint }
export type FailedCheck = {
  finding: string
  check: string
  title: string
  resource: Pick<ResourceRef, 'kind' | 'key' | 'name'> & { scope: string }
  fromNs: bigint
}

type AssumptionRow = {
  fs: string
  fk: EntityRef['kind']
  fkey: string
  fname: string
  ts: string
  tk: EntityRef['kind']
  tkey: string
  tname: string
  activity: string | null
  first_ns: bigint
}

/** Of all identities; or of instances of these names only. */
export async function assumptions(db: Queryable, instances?: readonly string[]): Promise<Assumption[]> {
  const taken = sql`select t.id, t.scope, t.key, t.kind, t.name from entities t where t.scope = 'global' and t.kind = 'identity'`
  const of = instances === undefined ? sql`true` : sql`f.kind = 'cloud_resource' and f.name = any(${[...instances]}::text[])`
  const rows =
    await db.query(sql<AssumptionRow>`select f.scope fs, f.kind fk, f.key fkey, f.name fname, t.scope ts, t.kind tk, t.key tkey, t.name tname,
      (array_agg(r.properties->>'activity' order by r.first_ns, r.properties->>'activity' collate "C"))[1] as activity, min(r.first_ns) as first_ns
    from (${taken}) t join relations r on r.dst = t.id and r.type = 'ASSUMES' join entities f on f.id = r.src where ${of} group by 1, 2, 3, 4, 5, 6, 7, 8 order by 3, 7`)
  return unescapeDeep(rows).map(({ fs, fk, fkey, fname, ts, tk, tkey, tname, activity, first_ns }) => ({
    from: { scope: fs, kind: fk, key: fkey },
    fromName: fname,
    to: { scope: ts, kind: tk, key: tkey },
    toName: tname,
    activity,
    fromNs: first_ns,
  }))
}

type FailedRow = {
  id: string
  check_id: string
  title: string
  kind: ResourceRef['kind']
  key: string
  name: string
  scope: string
  first_ns: bigint
}

/** Findings that are open, of checks of these ids, about what is named alike everywhere. */
export async function failedChecks(db: Queryable, checks: readonly string[]): Promise<FailedCheck[]> {
  const rows =
    await db.query(sql<FailedRow>`select f.id::text, f.check_id, f.title, f.resource_kind as kind, f.resource_key as key, f.resource_name as name, f.scope, f.first_ns
    from jsonb_array_elements_text(${jsonText(checks)}::jsonb) c join findings f on f.check_id = c.value where f.status = 'open' and f.scope = 'global' order by f.check_id, f.resource_key, f.id`)
  return unescapeDeep(rows).map(({ id, check_id: check, title, scope, first_ns: fromNs, ...resource }) => ({
    finding: id,
    check,
    title,
    resource: { ...resource, scope },
    fromNs,
  }))
}
