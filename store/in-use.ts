/**
 * Whether vulnerable packages of images are in use: paths that scanners attribute to a package, joined with paths that alerts showed run or opened in
 * the image. A package manager’s database, a lock file or a package’s own description is where a scanner reads of it, and no evidence of its use.
 */
import { type RawBuilder, sql } from 'kysely'
import type { InUse } from '../domain/in-use.ts'
import type { Queryable } from './database.ts'
import { keysOfImages } from './image-keys.ts'
import { unescapeText } from './values.ts'

type Row = {
  finding: string
  image: bigint | null
  package: string
  path: string | null
  kind: 'exec' | 'open'
  alert_id: string
  at: bigint
  watched: bigint | null
}
export type PackageUse = { image: bigint; package: string; use: InUse }

/** Of these findings, by id; a finding that is not of a package in an image has no answer. One statement. */
export async function inUse(db: Queryable, { findings }: { findings: readonly string[] }): Promise<Map<string, InUse>> {
  if (findings.length === 0) return new Map()
  const rows = await answers(db, sql`findings f where f.id = any(${findings}::uuid[])`)
  return new Map(rows.map((row) => [row.finding, useFrom(row)]))
}

/** Of every package with a finding in these images (row ids of entities), by image and package key. One statement. */
export async function packagesInUse(db: Queryable, images: readonly bigint[]): Promise<PackageUse[]> {
  if (images.length === 0) return []
  const rows = await answers(
    db,
    sql`(${namesOf(sql`select id as image, scope, key from entities where kind = 'image' and id = any(${images.map(String)}::bigint[])`)}) n
      join findings f on f.scope = n.scope and f.resource_kind = 'image' and f.resource_key = n.name where true`,
    sql`n.image`,
  )
  const found = new Map<string, PackageUse>()
  for (const row of rows) {
    const one = { image: row.image ?? 0n, package: unescapeText(row.package), use: useFrom(row) }
    const key = `${one.image} ${one.package}`
    // Of one package the witnesses of one finding may know a path that those of another do not.
    if (found.get(key)?.use.inUse !== true) found.set(key, one)
  }
  return [...found.values()]
}

/** That finding `f` is of a package in use: for conditions of a list. Begins at the images that anything was seen in, which are few. */
export const isInUse = (): RawBuilder<unknown> => sql`f.id in (
  with ${steps(
    sql`(${namesOf(sql`select id as image, scope, key from entities where id in (select image_id from image_paths)`)}) n
      join findings f on f.scope = n.scope and f.resource_kind = 'image' and f.resource_key = n.name where true`,
    sql`n.image`,
  )} select finding from used)`

async function answers(db: Queryable, findings: RawBuilder<unknown>, image: RawBuilder<unknown> = sql`null::bigint`): Promise<Row[]> {
  return db.query(sql<Row>`with ${steps(findings, image)}, watched as (
      select i.scope, i.key, min(greatest(s.since, c.valid_from_ns)) as since from images i
        join relations r on r.dst = i.image and r.type = 'USES_IMAGE' join entities c on c.id = r.src and c.kind = 'container'
        join (${watchedSince}) s on s.scope = c.scope where c.deleted_ns is null or c.deleted_ns >= s.since group by 1, 2)
    select a.finding::text, a.image, a.package, u.path, u.kind, u.alert_id::text, u.last_ns as at, w.since as watched
    from asked a left join used u using (finding) left join watched w on w.scope = a.scope and w.key = a.key order by a.finding`)
}

/** Since when a sensor of system calls reports from each scope: its first alert; of one that had nothing to alert of yet, when it was last heard. */
const watchedSince = sql`select scope, coalesce(min(at) filter (where alerted), min(at)) as since from (
    select scope, runtime_ns as at, true as alerted from watched_days where runtime_ns is not null
    union all select scope, (extract(epoch from last_seen_at) * 1000)::bigint * 1000000, false from sources where collector = 'falco' and last_seen_at is not null) heard
  group by scope`

/** Of images (image, scope, key): every name each goes by. */
const namesOf = (images: RawBuilder<unknown>): RawBuilder<unknown> =>
  keysOfImages(sql`(${images})`, { beside: sql`i.image, i.scope, i.key` })

