/**
 * Pulling custom resources: of each resource when it is due and who reads it now, of each object the version that was read. An object’s row is
 * written in the transaction that stores its records (intake.ts), so that neither can be without the other. What has gone is never fixed.
 */
import { sql } from 'kysely'
import { stringifyExact } from '../domain/exact-json.ts'
import type { Database, Queryable, Transaction } from './database.ts'
import type { Scan } from './scans.ts'
import { addToSource, noTally } from './sources.ts'
import { escapeDeep, escapeText, unescapeText } from './values.ts'

/** `waiting`: not looked at yet. `absent`: the cluster serves no such resource. `failed`: not, or not all of it, could be read. */
export type PullState = 'waiting' | 'read' | 'absent' | 'failed'
export type Pull = {
  scope: string
  resource: string
  sourceId: string
  state: PullState
  detail: string | null
  /** Since when it is in this state. */ since: Date | null
  /** When all there is was last listed. */ lookedAt: Date | null
  objects: number
}
/** An object that was read, and the scan it told of. */
export type PulledObject = { scope: string; resource: string; uid: string; version: string; place: string; scanKey: string | null }
/** Who reads what. */
export type Held = { scope: string; resource: string; by: string }

/** Every resource has a row, due within the period. `alone`: nobody else is at work on this database, so what is held was left by the dead. */
export async function ensurePulls(
  db: Queryable,
  wanted: readonly { scope: string; resource: string; sourceId: string }[],
  { at, latest, alone }: { at: Date; latest: Date; alone: boolean },
): Promise<void> {
  const rows = wanted.map(({ scope, resource, sourceId }) => ({ scope: escapeText(scope), resource, source_id: sourceId }))
  await db.query(sql`insert into pull_cursors as c (scope, resource, source_id, due_at)
    select scope, resource, source_id, ${at}::timestamptz from jsonb_to_recordset(${stringifyExact(rows)}::jsonb) as r(scope text, resource text, source_id uuid)
    on conflict (scope, resource) do update set source_id = excluded.source_id, due_at = least(c.due_at, ${latest}::timestamptz),
      held_until = case when ${alone} then null else c.held_until end`)
}

/** The one that is longest due and nobody holds, held from now on; null: none is due. Resources of a disabled source never are. */
export async function takeDuePull(
  db: Queryable,
  { scope, by, at, until }: { scope: string; by: string; at: Date; until: Date },
): Promise<Pull | null> {
  const [row] = await db.query(sql<Row>`update pull_cursors set held_by = ${by}::uuid, held_until = ${until} where (scope, resource) = (
      select c.scope, c.resource from pull_cursors c join sources s on s.id = c.source_id
      where c.scope = ${escapeText(scope)} and c.due_at <= ${at} and (c.held_until is null or c.held_until <= ${at}) and s.disabled_at is null
      order by c.due_at, c.resource for update of c skip locked limit 1)
    returning ${columns}`)
  return row === undefined ? null : fromRow(row)
}

/** Answers whether it is still ours; then it is until `until`. */
export async function holdPull(db: Queryable, { scope, resource, by }: Held, until: Date): Promise<boolean> {
  const rows = await db.query(sql`update pull_cursors set held_until = ${until}
    where scope = ${escapeText(scope)} and resource = ${resource} and held_by = ${by}::uuid and held_until is not null returning 1`)
  return rows.length > 0
}

/** The version of each object that was read and is still there, by UID. */
export async function knownVersions(db: Queryable, scope: string, resource: string): Promise<Map<string, string>> {
  const rows = await db.query(sql<{ uid: string; version: string }>`select uid, version from pulled_objects
    where scope = ${escapeText(scope)} and resource = ${resource} and gone_at is null`)
  return new Map(rows.map(({ uid, version }) => [unescapeText(uid), unescapeText(version)]))
}

