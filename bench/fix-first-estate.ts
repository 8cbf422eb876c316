/**
 * An estate’s findings by their numbers, written as intake would leave them: images of a few bases, each with packages of the system and of its
 * own; a Deployment for each image; lists of exploited flaws. Then all that follows is derived, as a server would.
 */
import { sql } from 'kysely'
import { systemClock } from '../domain/clock.ts'
import { deriveFixes } from '../graph/fix-first.ts'
import type { Database } from '../store/database.ts'
import { fixIdOf } from '../store/fix-marks.ts'

const perImage = 250
const ofSystem = 150

/** What a scanner says of a flaw beside its columns, of the size it usually has. */
const described = sql`jsonb_build_object('description', repeat('A flaw lets who can reach it write beyond a buffer. ', 8), 'remediation', null,
  'references', jsonb_build_array('https://advisories.example/' || i || '/' || n, 'https://tracker.example/' || n), 'properties', '{}'::jsonb,
  'cvss', jsonb_build_object('version', '3.1', 'score', (i + n) % 101 / 10.0, 'vector', null),
  'package', jsonb_build_object('name', case when n <= ${ofSystem} then 'lib-' || n % 60 else 'module-' || n % 30 end, 'version', '1.' || i % 9,
    'type', case when n <= ${ofSystem} then 'deb' else 'npm' end, 'fixedIn', case when n % 3 > 0 then jsonb_build_array('2.' || 10 + n % 5) else '[]'::jsonb end))`

/** Answers how long deriving all fixes took, in seconds, and how many there are. */
export async function fillFindings(
  db: Database,
  total: number,
  progress: (text: string) => void,
): Promise<{ seconds: number; fixes: number }> {
  const images = Math.ceil(total / perImage)
  const digest = sql`'sha256:' || rpad(lpad(to_hex(i), 8, '0'), 64, '0')`
  const scanned = sql`1790000000000000000 + i::bigint * 1000000000`
  await db.query(sql`insert into scans (scope, content_key, scanner, target_kind, target_scope, target_key, target_name, covers, observed_ns, ordered, received_at, ended_at, findings)
    select 'prod-' || i % 4, decode(lpad(to_hex(i), 64, '0'), 'hex'), 'trivy', 'image', 'global', ${digest}, 'registry.example/app-' || i || ':1', '{vulnerability}', ${scanned}, true, now(), now(), ${perImage}
    from generate_series(1, ${images}) i`)
  for (let from = 1; from <= images; from += 400) {
    const made = sql`select i, n, ('00000000-' || lpad(to_hex(i >> 16), 4, '0') || '-' || lpad(to_hex(i & 65535), 4, '0') || '-0000-' || lpad(to_hex(n), 12, '0'))::uuid as id
      from generate_series(${from}::integer, ${Math.min(from + 399, images)}::integer) i cross join generate_series(1, ${perImage}) n`
    await db.query(sql`insert into findings (id, finding_key, scope, class, check_id, aliases, title, severity, status, status_ns, resource_kind, resource_key, resource_name, package_key, package_name, first_ns, last_ns, created_at)
      select id, decode(lpad(to_hex(i), 32, '0') || lpad(to_hex(n), 32, '0'), 'hex'), 'global', 'vulnerability', 'CVE-' || 2015 + (i * 7 + n) % 11 || '-' || 10000 + (i % 40 * 31 + n * 17) % 20000, '{}',
        'a flaw of a kind', 1 + (i + n) % 5, 'open', ${scanned}, 'image', ${digest}, 'registry.example/app-' || i || ':1',
        case when n <= ${ofSystem} then 'pkg:deb/debian/lib-' || n % 60 || '@1.' || i % 9 else 'pkg:npm/module-' || n % 30 || '@2.' || n % 7 end,
        case when n <= ${ofSystem} then 'lib-' || n % 60 else 'module-' || n % 30 end, ${scanned}, ${scanned}, now() from (${made}) m`)
    await db.query(sql`insert into finding_witnesses (finding_id, scanner, scope, target_kind, target_key, first_ns, last_ns, last_scan, last_key, outcome, severity, title, paths, base, distribution, fixed_in, cvss, data, raw)
      select m.id, 'trivy', s.scope, 'image', s.target_key, s.observed_ns, s.observed_ns, s.id, s.content_key, 0, 1 + (i + n) % 5, 'a flaw of a kind', '{}',
        case when n <= ${ofSystem} then 'sha256:base-' || i % 40 end, case when n <= ${ofSystem} then 'debian 12.' || i % 40 end,
        case when n % 3 > 0 then array['2.' || 10 + n % 5] else '{}' end, (i + n) % 101 / 10.0, ${described}, '' from (${made}) m join scans s on s.content_key = decode(lpad(to_hex(i), 64, '0'), 'hex')`)
    if (from % 2_000 === 1) progress(`${(from * perImage).toLocaleString('en')} of ${total.toLocaleString('en')} findings`)
  }
  await db.query(sql`update findings f set fix_id = ${fixIdOf(sql`(select min(base) from finding_witnesses w where w.finding_id = f.id)`)}`)
  await db.query(
    sql`insert into advisory_snapshots values ('kev', '2026-11-20', 1790000000000000000), ('epss', '2026-11-20', 1790000000000000000)`,
  )
  await db.query(sql`insert into advisories (list, cve, snapshot, snapshot_ns, facts) select 'epss', check_id, '2026-11-20', 1790000000000000000,
      jsonb_build_object('score', (hashtext(check_id) & 65535) / 65536.0) from (select distinct check_id from findings) c`)
  await db.query(sql`insert into advisories (list, cve, snapshot, snapshot_ns, facts) select 'kev', check_id, '2026-11-20', 1790000000000000000, '{}'::jsonb
      from (select distinct check_id from findings) c where hashtext(check_id) & 127 = 1`)
  await fillPlaces(db, images)
  await db.query(sql`insert into fix_marks (fix_id) select distinct fix_id from findings`)
  for (const table of ['findings', 'finding_witnesses', 'advisories', 'risk_places', 'risk_place_images'])
    await db.query(sql`analyze ${sql.table(table)}`)
  const from = performance.now()
  let derived = 0
  for (let more = true; more;) {
    const round = await deriveFixes(db, systemClock, 2_000)
    derived += round.derived
    more = round.more
    progress(`${derived.toLocaleString('en')} fixes derived`)
  }
  const seconds = (performance.now() - from) / 1_000
  for (const table of ['fixes', 'fix_places', 'fix_resources']) await db.query(sql`analyze ${sql.table(table)}`)
  return { seconds, fixes: derived }
}

