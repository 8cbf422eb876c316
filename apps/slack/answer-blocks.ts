/** An answer of chat as a message: sentences with links to the records they stand on, what is not known, who wrote it. Nothing of a record is read by Slack as more than text. */
import type { types } from '@slack/bolt'
import type { Answer, Turn } from '../../domain/chat.ts'
import type { AnalystStep } from '../../domain/analyst-step.ts'
import type { EvidenceRef } from '../../domain/evidence.ts'
import { checkedWords, type GroundedClaim, standingOf } from '../../domain/report.ts'
import { bounded, type Card, context, type Inline, lines, points } from '../../notify/slack/blocks.ts'
import { fallback, link, plain, prose, sentence, value, words } from '../../notify/slack/text.ts'

const mostClaims = 20
const mostUnknowns = 8
const mostSteps = 8

/** `pages`: where Falconer’s pages are; `page`: of the whole thread. */
export type Places = { pages: string; page: string }

export function turnCard(turn: Pick<Turn, 'state' | 'answer' | 'error'>, steps: readonly AnalystStep[], places: Places): Card {
  if (turn.answer !== null) return answerCard(turn.answer, places)
  if (turn.state === 'unanswered') return noticeCard(`Not answered. ${turn.error ?? ''}`)
  return workingCard(turn.state === 'waiting' ? 'It waits for the question before it…' : 'Looking it up…', steps)
}

export const noticeCard = (text: string): Card => ({ text: fallback(text), blocks: [lines([prose(text, 1_000)])] })

const stepWords: Partial<Record<AnalystStep['kind'], string>> = {
  asked: 'asked',
  refused: 'was refused',
  said: 'said',
  drafted: 'wrote',
  mended: 'mended',
  stopped: 'stopped',
}

function workingCard(title: string, steps: readonly AnalystStep[]): Card {
  const told = steps.filter(({ kind }) => kind in stepWords)
  const left = told.length - mostSteps
  const shown = told
    .slice(-mostSteps)
    .map(({ kind, tool, text }): Inline[] => [
      words(`${stepWords[kind]} `),
      ...(tool === null ? [] : [value(tool, 60, { bold: true }), words(' ')]),
      prose(text, 200),
    ])
  const blocks = shown.length === 0 ? [] : [points(left > 0 ? `${left} steps before, then` : 'So far', shown)]
  return { text: fallback(title), blocks: [lines([words(title, { italic: true })]), ...blocks] }
}

function answerCard(answer: Answer, { pages, page }: Places): Card {
  const cites = new Cites(pages)
  const claims = answer.claims.slice(0, mostClaims).map((claim): Inline[] => [...sentence(claim.text), ...doubt(claim), ...cites.of(claim)])
  const more = answer.claims.length - claims.length
  const unknowns = answer.unknowns.slice(0, mostUnknowns).map((one): Inline[] => [prose(one, 500)])
  const links = answer.links
    .slice(0, 8)
    .flatMap(({ label, path }): Inline[] => [link(`${pages}${path}`, plain(label, 80) || 'page'), words('  ')])
  const first = answer.claims[0]?.text ?? answer.unknowns[0] ?? answer.notes[0] ?? 'Nothing was found.'
  return {
    text: fallback(first.replaceAll(/[⟦⟧]/g, '"'), 300),
    blocks: bounded([
      ...(answer.partial === null ? [] : [lines([prose(answer.partial, 500)])]),
      ...(claims.length === 0 ? [] : [bullets(claims)]),
      ...(more > 0 ? [lines([words(`${more} more on `), link(page, 'the page'), words('.')])] : []),
      ...(unknowns.length === 0 ? [] : [points('What is not known', unknowns)]),
      ...(links.length === 0 ? [] : [lines(links)]),
      context(`${writer(answer)} ${checkedWords(answer.claims)}`.trim(), ...answer.notes.slice(0, 6)),
      lines([link(page, 'This thread on the page')]),
    ]),
  }
}

const bullets = (all: readonly (readonly Inline[])[]): types.RichTextBlock => ({
  type: 'rich_text',
  elements: [
    { type: 'rich_text_list', style: 'bullet', elements: all.map((elements) => ({ type: 'rich_text_section', elements: [...elements] })) },
  ],
})

/** In words that leave no doubt whether a model did. */
const writer = ({ by }: Answer): string => (by === 'rules' ? 'Written by rules, no model.' : `Written by ${by} (a model).`)

const doubt = (claim: GroundedClaim): Inline[] => (claim.grounded ? [] : [words(doubtWords[standingOf(claim)], { bold: true })])
const doubtWords = {
  confirmed: '',
  judgement: ' (judgement: nothing in it was compared with records)',
  hypothesis: ' (hypothesis: not confirmed from records)',
}

const pageOf: Partial<Record<EvidenceRef['record'], string>> = {
  alert: 'alerts',
  entity: 'cluster',
  finding: 'findings',
  incident: 'incidents',
  proposal: 'proposals',
  fix: 'fix-first',
}

/** Each record once, numbered as it is first cited. */
class Cites {
  readonly #numbers = new Map<string, number>()
  readonly #pages: string
  constructor(pages: string) {
    this.#pages = pages
  }
  of({ evidence }: GroundedClaim): Inline[] {
    const shown = new Map<number, EvidenceRef>()
    for (const ref of evidence) {
      const key = `${ref.record}/${ref.id}`
      const number = this.#numbers.get(key) ?? this.#numbers.size + 1
      this.#numbers.set(key, number)
      shown.set(number, ref)
    }
    return [...shown].slice(0, 6).flatMap(([number, ref]): Inline[] => [words(' '), this.#cite(number, ref)])
  }
  #cite(number: number, { record, id }: EvidenceRef): Inline {
    if (record === 'coverage') return link(`${this.#pages}/coverage`, `[${number}]`)
    const page = pageOf[record]
    return page === undefined ? words(`[${number}]`) : link(`${this.#pages}/${page}/${encodeURIComponent(id)}`, `[${number}]`)
  }
}
