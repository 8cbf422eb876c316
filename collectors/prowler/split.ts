/** Takes Prowler’s reports apart: lists and lines of JSON, and tables. A report without a single byte is a report without findings. */
import type { Piece } from '../collector.ts'
import { splitReports } from '../report.ts'
import { surveyed } from '../survey.ts'
import { lookedAt } from './finding.ts'
import { rowsAsLines, type TableRow } from './table.ts'

const layout = { lists: ['$.*'], documentsAreElements: true }
const enough = 65_536

export const split = (input: AsyncIterable<Uint8Array>): AsyncIterable<Piece> => surveyed(parts(input), lookedAt)

async function* parts(input: AsyncIterable<Uint8Array>): AsyncIterable<Piece> {
  const { head, all } = await headOf(input)
  if (/^\s*([[{]|$)/.test(head)) yield* splitReports(all, layout)
  else for await (const piece of splitReports(rowsAsLines(all, head), layout)) yield piece.end === true ? piece : rowPiece(piece)
}

function rowPiece(piece: Piece): Piece {
  if (piece.error !== undefined) return piece
  const { line, text, row, error } = piece.raw as TableRow
  const bytes = Buffer.from(text)
  return { ...piece, raw: row ?? null, at: `line ${line}`, bytes, ...(error === undefined ? {} : { error }) }
}

/** As much of the beginning as holds the first line that says something, and the whole input. */
async function headOf(input: AsyncIterable<Uint8Array>): Promise<{ head: string; all: AsyncIterable<Uint8Array> }> {
  const iterator = input[Symbol.asyncIterator]()
  const held: Uint8Array[] = []
  let head = ''
  while (head.length < enough && !/^\s*[[{]/.test(head) && !head.trimStart().includes('\n')) {
    const next = await iterator.next()
    if (next.done === true) break
    held.push(next.value)
    head = Buffer.concat(held)
      .toString()
      .replace(/^\ufeff/, '')
  }
  async function* all(): AsyncIterable<Uint8Array> {
    yield* held.splice(0)
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value
  }
  return { head, all: all() }
}