/** A Deployment runs each image; every hundredth is on a live incident’s path. */
async function fillPlaces(db: Database, images: number): Promise<void> {
  await db.query(sql`insert into entities (scope, kind, key, name, namespace, properties, origin, first_ns, last_ns, valid_from_ns)
    select 'prod-' || i % 4, 'workload', 'w-' || i, 'app-' || i, 'ns-' || i % 50, '{}'::jsonb, 'inventory', 1, 1, 1 from generate_series(1, ${images}) i`)
  await db.query(sql`insert into risk_places (id, scope, namespace, unit, title, facts, reach)
    select id, scope, namespace, 'namespace/' || namespace, 'Deployment ' || namespace || '/' || name,
      jsonb_strip_nulls(jsonb_build_object('exposure', case id % 5 when 0 then 'internet' when 1 then 'cluster' end, 'privilege', case when id % 20 = 0 then 'host' end)), id % 50
    from entities where kind = 'workload' and scope like 'prod-%'`)
  await db.query(sql`insert into risk_place_images (place_id, scope, key, by_name) select id, 'global', 'sha256:' || rpad(lpad(to_hex(substr(key, 3)::integer), 8, '0'), 64, '0'), false
    from entities where kind = 'workload' and scope like 'prod-%'`)
  await db.query(sql`insert into risk_place_members (member_id, place_id) select id, id from risk_places`)
  await db.query(sql`insert into incidents (id, scope, title, state, severity, severity_floor, severity_reasons, correlation_version, alert_count, first_ns, last_ns, tactics, techniques, rules, entity_ids, revision, created_at, updated_at)
    select ('10000000-0000-0000-0000-' || lpad(to_hex(id), 12, '0'))::uuid, scope, 'a shell', 'open', 4, 1, '[]', '1', 1, 1, 1, '{TA0002}', '{}', '{}', '{}', 1, now(), now() from risk_places where id % 100 = 0`)
  await db.query(
    sql`insert into incident_places (incident_id, kind, entity_id) select ('10000000-0000-0000-0000-' || lpad(to_hex(id), 12, '0'))::uuid, 'workload', id from risk_places where id % 100 = 0`,
  )
}
