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

/** For people at a terminal: no line is longer than it is wide, unless by one word, so that addresses can be copied. As it is where it goes elsewhere. */
export const printWrapped = (text: string): void =>
  print(process.stdout.isTTY === true ? wrapped(text, Math.min(process.stdout.columns || 80, widest)) : text)
/** Longer lines are hard to read. */
const widest = 110

/** Broken between words; what goes on stands under the text of its line, not under its mark. */
export function wrapped(text: string, width: number): string {
  return text
    .split('\n')
    .map((line) => {
      const begin = /^ *(?:[·!] |\[\d+\] )?/.exec(line)?.[0] ?? ''
      const lines = ['']
      for (const word of line.slice(begin.length).split(' ')) {
        const last = lines.at(-1) ?? ''
        if (last === '') lines[lines.length - 1] = word
        else if (begin.length + last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`
        else lines.push(word)
      }
      return lines.map((one, at) => (at === 0 ? begin : ' '.repeat(begin.length)) + one).join('\n')
    })
    .join('\n')
}

/** What is said beside the answer: fainter where a terminal can show that. */
export const aside = (text: string): void =>
  remark(process.stderr.isTTY === true && process.stderr.hasColors() ? `\u001b[2m${text}\u001b[22m` : text)

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
