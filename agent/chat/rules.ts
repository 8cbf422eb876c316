/** The answerer without a model: finds what kind of question it is, has it answered from tools, and says that no model was asked. */
import { InvariantError } from '../../domain/errors.ts'
import type { Answerer, Draft, Question } from './answer.ts'
import { type Asked, asked as understood } from './asked.ts'
import { type Asking, askingWith } from './asking.ts'
import { continued } from './continued.ts'
import { meantBy } from './meant.ts'
import type { QuestionKind, Said } from './question.ts'
import { recordsFor } from './records.ts'
import { questionKinds } from './questions/registry.generated.ts'
import { spoken } from './say.ts'

/** What there is when nothing else fits. */
const otherwise = 'anything-else'
const longestAnswer = 24

export const rules: Answerer = async (question, desk) => {
  const hands = await desk.hands('rules')
  try {
    const records = recordsFor(desk.db, question.principal)
    const asking = askingWith(hands, { tell: desk.tell, signal: desk.signal, records, now: desk.clock.now() })
    const said = await saidTo(continued(question), asking)
    const made = await Promise.all(said.sentences.map((sentence) => spoken(sentence, desk.reader)))
    return {
      by: 'rules',
      claims: [...made, ...(said.claims ?? [])].slice(0, longestAnswer),
      unknowns: [...new Set(said.unknowns ?? [])],
      notes: [...(said.notes ?? []), noModel(desk.models === null)],
      links: [...(said.links ?? [])],
      followUps: [...(said.followUps ?? [])],
      partial: said.unsure ?? null,
      spend: null,
    } satisfies Draft
  } finally {
    await hands.close()
  }
}

async function saidTo(question: Question, asking: Asking): Promise<Said> {
  const meant = understood(question)
  const kind = kindOf(meant)
  const found = await meantBy(meant, asking)
  if ('instead' in found) return found.instead
  const said = await kind.answer(found.asked, asking)
  return found.note === null ? said : { ...said, notes: [found.note, ...(said.notes ?? [])] }
}

const noModel = (none: boolean): string =>
  none ? 'Put together by rules from records; no model was asked.' : 'Put together by rules from records.'

/** The surest; of equally sure ones the first by name. */
export function kindOf(asked: Asked): QuestionKind {
  const [best] = questionKinds.map((kind) => ({ kind, sure: kind.asks(asked) })).toSorted((a, b) => b.sure - a.sure)
  const kind = best !== undefined && best.sure > 0 ? best.kind : questionKinds.find(({ name }) => name === otherwise)
  if (kind === undefined) throw new InvariantError(`There is no kind of question called ${otherwise}.`)
  return kind
}

/** For whoever does not know what to ask: with and without an incident in mind. */
export const exampleQuestions = (about: 'incident' | 'estate'): string[] =>
  about === 'incident'
    ? ['What happened?', 'What is the root cause?', 'What is the blast radius?', 'What should I fix first?', 'Has this happened before?']
    : questionKinds
        .filter(({ name }) => shownFirst.includes(name))
        .toSorted((a, b) => shownFirst.indexOf(a.name) - shownFirst.indexOf(b.name))
        .map(({ examples: [first] }) => first)
const shownFirst = ['fix-first', 'open-incidents', 'coverage', 'waiting', 'cve-here']
