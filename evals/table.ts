/** Scores as tables: what stands in a cell, and the table that documents hold, which a test compares with what is measured. */
import { graders } from './graders/registry.generated.ts'
import { type Count, percent, type Score } from './play.ts'

/** Not asked, held, failed; of several runs how many held. */
export const cell = ({ passed, asked }: Count): string =>
  asked === 0 ? '–' : asked === 1 ? (passed === 1 ? 'ok' : 'no') : passed === asked ? `ok ${asked}` : `${passed}/${asked}`

export const share = (count: Count): string => `${count.passed} of ${count.asked} (${percent(count)}%)`

export function rowsOf(score: Score): { head: string[]; rows: string[][] } {
  const names = graders.map(({ name }) => name)
  return {
    head: ['scenario', 'says', ...names],
    rows: [
      ...score.rows.map(({ scenario, verdicts, cells }) => [
        scenario,
        verdicts.map((verdict) => verdict.replaceAll('_', ' ')).join(', '),
        ...names.map((name) => cell(cells[name] ?? { passed: 0, asked: 0 })),
      ]),
      ['held, of those asked', '', ...names.map((name) => ofAsked(score.columns[name]))],
    ],
  }
}
const ofAsked = (count: Count | undefined): string => (count === undefined ? '' : `${count.passed}/${count.asked}`)

/** As documents hold it. */
export function markdown(score: Score): string {
  const { head, rows } = rowsOf(score)
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}
