/** What an analyst did, in order: of an investigation, or of a thread of chat. Appended. */
import { sql } from 'kysely'
import type { AnalystStep, NewStep } from '../domain/analyst-step.ts'
import type { Queryable } from './database.ts'
import { escapeText, unescapeText } from './values.ts'

const longest = 2_000

/** A model asks several questions at once: whoever finds the number taken takes the next. */
export async function addStep(db: Queryable, about: string, step: NewStep, at: Date): Promise<AnalystStep> {
  const text = step.text.slice(0, longest)
  for (;;) {
    const [row] = await db.query(sql<{ number: number }>`insert into analyst_steps (about, number, at, kind, tool, text, bytes)
      select ${about}, coalesce(max(number), 0) + 1, ${at}, ${step.kind}, ${step.tool ?? null}, ${escapeText(text)}, ${step.bytes ?? null} from analyst_steps where about = ${about}
      on conflict (about, number) do nothing returning number`)
    if (row !== undefined) return { number: row.number, at, kind: step.kind, tool: step.tool ?? null, text, bytes: step.bytes ?? null }
  }
}

/** In order; those after `after` only. */
export async function stepsOf(db: Queryable, about: string, { after = 0, limit = 500 } = {}): Promise<AnalystStep[]> {
  const rows = await db.query(
    sql<AnalystStep>`select number, at, kind, tool, text, bytes from analyst_steps where about = ${about} and number > ${after} order by number limit ${limit}`,
  )
  return rows.map((row) => ({ ...row, text: unescapeText(row.text) }))
}

/** What somebody did something about since then: `mark` differs whenever something was added, or an investigation has ended. */
export async function recentSteps(db: Queryable, since: Date): Promise<{ about: string; mark: string }[]> {
  return db.query(sql<{ about: string; mark: string }>`select about::text, string_agg(mark, ' ' order by mark) as mark from (
      select about, max(number)::text as mark from analyst_steps where at >= ${since} group by about
      union all select id, state from deepenings where finished_at >= ${since} or started_at >= ${since}) m group by about`)
}
