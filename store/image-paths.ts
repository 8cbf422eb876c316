/** Files of images that alerts showed run or opened. Bounded per image: what there is no room for is counted, so that "not observed" can be doubted. */
import { sql } from 'kysely'
import { quarterHourNs } from '../domain/entity.ts'
import type { Transaction } from './database.ts'
import { markUsersOf } from './fix-marks.ts'
import { jsonText } from './values.ts'

/** Seen in this container (row id of its entity). */
export type SeenPath = { container: string; path: string; kind: 'exec' | 'open'; atNs: bigint; alertId: string }
type Sight = { image: bigint; path: string; kind: 'exec' | 'open'; first: bigint; last: bigint; alert: string }

export const mostPathsOfImage = 2_000

export async function notePaths(tx: Transaction, seen: readonly SeenPath[]): Promise<void> {
  if (seen.length === 0) return
  const containers = [...new Set(seen.map(({ container }) => container))]
  const uses = await tx.query(sql<{ container: bigint; image: bigint }>`select distinct src as container, dst as image from relations
    where src = any(${containers}::bigint[]) and type = 'USES_IMAGE'`)
  const imagesOf = Map.groupBy(uses, ({ container }) => container.toString())
  const sights = new Map<string, Sight>()
  for (const { container, path, kind, atNs, alertId } of seen)
    for (const { image } of imagesOf.get(container) ?? []) add(sights, { image, path, kind, first: atNs, last: atNs, alert: alertId })
  if (sights.size > 0) await writeSights(tx, [...sights.values()])
}

function add(sights: Map<string, Sight>, sight: Sight): void {
  const key = `${sight.image} ${sight.kind} ${sight.path}`
  const before = sights.get(key)
  if (before === undefined) sights.set(key, sight)
  else {
    if (sight.first < before.first) before.first = sight.first
    if (sight.last > before.last || (sight.last === before.last && sight.alert > before.alert)) {
      before.last = sight.last
      before.alert = sight.alert
    }
  }
}

async function writeSights(tx: Transaction, sights: readonly Sight[]): Promise<void> {
  const written = await tx.query(sql<{ image: bigint; is_new: boolean }>`with seen as materialized (
      select s.*, p.first_ns, p.last_ns from jsonb_to_recordset(${jsonText(sights)}::jsonb) as s(image bigint, path text, kind text, first bigint, last bigint, alert uuid)
        left join image_paths p on p.image_id = s.image and p.path = s.path and p.kind = s.kind),
    fresh as materialized (select image, path, kind, row_number() over (partition by image order by kind, path collate "C") as place from seen where last_ns is null),
    full_ones as (
      select f.* from fresh f join (select i.image, count(p.image_id) as held from (select distinct image from fresh) i left join image_paths p on p.image_id = i.image group by 1) h
        using (image) where f.place + h.held > ${mostPathsOfImage}),
    counted as (insert into image_paths_left_out as o (image_id, paths) select image, count(*) from full_ones group by 1
      on conflict (image_id) do update set paths = o.paths + excluded.paths)
    insert into image_paths as p (image_id, path, kind, first_ns, last_ns, alert_id)
      select image, path, kind, first, last, alert from seen s
      where not exists (select 1 from full_ones f where f.image = s.image and f.path = s.path and f.kind = s.kind)
        and (last_ns is null or last > last_ns + ${quarterHourNs} or first < first_ns) order by image, path collate "C", kind
    on conflict (image_id, path, kind) do update set first_ns = least(p.first_ns, excluded.first_ns),
      alert_id = case when excluded.last_ns > p.last_ns then excluded.alert_id else p.alert_id end, last_ns = greatest(p.last_ns, excluded.last_ns)
    returning image_id as image, (xmax = 0) as is_new`)
  await markUsersOf(
    tx,
    written.flatMap(({ image, is_new: isNew }) => (isNew ? [image] : [])),
  )
}