/** `asked`: the findings; `used`: of those whose package was seen in use, the newest sight. */
function steps(findings: RawBuilder<unknown>, image: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`asked as materialized (
      select f.id as finding, f.scope, f.resource_key as key, f.package_key as package, ${image} as image
      from ${findings} and f.resource_kind = 'image' and f.package_key is not null),
    images as materialized (
      select distinct n.scope, n.key, e.id as image from (${namesOf(sql`select distinct null::bigint as image, scope, key from asked`)}) n
        join entities e on e.scope = n.scope and e.kind = 'image' and e.key = n.name),
    sighted as materialized (select * from images i where exists (select 1 from image_paths p where p.image_id = i.image)),
    told as materialized (
      select a.finding, unnest(w.paths) as path from asked a join finding_witnesses w on w.finding_id = a.finding
        where exists (select 1 from sighted i where i.scope = a.scope and i.key = a.key)
      union select a.finding, jsonb_array_elements_text(r.properties->'paths') from asked a join sighted s on s.scope = a.scope and s.key = a.key
        join images i on i.scope = a.scope and i.key = a.key join entities p on p.scope = 'global' and p.kind = 'package' and p.key = a.package
        join relations r on r.src = i.image and r.type = 'HAS_PACKAGE' and r.dst = p.id where jsonb_typeof(r.properties->'paths') = 'array'),
    whole as materialized (
      select told, regexp_replace('/' || regexp_replace(told, '^[.]/', ''), '/+', '/', 'g') as path from (select distinct path as told from told) paths),
    places as materialized (
      select told, path collate "C" as path, ${directoryOf(sql`path`)} collate "C" as directory from whole where path !~ ${noEvidence}),
    used as materialized (
      select distinct on (a.finding) a.finding, s.* from places t join told o on o.path = t.told join asked a using (finding) join sighted i on i.scope = a.scope and i.key = a.key
        cross join lateral (
          select p.path, p.kind, p.alert_id, p.last_ns from image_paths p where p.image_id = i.image and p.path = t.path
          union all select p.path, p.kind, p.alert_id, p.last_ns from image_paths p where p.image_id = i.image
            and p.path > t.directory and p.path < rtrim(t.directory, '/') || '0' and position('/node_modules/' in substr(p.path, length(t.directory))) = 0) s
      order by a.finding, s.last_ns desc, s.path, s.kind)`
}

/** The directory that is the package’s own, with "/" at its end; null where the scanner names a file that is the package, or says no more. */
const directoryOf = (path: RawBuilder<unknown>): RawBuilder<unknown> => sql`case
  when ${path} ~ '/node_modules/(@[^/]+/)?[^/]+/package[.]json$' then regexp_replace(${path}, 'package[.]json$', '')
  when ${path} ~ '/specifications/(default/)?[^/]+[.]gemspec$' then regexp_replace(${path}, '/specifications/(?:default/)?([^/]+)[.]gemspec$', '/gems/\\1/')
  when ${path} ~ '/gems/[^/]+/[^/]+[.]gemspec$' then regexp_replace(${path}, '[^/]+$', '') end`

/** Databases of package managers, lock files, and what describes a Python package: read by whoever lists packages, not by whoever uses one. */
const noEvidence =
  '^/(var/lib/(dpkg|rpm|pacman|opkg)|(usr/)?lib/apk|usr/lib/(sysimage|rpm|opkg)|usr/share/(doc|licenses))/' +
  '|/(package-lock[.]json|npm-shrinkwrap[.]json|yarn[.]lock|pnpm-lock[.]yaml|requirements[^/]*[.]txt|Pipfile([.]lock)?|(poetry|uv)[.]lock|go[.](mod|sum)' +
  '|Gemfile([.]lock)?|composer[.](json|lock)|installed[.]json|Cargo[.](toml|lock)|pom[.]xml|gradle[.]lockfile|packages[.]lock[.]json|[^/]*[.]deps[.]json)$' +
  '|[.](dist|egg)-info(/|$)'

const useFrom = (row: Row): InUse =>
  row.path === null
    ? { inUse: null, notObservedSinceNs: row.watched }
    : { inUse: true, path: unescapeText(row.path), kind: row.kind, alertId: row.alert_id, atNs: row.at }
