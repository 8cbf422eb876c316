/** What commands print: JSON as the API gave it, or a table for people. Text that others wrote cannot move the cursor. */
import { redact } from '../../domain/redact.ts'
import { visible } from '../../domain/untrusted.ts'

export const print = (text: string): void => {
  process.stdout.write(`${text}\n`)
}
/** Progress and remarks: stderr, so that output stays clean for pipes. */
export const remark = (text: string): void => {
  process.stderr.write(`${text}\n`)
}
export const safe = (text: string, limit = 120): string => visible(redact(text), limit)

/** Columns padded to their widest cell; the last one is not padded. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '(none)'
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)))
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (column === cells.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd()
  return [line(head.map((title) => title.toUpperCase())), ...rows.map(line)].join('\n')
}

/** To the second, UTC. */
export const shortTime = (iso: string | null): string => (iso === null ? 'never' : `${iso.slice(0, 10)} ${iso.slice(11, 19)}`)

/** Our own Markdown on a terminal: fences and code marks gone, so that what stands between them can be copied as it is. */
export const plainMarkdown = (markdown: string): string =>
  markdown
    .split('\n')
    .filter((line) => !line.startsWith('```'))
    .map((line) => line.replace(/`([^`]*)`/g, '$1'))
    .join('\n')

/** As a baseline names it: '' none was named, '*' one of too many to be told apart. */
export const processName = (process: string, most = 80): string =>
  process === '' ? 'not named' : process === '*' ? 'one of many' : safe(process, most)
