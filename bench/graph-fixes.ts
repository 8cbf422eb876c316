/** What to fix first, of so many findings: fixes as they are derived of them, about twelve findings each. Asked for, they are only read. */
import { sql } from 'kysely'
import type { Database } from '../store/database.ts'
import { listFixes } from '../store/fixes.ts'
import { drawn, scope } from './graph-layout.ts'
import type { Question } from './graph-questions.ts'

const perFix = 12

export async function fixFirst(db: Database, findings: number): Promise<Question> {
  const fixes = Math.ceil(findings / perFix)
  await db.query(
    sql.raw(`insert into fixes (id, kind, title, score, tie, level, findings, suppressed, fixable, steps, resources, places, live_places, oldest_ns, newest_ns, within,
      details, derived_at)
    select md5('fix' || i)::uuid, (array['base_image', 'package', 'setting'])[1 + i % 3], 'Change what is numbered ' || i, ${drawn('i', 61, 10_000)} / 100.0,
      ${drawn('i', 62, 100)} / 10.0, 3, ${perFix}, 0, 6, 0, 3, 2, 0, 0, 0, array['${scope}', '${scope}/ns-' || i % 400],
      jsonb_build_object('reasons', (select jsonb_agg(jsonb_build_object('code', 'kev', 'text', 'a flaw that is exploited, of number ' || i || ' ' || r, 'factor', 1)) from generate_series(1, 6) r),
        'best', '[]'::jsonb, 'places', '[]'::jsonb, 'resources', '[]'::jsonb, 'incidents', '[]'::jsonb, 'version', null, 'steps', '[]'::jsonb), now()
    from generate_series(1, ${fixes}) i`),
  )
  await db.query(sql`create table baseline.fixes as select id, title, score, findings from fixes`)
  await db.query(sql`create index on baseline.fixes (score desc)`)
  await db.query(sql`vacuum analyze fixes`)
  await db.query(sql`vacuum analyze baseline.fixes`)
  const filters = [{}, { scope }, { scope, namespace: 'ns-7' }]
  return {
    what: `what to fix first, over ${findings.toLocaleString('en')} findings`,
    ours: (place) => listFixes(db, filters[place % filters.length] ?? {}, { limit: 50 }),
    baseline: { what: '50 plain rows by their score', ask: () => db.query(sql`select * from baseline.fixes order by score desc limit 50`) },
  }
}
