/**
 * Prowler’s tables as a stream of JSON lines, a row each with its own text and line, so that they are read like its other reports.
 * A table whose quotes do not end is told of once, where it broke.
 */
import { pipeline, Readable } from 'node:stream'
import { type CsvError, type Info, parse } from 'csv-parse'

export type TableRow = { line: number; text: string; row?: Record<string, string>; error?: string }

const most = 32 * 1024 * 1024

/** `head`: the table’s first bytes, header included; `input` is all of it. */
export async function* rowsAsLines(input: AsyncIterable<Uint8Array>, head: string): AsyncIterable<Uint8Array> {
  const delimiter = (head.split('\n', 1)[0] ?? '').includes(';') ? ';' : ','
  const broken: CsvError[] = []
  const parser = parse({
    delimiter,
    bom: true,
    info: true,
    raw: true,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    max_record_size: most,
    // Thrown, it would take the rows with it that were read and not yet handed on.
    skip_records_with_error: true,
    on_skip: (error) => {
      if (error !== undefined) broken.push(error)
    },
  })
  const rows = pipeline(Readable.from(input), parser, () => {})
  let names: string[] | null = null
  let line = 1
  for await (const found of rows) {
    const { record, raw, info } = found as { record: string[]; raw: string; info: Info }
    if (names === null && !isHeader(record)) {
      yield lineOf({ line, text: raw, error: 'it is neither JSON nor a table of Prowler: the first line names no CHECK_ID or TITLE_TEXT' })
      return
    }
    if (names === null) names = record
    else yield lineOf(rowOf(names, record, raw, line))
    line = info.lines + 1
  }
  for (const { message } of broken) yield lineOf({ line, text: '', error: `the table cannot be read to its end: ${message.slice(0, 200)}` })
}

/** Of the tables of versions 3 to 5, or of version 2; compliance tables are others. */
export function isHeader(names: readonly string[]): boolean {
  const known = new Set(names.map((name) => name.replaceAll(/["\s]/g, '')))
  return (known.has('CHECK_ID') && known.has('STATUS_EXTENDED')) || (known.has('TITLE_TEXT') && known.has('CHECK_RESULT'))
}

function rowOf(names: readonly string[], record: readonly string[], text: string, line: number): TableRow {
  if (record.length !== names.length)
    return { line, text, error: `the row has ${record.length} columns, the table’s header ${names.length}` }
  return { line, text, row: Object.fromEntries(names.map((name, index) => [name, record[index] ?? ''])) }
}

const lineOf = (row: TableRow): Uint8Array => Buffer.from(`${JSON.stringify(row)}\n`)
