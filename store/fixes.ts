/** Fixes as derived: what to change, what that takes away, and how urgent it is. Written by graph/fix-first.ts alone; read in the order of urgency. */
import { type RawBuilder, sql } from 'kysely'
import { isId } from '../domain/ids.ts'
import { type Severity, severityFromId, severityId } from '../domain/severity.ts'
import type { Queryable, Transaction } from './database.ts'
import type { FixKind } from './fix-marks.ts'
import { keysOfImages } from './image-keys.ts'
import { escapeText, jsonText, unescapeDeep } from './values.ts'

export type FixDetails = {
  reasons: {
    code: string
    text: string
    factor: number
    /** A field of inventory that shows it. */ shownBy?: { entity: string; path: string; value: string }
  }[]
  /** Its worst findings. */ best: { id: string; check: string; title: string; on: string }[]
  /** Where it matters, the most urgent first; of many the first few. */ places: {
    id: bigint
    title: string
    scope: string
    live: boolean
  }[]
  /** What is to be changed; of much the first few. */ resources: { kind: string; key: string; name: string; findings: number }[]
  incidents: string[]
  /** The version that has all fixes that findings name; null: none is known, or it is no matter of versions. */ version: string | null
  steps: { because: string; technique: string; from: bigint; to: bigint }[]
}
export type Fix = {
  id: string
  kind: FixKind
  title: string
  /** 0 to 100, as risk.ts counts it for the worst of it. */ score: number
  level: Severity
  /** Open ones. */ findings: number
  suppressed: number
  /** Open ones of which a scanner names a fixed version. */ fixable: number
  /** Attack steps it takes away. */ steps: number
  resources: number
  places: number
  livePlaces: number
  /** When the scans looked that it stands on; null: no scan. */ oldestNs: bigint | null
  newestNs: bigint | null
  derivedAt: Date
  details: FixDetails
}
export type NewFix = Omit<Fix, 'derivedAt'> & {
  /** Of the same score the more exploitable, by CVSS. */ tie: number
  /** Scopes, and scope/namespace, that it concerns. */ within: string[]
  dueAt: Date | null
  links: { resources: { scope: string; kind: string; key: string }[]; places: bigint[] }
}

/** Makes these what the asked ones come to; of what nothing stands behind any more nothing stays. */
export async function replaceFixes(tx: Transaction, asked: readonly string[], fixes: readonly NewFix[], at: Date): Promise<void> {
  const kept = new Set(fixes.map(({ id }) => id))
  const gone = asked.filter((id) => !kept.has(id))
  if (gone.length > 0) await tx.query(sql`delete from fixes where id = any(${gone}::uuid[])`)
  await replaceLinks(tx, asked, fixes)
  if (fixes.length === 0) return
  const rows = fixes.map(({ links: _links, ...one }) => ({ ...one, level: severityId(one.level) }))
  await tx.query(sql`insert into fixes (id, kind, title, score, tie, level, findings, suppressed, fixable, steps, resources, places, live_places, oldest_ns, newest_ns, within, details, due_at, derived_at)
    select id, kind, title, score, tie, level, findings, suppressed, fixable, steps, resources, places, "livePlaces", "oldestNs", "newestNs", within, details, "dueAt", ${at}
    from jsonb_to_recordset(${jsonText(rows)}::jsonb) as r(id uuid, kind text, title text, score float8, tie float8, level smallint, findings integer, suppressed integer, fixable integer,
      steps integer, resources integer, places integer, "livePlaces" integer, "oldestNs" bigint, "newestNs" bigint, within text[], details jsonb, "dueAt" timestamptz)
    on conflict (id) do update set kind = excluded.kind, title = excluded.title, score = excluded.score, tie = excluded.tie, level = excluded.level, findings = excluded.findings,
      suppressed = excluded.suppressed, fixable = excluded.fixable, steps = excluded.steps, resources = excluded.resources, places = excluded.places,
      live_places = excluded.live_places, oldest_ns = excluded.oldest_ns, newest_ns = excluded.newest_ns, within = excluded.within, details = excluded.details,
      due_at = excluded.due_at, derived_at = excluded.derived_at`)
}

/** Only what differs is written. */
async function replaceLinks(tx: Transaction, asked: readonly string[], fixes: readonly NewFix[]): Promise<void> {
  const ids = sql`${[...asked]}::uuid[]`
  const resources = fixes.flatMap(({ id, links }) => links.resources.map((one) => ({ id, ...one })))
  await tx.query(sql`with wanted as materialized (select distinct * from jsonb_to_recordset(${jsonText(resources)}::jsonb) as r(id uuid, scope text, kind text, key text)),
      gone as (delete from fix_resources o where fix_id = any(${ids}) and not exists
        (select 1 from wanted w where w.id = o.fix_id and w.scope = o.scope and w.kind = o.kind and w.key = o.key))
    insert into fix_resources (fix_id, scope, kind, key) select id, scope, kind, key from wanted on conflict do nothing`)
  const places = fixes.flatMap(({ id, links }) => links.places.map((place) => ({ id, place })))
  await tx.query(sql`with wanted as materialized (select distinct * from jsonb_to_recordset(${jsonText(places)}::jsonb) as r(id uuid, place bigint)),
      gone as (delete from fix_places o where fix_id = any(${ids}) and not exists (select 1 from wanted w where w.id = o.fix_id and w.place = o.place_id))
    insert into fix_places (fix_id, place_id) select id, place from wanted on conflict do nothing`)
}

