/**
 * CISA’s list of vulnerabilities known to be exploited, as its JSON or its CSV: an advisory for each CVE.
 * Content key: the list, its version (of the CSV, which has none, the day it came) and the CVE; the same version again is the same advisory.
 */
import { z } from 'zod'
import { parse } from 'csv-parse'
import { pipeline, Readable } from 'node:stream'
import { InputError } from '../../domain/errors.ts'
import { formatEventTime, parseEventTime } from '../../domain/event-time.ts'
import type { Collector, Piece } from '../collector.ts'
import { aroundOf, splitReports } from '../report.ts'

const text = z.string().nullish()
const Entry = z.looseObject({
  cveID: z.string().regex(/^CVE-\d{4}-\d{4,}$/i, 'is no CVE'),
  vendorProject: text,
  product: text,
  vulnerabilityName: text,
  dateAdded: z.string().regex(/^\d{4}-\d{2}-\d{2}/, 'is no date'),
  shortDescription: text,
  requiredAction: text,
  dueDate: text,
  knownRansomwareCampaignUse: text,
})
type Entry = z.infer<typeof Entry>
const Catalog = z.looseObject({
  catalogVersion: text,
  dateReleased: text,
  count: z.number().nullish(),
  vulnerabilities: z.array(z.unknown()),
})
const around = aroundOf(Catalog)
const list = '$.vulnerabilities.*'
const columns = /^(?:\uFEFF)?"?cveID"?,"?vendorProject"?,/

export const kev: Collector<Entry | object> = {
  name: 'kev',
  title: 'CISA KEV',
  produces: ['advisory'],
  connect: `Once a day, where the internet can be reached, then wherever Falconer is:

\`\`\`sh
curl -fsSO https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json
falconer import known_exploited_vulnerabilities.json
curl --data-binary @known_exploited_vulnerabilities.json -H "Authorization: Bearer {{secret}}" {{url}}/ingest/kev
\`\`\``,
  detect: (sample) =>
    columns.test(sample) ||
    (/^\s*\{/.test(sample) && /"cveID"\s*:/.test(sample) && /"(?:catalogVersion|knownRansomwareCampaignUse)"\s*:/.test(sample)),
  raw: ({ end }) => (end === true ? Catalog : Entry),
  split,
  *normalise(raw, piece, source) {
    const { catalogVersion, dateReleased, count } = around(piece)
    const read = piece.report?.counts[list] ?? 0
    if (piece.end === true) {
      if (typeof count === 'number' && count !== read)
        throw new InputError(`the list says it has ${count} entries, and ${read} stand in it`)
      return
    }
    const entry = raw as Entry
    const released = parseEventTime(dateReleased ?? '') ?? parseEventTime(`${(catalogVersion ?? '').replaceAll('.', '-')}T00:00:00Z`)
    const snapshotNs = released !== undefined && released > 0n ? released : source.receivedNs
    const of = (value: string | null | undefined, longest: number): string | null =>
      !value ? null : value.length > longest ? `${value.slice(0, longest - 1)}…` : value
    yield {
      kind: 'advisory',
      advisory: {
        list: 'kev',
        cve: entry.cveID.toUpperCase(),
        snapshot: of(catalogVersion, 100) ?? formatEventTime(snapshotNs).slice(0, 10),
        snapshotNs,
        facts: {
          dateAdded: entry.dateAdded.slice(0, 10),
          dueDate: of(entry.dueDate, 10),
          ransomware: /^known$/i.test(entry.knownRansomwareCampaignUse ?? ''),
          action: of(entry.requiredAction, 2_000),
          name: of(entry.vulnerabilityName, 500),
          vendor: of(entry.vendorProject, 200),
          product: of(entry.product, 200),
          description: of(entry.shortDescription, 4_000),
        },
      },
    }
  },
}

async function* split(input: AsyncIterable<Uint8Array>): AsyncIterable<Piece> {
  const iterator = input[Symbol.asyncIterator]()
  let head = Buffer.alloc(0)
  for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
    head = Buffer.concat([head, next.value])
    if (head.length >= 64) break
  }
  async function* all(): AsyncIterable<Uint8Array> {
    yield head
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value
  }
  if (columns.test(head.toString())) yield* fromCsv(all())
  else yield* splitReports(all(), { lists: [list] })
}

/** Cells may hold line breaks. What is no table at all ends it: the rest cannot be told apart. */
async function* fromCsv(input: AsyncIterable<Uint8Array>): AsyncIterable<Piece> {
  const report = { value: { vulnerabilities: [] }, sha256: '', counts: {} }
  const table = parse({ bom: true, columns: true, relax_column_count: true, max_record_size: 1024 * 1024, info: true })
  // Not pipe(): what ends the input early must end this too.
  const rows = pipeline(Readable.from(input), table, () => {})
  let some = false
  try {
    for await (const { record, info } of rows as AsyncIterable<{ record: object; info: { lines: number } }>) {
      some = true
      yield { raw: record, bytes: Buffer.from(JSON.stringify(record)), at: `line ${info.lines}`, report }
    }
    // There always is: a table without any was cut off, or is another.
    if (!some) yield { raw: null, bytes: Buffer.alloc(0), at: 'table', report, error: 'not one vulnerability stands in it' }
  } catch (error) {
    if (error instanceof InputError) throw error
    yield {
      raw: null,
      bytes: Buffer.alloc(0),
      at: 'table',
      report,
      error: `not CSV: ${error instanceof Error ? error.message.slice(0, 200) : 'unreadable'}`,
    }
  }
}
