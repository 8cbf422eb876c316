/**
 * EPSS, FIRST’s daily probabilities that a CVE is exploited within 30 days: its CSV, unpacked, line by line.
 * Content key: the list, its score date (without the comment line that says it: the day it came) and the CVE; the same day again is the same advisory.
 */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { formatEventTime, parseEventTime } from '../../domain/event-time.ts'
import type { Collector, Piece, Report } from '../collector.ts'
import { aroundOf } from '../report.ts'

const probability = z.number().min(0).max(1)
const Score = z.object({ cve: z.string().regex(/^CVE-\d{4}-\d{4,}$/i, 'is no CVE'), epss: probability, percentile: probability.nullable() })
type Score = z.infer<typeof Score>
const around = aroundOf(z.object({ model: z.string().nullable(), date: z.string().nullable() }))
const longestLine = 4_096

export const epss: Collector<Score> = {
  name: 'epss',
  title: 'EPSS scores',
  produces: ['advisory'],
  connect: `Once a day, where the internet can be reached, then wherever Falconer is; it stays packed:

\`\`\`sh
curl -fsSLO https://epss.empiricalsecurity.com/epss_scores-current.csv.gz
falconer import epss_scores-current.csv.gz
curl --data-binary @epss_scores-current.csv.gz -H "Authorization: Bearer {{secret}}" {{url}}/ingest/epss
\`\`\``,
  detect: (sample) => /^(?:\uFEFF)?(?:#[^\n]*\n)?"?cve"?,"?epss"?\b/i.test(sample),
  raw: Score,
  split,
  *normalise(score, piece, source) {
    const { model, date } = around(piece)
    const dated = parseEventTime((date ?? '').length === 10 ? `${date}T00:00:00Z` : (date ?? ''))
    const snapshotNs = dated !== undefined && dated > 0n ? dated : source.receivedNs
    yield {
      kind: 'advisory',
      advisory: {
        list: 'epss',
        cve: score.cve.toUpperCase(),
        snapshot: formatEventTime(snapshotNs).slice(0, 10),
        snapshotNs,
        facts: { score: score.epss, percentile: score.percentile, ...(model === null ? {} : { model }) },
      },
    }
  },
}

/** `#model_version:v2026.01.01,score_date:2026-11-24T00:00:00+0000`, then the names of the columns, then a line for each CVE. */
async function* split(input: AsyncIterable<Uint8Array>): AsyncIterable<Piece> {
  const report: Report = { value: { model: null, date: null }, sha256: '', counts: {} }
  let columns: string[] | null = null
  let number = 0
  let rows = 0
  for await (const bytes of lines(input)) {
    number += 1
    const line = bytes
      .toString()
      .replace(/^\uFEFF/, '')
      .trim()
    const at = `line ${number}`
    if (line === '') continue
    if (line.startsWith('#') && columns === null) {
      report.value = headerOf(line)
      report.sha256 = createHash('sha256').update(line).digest('hex')
    } else if (columns === null) {
      columns = cells(line).map((name) => name.toLowerCase())
      if (!columns.includes('cve') || !columns.includes('epss'))
        yield {
          raw: null,
          bytes: bytes.subarray(0, longestLine),
          at,
          report,
          error: 'it names no columns “cve” and “epss”: no list of EPSS',
        }
    } else {
      rows += 1
      yield lineOf(line, columns, { bytes, at, report })
    }
  }
  // There is always a score: a list without any was cut off, or is another.
  if (rows === 0) yield { raw: null, bytes: Buffer.alloc(0), at: `line ${number}`, report, error: 'not one score stands in it' }
}

function lineOf(line: string, columns: readonly string[], place: Pick<Piece, 'bytes' | 'at' | 'report'>): Piece {
  if (place.bytes.length > longestLine)
    return { raw: null, ...place, bytes: place.bytes.subarray(0, longestLine), error: 'the line is longer than any of this list' }
  const values = cells(line)
  if (values.length !== columns.length)
    return { raw: null, ...place, error: `it has ${values.length} values for ${columns.length} columns` }
  const value = (name: string): string | undefined => values[columns.indexOf(name)]
  const number = (name: string): number | null => {
    const given = value(name)
    return given === undefined || given === '' ? null : Number(given)
  }
  return { raw: { cve: value('cve'), epss: number('epss'), percentile: number('percentile') }, ...place }
}

const cells = (line: string): string[] => line.split(',').map((cell) => cell.trim().replace(/^"(.*)"$/, '$1'))

function headerOf(line: string): { model: string | null; date: string | null } {
  const said = (name: string): string | null => new RegExp(`${name}:([^,\\s]{1,100})`).exec(line)?.[1] ?? null
  return { model: said('model_version'), date: said('score_date') }
}

/** A line that does not end is kept up to its limit, and its rest passed over. */
async function* lines(input: AsyncIterable<Uint8Array>): AsyncIterable<Buffer> {
  let held = Buffer.alloc(0)
  for await (const chunk of input) {
    let from = 0
    for (let at = chunk.indexOf(0x0a); at !== -1; at = chunk.indexOf(0x0a, from)) {
      yield Buffer.concat([held, chunk.subarray(from, at)])
      held = Buffer.alloc(0)
      from = at + 1
    }
    if (held.length <= longestLine) held = Buffer.concat([held, chunk.subarray(from)])
  }
  if (held.length > 0) yield held
}