type Row = Omit<Fix, 'level' | 'livePlaces' | 'oldestNs' | 'newestNs' | 'derivedAt'> & {
  level: number
  tie: number
  live_places: number
  oldest_ns: bigint | null
  newest_ns: bigint | null
  derived_at: Date
}
const columns = sql`f.id::text, f.kind, f.title, f.score, f.tie, f.level, f.findings, f.suppressed, f.fixable, f.steps, f.resources, f.places, f.live_places, f.oldest_ns, f.newest_ns,
  f.details, f.derived_at`

export type FixFilter = { scope?: string; namespace?: string; incident?: string }

/** The most urgent first. What has nothing open is left out. `cursor`: `next` of the page before. */
export async function listFixes(
  db: Queryable,
  filter: FixFilter,
  { cursor, limit }: { cursor?: string; limit: number },
): Promise<{ fixes: Fix[]; next: string | null }> {
  const conditions = [sql`(f.findings > 0 or f.steps > 0)`, ...conditionsOf(filter)]
  const after = cursor === undefined ? undefined : parseFixCursor(cursor)
  if (after !== undefined)
    conditions.push(sql`(f.score < ${after.score} or f.score = ${after.score} and (f.tie < ${after.tie} or f.tie = ${after.tie}
      and (f.findings < ${after.findings} or f.findings = ${after.findings} and f.id > ${after.id}::uuid)))`)
  const rows = await db.query(sql<Row>`select ${columns} from fixes f where ${sql.join(conditions, sql` and `)}
    order by f.score desc, f.tie desc, f.findings desc, f.id limit ${limit + 1}`)
  const last = rows[limit - 1]
  return {
    fixes: rows.slice(0, limit).map(fromRow),
    next: rows.length > limit && last !== undefined ? [last.score, last.tie, last.findings, last.id].join('_') : null,
  }
}

function conditionsOf({ scope, namespace, incident }: FixFilter): RawBuilder<unknown>[] {
  const within = namespace === undefined ? scope : `${scope ?? '*'}/${namespace}`
  return [
    ...(within === undefined ? [] : [sql`f.within @> array[${escapeText(within)}]::text[]`]),
    ...(incident === undefined
      ? []
      : [
          sql`f.id in (select fp.fix_id from incident_places ip join risk_place_members m on m.member_id = ip.entity_id join fix_places fp on fp.place_id = m.place_id
            where ip.incident_id = ${incident}::uuid)`,
        ]),
  ]
}

export function parseFixCursor(cursor: string): { score: number; tie: number; findings: number; id: string } | undefined {
  const [score, tie, findings, id, more] = cursor.split('_')
  if (more !== undefined || id === undefined || !isId(id)) return undefined
  const numbers = [score, tie, findings].map((text) => (text === undefined || text === '' ? Number.NaN : Number(text)))
  if (!numbers.every(Number.isFinite) || !Number.isInteger(numbers[2])) return undefined
  return { score: numbers[0] as number, tie: numbers[1] as number, findings: numbers[2] as number, id }
}

export async function getFix(db: Queryable, id: string): Promise<Fix | undefined> {
  if (!isId(id)) return undefined
  const [row] = await db.query(sql<Row>`select ${columns} from fixes f where f.id = ${id}::uuid`)
  return row && fromRow(row)
}

/** The fix of a finding that is open or suppressed, once it was derived. */
export async function fixOfFinding(db: Queryable, findingId: string): Promise<Fix | undefined> {
  if (!isId(findingId)) return undefined
  const [row] = await db.query(sql<Row>`select ${columns} from fixes f join findings g on g.fix_id = f.id where g.id = ${findingId}::uuid`)
  return row && fromRow(row)
}

/** Workloads of which a scanner looked at no image; the first few by name. */
export async function unscannedPlaces(
  db: Queryable,
  { scope, namespace }: FixFilter,
  limit = 5,
): Promise<{ total: number; titles: string[] }> {
  const rows = await db.query(sql<{ title: string; total: bigint }>`with looked as materialized (
      select distinct target_key as key from scans where target_kind = 'image' and ended_at is not null and failed is null),
    known as materialized (${keysOfImages(sql`looked`, { anyScope: true })})
    select p.title, count(*) over () as total from risk_places p where ${scope === undefined ? sql`true` : sql`p.scope = ${escapeText(scope)}`}
      and ${namespace === undefined ? sql`true` : sql`p.namespace = ${escapeText(namespace)}`}
      and exists (select 1 from risk_place_images i where i.place_id = p.id)
      and not exists (select 1 from risk_place_images i where i.place_id = p.id and (exists (select 1 from known k where k.name = i.key)
        or exists (select 1 from fix_resources r where r.kind in ('image', 'image_name') and r.key = i.key)))
    order by p.title, p.id limit ${limit}`)
  return { total: Number(rows[0]?.total ?? 0), titles: rows.map(({ title }) => unescapeDeep(title)) }
}

const fromRow = ({
  live_places: livePlaces,
  oldest_ns: oldestNs,
  newest_ns: newestNs,
  derived_at: derivedAt,
  level,
  tie: _tie,
  ...row
}: Row): Fix => ({ ...unescapeDeep(row), level: severityFromId(level), livePlaces, oldestNs, newestNs, derivedAt })
