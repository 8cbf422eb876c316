import { z } from 'zod'
import { InputError } from '../../domain/errors.ts'
import { visible } from '../../domain/untrusted.ts'
import { askLimits, askRecords } from '../../store/ask.ts'
import { longestStatement } from '../../store/ask-statement.ts'
import { askViews } from '../../store/ask-views.ts'
import { fitting, listBudget, More, moreText } from '../page.ts'
import { Quoted, quote } from '../quoted.ts'
import { tool } from '../tool.ts'

const names = askViews.map(({ name }) => name)

/** What no other tool counts or joins: a SELECT over documented views. */
export const queryRecordsTool = tool({
  name: 'query_records',
  toolset: 'graph',
  title: 'Query records with SQL',
  description: `One read-only SELECT (Postgres) over the views ${names.join(', ')}: for counts and joins that no other tool answers. Not for single records (get_alert, get_finding) nor for words in alerts (search): command lines and sensors' sentences are not here. First ask {"describe":["alerts"]} for columns. At most ${askLimits.rows} rows and ${askLimits.timeMs / 1_000} s; times by index: event_ns > ns(now() - interval '1 day'). Needs a Postgres server. Example: {"sql":"select rule, count(*) from alerts where event_ns > ns(now() - interval '1 day') group by rule order by 2 desc"}`,
  input: z.object({
    sql: z.string().max(longestStatement).optional().describe('SELECT … or WITH … SELECT …'),
    describe: z
      .array(z.enum(names as [string, ...string[]]))
      .max(names.length)
      .optional()
      .describe('Columns of these views, instead of a query'),
    limit: z.number().int().min(1).max(askLimits.rows).default(50).describe('At most so many rows'),
  }),
  output: z.object({
    columns: z.array(z.string()),
    rows: z
      .array(z.array(z.union([Quoted, z.number(), z.boolean(), z.null(), z.string()])))
      .describe('Values in the order of columns; 64-bit numbers, ids and times as plain strings'),
    views: z.array(z.object({ name: z.string(), about: z.string(), columns: z.record(z.string(), z.string()) })),
    more: More,
  }),
  access: 'read',
  permission: 'graph.read',
  // Its views are of these too.
  also: ['incidents', 'alerts', 'posture'],
  listed: false,
  run: async ({ sql: statement, describe, limit }, { db, signal }) => {
    if (describe !== undefined) return { columns: [], rows: [], views: described(describe), more: null }
    if (statement === undefined) throw new InputError('Give sql, or describe with names of views.')
    const answer = await askRecords(db, statement, { rows: limit, signal })
    if ('refused' in answer)
      throw new InputError(`The statement was not answered: ${quote(answer.refused, 400)}. {"describe":["${names[0]}"]} tells columns.`)
    const columns = Object.keys(answer.rows[0] ?? {})
    const rows = fitting(answer.rows.map((row) => columns.map((column) => shown(row[column]))))
    const left = answer.rows.length - rows.length
    return {
      columns: columns.map((column) => visible(column, 63)),
      rows,
      views: [],
      more:
        left > 0
          ? moreText(answer.cut === null ? left : null, fewerBytes)
          : answer.cut === null
            ? null
            : moreText(null, narrower[answer.cut]),
    }
  },
})

const described = (chosen: readonly string[]) =>
  askViews
    .filter(({ name }) => chosen.includes(name))
    .map(({ name, about, columns }) => ({
      name,
      about,
      columns: Object.fromEntries(columns.map(([column, , meaning]) => [column, meaning])),
    }))

const fewerBytes = `an answer has ${listBudget} bytes: select fewer columns or shorter ones, or count`
const narrower = { rows: 'count or group them, narrow the condition, or raise limit', bytes: fewerBytes } as const

const plain = /^(?:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:[+-]\d\d(?::\d\d)?)?)?)$/

/** Ids, times and numbers as they are; every other text may be an attacker's. */
function shown(value: unknown): string | number | boolean | null {
  if (value === null || value === undefined) return null
  if (typeof value === 'bigint') return String(value)
  if (typeof value === 'number' || typeof value === 'boolean') return value
  if (typeof value === 'string') return plain.test(value) ? value : quote(value, 200)
  return quote(
    JSON.stringify(value, (_key, inner: unknown) => (typeof inner === 'bigint' ? String(inner) : inner)),
    400,
  )
}
