/** A turn of chat as plain text: sentences with footnotes, what is not known, where to read on. What was not confirmed is marked as a judgement or a hypothesis. */
import type { z } from 'zod'
import type { StepView, ThreadView, TurnView } from '../server/api/views/chat.ts'
import { safe } from './output.ts'
import { mark, plainSentence } from './report-text.ts'

export type TurnRow = z.infer<typeof TurnView>
export type StepRow = z.infer<typeof StepView>
export type ThreadAnswer = { thread: z.infer<typeof ThreadView>; turns: TurnRow[]; steps: StepRow[] }
type Evidence = NonNullable<TurnRow['answer']>['claims'][number]['evidence'][number]

export function answerText(turn: TurnRow, pages: string): string {
  const { answer } = turn
  if (answer === null) return `Not answered. ${safe(turn.error ?? '', 400)}`
  const cites = new Map<string, { number: number; ref: Evidence }>()
  const cited = (evidence: readonly Evidence[]): string => {
    const numbers = evidence.map((ref) => {
      const key = `${ref.record}/${ref.id}`
      const found = cites.get(key) ?? { number: cites.size + 1, ref }
      cites.set(key, found)
      return found.number
    })
    return [...new Set(numbers)].map((number) => `[${number}]`).join('')
  }
  const claims = answer.claims.map((claim) => `  · ${plainSentence(claim.text)} ${cited(claim.evidence)}${mark(claim)}`)
  const notes = answer.notes.map((note) => safe(note, 500))
  // Where there is no sentence, a note is the answer; the last of them says who wrote it.
  const notesFirst = claims.length === 0 && notes.length > 1
  // A page that a footnote leads to is not named twice.
  const led = new Set([...cites.values()].flatMap(({ ref }) => pathOf(ref) ?? []))
  const elsewhere = answer.links.filter(({ path }) => !led.has(path))
  return [
    ...(answer.partial === null ? [] : [safe(answer.partial, 500), '']),
    ...claims,
    ...(notesFirst ? notes : []),
    ...part(
      'Not known:',
      answer.unknowns.map((one) => `  · ${safe(one, 500)}`),
    ),
    ...(notesFirst ? [] : ['', ...notes]),
    ...part(
      '',
      [...cites.values()].map(({ number, ref }) => `  [${number}] ${place(ref, pages)}`),
    ),
    ...part(
      'Read on:',
      elsewhere.map(({ label, path }) => `  ${safe(label, 80)}: ${pages}${path}`),
    ),
    ...(answer.by === 'rules' ? [] : [`Written by ${safe(answer.by, 80)} (a model).`]),
    ...part(
      'You could ask:',
      answer.followUps.slice(0, 4).map((text) => `  ${safe(text, 200)}`),
    ),
  ]
    .join('\n')
    .replace(/^\n+/, '')
}

const part = (title: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : [...(title === '' ? [''] : ['', title]), ...lines]

const pageOf: Partial<Record<Evidence['record'], string>> = {
  alert: 'alerts',
  entity: 'cluster',
  finding: 'findings',
  incident: 'incidents',
  proposal: 'proposals',
  fix: 'fix-first',
}
function pathOf({ record, id }: Evidence): string | null {
  const page = pageOf[record]
  return page === undefined ? null : `/${page}/${encodeURIComponent(id)}`
}
function place(ref: Evidence, pages: string): string {
  const path = pathOf(ref)
  return path === null ? `${ref.record} ${safe(ref.id, 120)}` : `${ref.record} ${pages}${path}`
}

/** Empty: nothing that people follow. */
export function stepText({ kind, tool, text }: StepRow): string {
  // A model may ask for a tool by any name.
  const name = safe(tool ?? 'a tool', 60)
  if (kind === 'asked') return `  ${name} ${safe(text, 160)}`
  if (kind === 'refused') return `  ${name} refused: ${safe(text, 160)}`
  if (kind === 'said' || kind === 'stopped') return `  ${safe(text, 300)}`
  return ''
}
