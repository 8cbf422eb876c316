/** Incidents as something to learn from: what they were, what people said of them and what the last report told. Only those that somebody looked at. */
import { sql } from 'kysely'
import type { Report } from '../domain/report.ts'
import type { Queryable } from './database.ts'
import { unescapeDeep, unescapeText } from './values.ts'

export type PastIncident = {
  id: string
  title: string
  rules: string[]
  techniques: string[]
  /** Verdicts and notes of people, oldest first. */ said: { kind: 'verdict' | 'note'; text: string; reason: string }[]
  report: Pick<Report, 'verdict' | 'summary' | 'rootCause'> | null
}

/** Those on which somebody decided, or an investigation ended, since then; the latest first. */
export async function lookedAtSince(db: Queryable, since: Date, limit: number): Promise<string[]> {
  const rows = await db.query(sql<{ id: string }>`select coalesce(i.merged_into, i.id)::text as id from (
      select incident_id, at from incident_decisions where at >= ${since} and decision->>'kind' in ('verdict', 'note', 'merge')
      union all select incident_id, finished_at from investigations where finished_at >= ${since} and status = 'done') d
    join incidents i on i.id = d.incident_id group by 1 order by max(d.at) desc, 1 limit ${limit}`)
  return rows.map(({ id }) => id)
}

export async function pastIncidents(db: Queryable, ids: readonly string[]): Promise<PastIncident[]> {
  type Row = {
    id: string
    title: string
    rules: string[]
    techniques: string[]
    said: { kind: 'verdict' | 'note'; text: string; reason: string }[]
    report: Report | null
  }
  const rows = await db.query(sql<Row>`select i.id::text, i.title, i.rules, i.techniques,
      coalesce((select jsonb_agg(jsonb_build_object('kind', d.decision->>'kind', 'text', coalesce(d.decision->>'verdict', d.decision->>'text'), 'reason', d.reason) order by d.at, d.id)
        from incident_decisions d where d.decision->>'kind' in ('verdict', 'note')
          and d.incident_id in (select id from incidents where id = i.id or merged_into = i.id)), '[]') as said,
      (select report from investigations v where v.incident_id = i.id and v.status = 'done' order by v.started_at desc, v.id desc limit 1) as report
    from incidents i where i.id = any(${[...ids]}::uuid[]) and i.merged_into is null order by i.id`)
  return rows.map((row) => ({
    id: row.id,
    title: unescapeText(row.title),
    rules: row.rules.map(unescapeText),
    techniques: row.techniques,
    said: unescapeDeep(row.said),
    report:
      row.report === null
        ? null
        : unescapeDeep({ verdict: row.report.verdict, summary: row.report.summary, rootCause: row.report.rootCause ?? [] }),
  }))
}