export async function notePulled(tx: Transaction, objects: readonly PulledObject[], at: Date): Promise<void> {
  if (objects.length === 0) return
  const unique = new Map(objects.map((one) => [`${one.scope}\n${one.resource}\n${one.uid}`, one]))
  const rows = [...unique]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { scope, resource, uid, version, place, scanKey }]) => ({
      ...escapeDeep({ scope, resource, uid, version, place }),
      scan_key: scanKey,
    }))
  await tx.query(sql`insert into pulled_objects (scope, resource, uid, version, place, scan_key, read_at)
    select scope, resource, uid, version, place, decode(scan_key, 'hex'), ${at}::timestamptz
    from jsonb_to_recordset(${stringifyExact(rows)}::jsonb) as r(scope text, resource text, uid text, version text, place text, scan_key text)
    on conflict (scope, resource, uid) do update set version = excluded.version, place = excluded.place, scan_key = excluded.scan_key,
      read_at = excluded.read_at, gone_at = null`)
}

export type Finished = {
  state: Exclude<PullState, 'waiting'>
  detail: string | null
  /** UIDs of all there is; null: that is not known, and nothing is concluded from it. */ present: readonly string[] | null
  dueAt: Date
  /** Objects that were gone before are forgotten. */ forgetBefore: Date
}

/** Writes how it went and lets go of it, unless somebody else has taken it over. What was read and is no longer there is noted as gone. */
export async function finishPull(
  db: Database,
  { scope, resource, by }: Held,
  sourceId: string,
  at: Date,
  finished: Finished,
): Promise<void> {
  const { state, detail, present, dueAt, forgetBefore } = finished
  const own = escapeText(scope)
  await db.transaction(async (tx) => {
    const ours = await tx.query(sql`update pull_cursors set due_at = ${dueAt}, held_by = null, held_until = null,
        state_since = case when state = ${state} then coalesce(state_since, ${at}) else ${at} end, state = ${state},
        detail = ${detail === null ? null : escapeText(detail)},
        looked_at = case when ${present !== null} then ${at}::timestamptz else looked_at end,
        objects = case when ${present !== null} then ${present?.length ?? 0}::integer else objects end
      where scope = ${own} and resource = ${resource} and held_by = ${by}::uuid returning 1`)
    if (ours.length === 0 || present === null) return
    await tx.query(sql`update pulled_objects set gone_at = ${at}
      where scope = ${own} and resource = ${resource} and gone_at is null and not uid = any(${present.map(escapeText)}::text[])`)
    await tx.query(sql`delete from pulled_objects where scope = ${own} and resource = ${resource} and gone_at < ${forgetBefore}`)
    if (state !== 'absent') await addToSource(tx, sourceId, noTally, { at, eventAt: null, truncated: 0 })
  })
}

/** Lets go of what was begun, to be gone on with at once by whoever comes next. */
export async function releasePull(db: Queryable, { scope, resource, by }: Held): Promise<void> {
  await db.query(sql`update pull_cursors set held_by = null, held_until = null
    where scope = ${escapeText(scope)} and resource = ${resource} and held_by = ${by}::uuid`)
}

export async function listPulls(db: Queryable): Promise<Pull[]> {
  return (await db.query(sql<Row>`select ${columns} from pull_cursors order by scope, resource`)).map(fromRow)
}

/** Of these scans, by id, those whose object has gone while no other object tells of the same target: since when. */
export async function goneScans(db: Queryable, scans: readonly Pick<Scan, 'id'>[]): Promise<Map<bigint, Date>> {
  const rows = await db.query(sql<{ id: bigint; gone_at: Date }>`select s.id, max(p.gone_at) as gone_at from scans s
    join pulled_objects p on p.scope = s.scope and p.scan_key = s.content_key
    where s.id = any(${scans.map(({ id }) => String(id))}::bigint[]) and not exists (
      select 1 from scans other join pulled_objects present on present.scope = other.scope and present.scan_key = other.content_key
      where other.scope = s.scope and other.scanner = s.scanner and other.target_kind = s.target_kind and other.target_key = s.target_key
        and present.gone_at is null)
    group by s.id`)
  return new Map(rows.map((row) => [row.id, row.gone_at]))
}

const columns = sql`scope, resource, source_id::text, state, detail, state_since, looked_at, objects`
type Row = {
  scope: string
  resource: string
  source_id: string
  state: PullState
  detail: string | null
  state_since: Date | null
  looked_at: Date | null
  objects: number
}
const fromRow = (row: Row): Pull => ({
  scope: unescapeText(row.scope),
  resource: row.resource,
  sourceId: row.source_id,
  state: row.state,
  detail: row.detail === null ? null : unescapeText(row.detail),
  since: row.state_since,
  lookedAt: row.looked_at,
  objects: row.objects,
})
