/**
 * What scanners know of images that run somewhere: of each the few flaws that can be reached over the network and are easiest to exploit (known to be
 * exploited, then how probable that is, then CVSS). An image that nobody has looked at is not in the answer; one without such a flaw has none.
 */
import { type RawBuilder, sql } from 'kysely'
import type { Queryable } from './database.ts'
import { keysOfImages } from './image-keys.ts'
import { escapeText, unescapeDeep, unescapeText } from './values.ts'

export type ImageWeakness = {
  finding: string
  check: string
  package: string | null
  kev: boolean
  epss: number | null
  cvss: number | null
  fixedIn: string[]
}

/** By the image’s key: a digest, or in this scope a reference. */
export async function weaknessesOfImages(
  db: Queryable,
  scope: string,
  keys: readonly string[],
  most: number,
): Promise<Map<string, ImageWeakness[]>> {
  if (keys.length === 0) return new Map()
  const known = knownKeys(keys)
  const looked = await db.query(sql<{ image: string }>`with ${known} select distinct k.image from known k
    join scans s on s.target_kind = 'image' and s.target_key = k.key and (s.target_scope = 'global' or s.scope = ${escapeText(scope)})
    where s.ended_at is not null and s.failed is null and s.findings > 0 and 'vulnerability' = any(s.covers)`)
  const found = new Map(looked.map(({ image }): [string, ImageWeakness[]] => [unescapeText(image), []]))
  if (found.size === 0) return found
  for (const { image, ...weakness } of await easiest(db, scope, known, most)) found.get(unescapeText(image))?.push(unescapeDeep(weakness))
  return found
}

/** The keys asked for, and one step of aliases around them, each with the key asked for. */
const knownKeys = (keys: readonly string[]): RawBuilder<unknown> => sql`named as (select unnest(${keys.map(escapeText)}::text[]) as key),
  known(image, key) as materialized (${keysOfImages(sql`named`, { beside: sql`i.key`, anyScope: true })})`

/** Over the network: its CVSS vector says so, or no vector is known and it is severe. */
const easiest = (db: Queryable, scope: string, known: RawBuilder<unknown>, most: number): Promise<(ImageWeakness & { image: string })[]> =>
  db.query(sql<ImageWeakness & { image: string }>`with ${known},
    flaws as (select distinct k.image, f.id, f.check_id, f.aliases, f.package_name, said.cvss, said.fixed_in
      from known k join findings f on f.resource_kind = 'image' and f.resource_key = k.key and f.scope in ('global', ${escapeText(scope)})
        cross join lateral (select max((w.data->'cvss'->>'score')::float8) as cvss, bool_or(w.data->'cvss'->>'vector' like '%AV:N%') as network,
            (array_agg(w.data->'package'->'fixedIn' order by jsonb_array_length(coalesce(w.data->'package'->'fixedIn', '[]')) desc, w.scanner))[1] as fixed_in
          from finding_witnesses w where w.finding_id = f.id) said
      where f.class = 'vulnerability' and f.status = 'open' and (said.network or said.network is null and f.severity >= 4)),
    known_of as (select f.*, exists (select 1 from advisories a where a.list = 'kev' and a.cve = any(f.aliases || f.check_id)) as kev,
        (select (a.facts->>'score')::float8 from advisories a where a.list = 'epss' and a.cve = any(f.aliases || f.check_id)
          order by a.snapshot_ns desc, a.snapshot desc, 1 desc limit 1) as epss from flaws f),
    ranked as (select *, row_number() over (partition by image order by kev desc, epss desc nulls last, cvss desc nulls last, check_id, package_name, id) as place
      from known_of)
    select image, id::text as finding, check_id as check, package_name as package, kev, epss, cvss, coalesce(fixed_in, '[]') as "fixedIn"
    from ranked where place <= ${most} order by image, place`)
