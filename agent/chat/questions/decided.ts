/** Who decided what: approvals, rejections and undoings of proposals, and what people said of an incident. */
import { noIncident } from '../incident-said.ts'
import type { QuestionKind } from '../question.ts'
import { at, moment, observed, type Sentence } from '../say.ts'
import { sinceWhen } from '../when.ts'

const most = 8

export const decidedQuestion: QuestionKind = {
  name: 'decided',
  examples: ['Who approved what?', 'Who decided what about inc-1f9c04be2a?', 'What was approved since yesterday?'],
  asks: ({ has }) =>
    has(/\bwho\b/) &&
    has(
      /\b(approved?|rejected?|decided?|closed?|reopened|reverted|undid|allowed|signed off|responsible for|contained|isolated|executed|ran)\b/,
    )
      ? 10
      : has(/\b(what|which|was|were|has|have|is)\b/) &&
          has(/\b(approved|rejected|decided|decisions?)\b/) &&
          !has(/\b(waiting|pending|to be)\b|not (yet )?(approved|decided)/)
        ? 9
        : 0,
  answer: async ({ words, incident, incidentNamed, has }, { records, now }) => {
    const since = sinceWhen(words, now)
    const within = incidentNamed || has(/\b(this|that|here|it)\b|the incident/) ? incident : null
    // Of incidents it is told for one alone: what else was approved is no answer to who closed which.
    if (within === null && has(/\b(closed?|reopened|merged|split)\b/)) return noIncident
    const [proposals, decisions] = await Promise.all([
      records.decided({ incident: within, since: since?.at ?? null }),
      within === null ? [] : records.decisionsOf(within),
    ])
    const shown = decisions.filter((one) => since === null || one.at >= since.at).slice(0, most)
    const unnamed = shown.filter(({ by }) => by === null).length
    return {
      sentences: [
        ...proposals.slice(0, most).map(({ id, times }): Sentence => {
          const each = Array.from({ length: Math.min(times, 4) }, (_, n) => [
            n === 0 ? '' : '; ',
            at('proposal', id, `decided.${n}`),
          ]).flat()
          return observed`${at('proposal', id, 'shortId')}, ${at('proposal', id, 'action')} on ${at('proposal', id, 'kind')} ${at('proposal', id, 'target')}: ${each}; it is ${at('proposal', id, 'state')}.`
        }),
        ...shown.map(
          ({ id }) =>
            observed`${moment('decision', id, 'decidedAt')} UTC, of the incident: ${at('decision', id, 'kind')}, ${at('decision', id, 'reason')}.`,
        ),
      ],
      unknowns: [
        ...(proposals.length === 0 && shown.length === 0
          ? [`No decision of a person is recorded${within === null ? '' : ' there'}${since === null ? '' : ` since ${since.text}`}.`]
          : []),
        ...(unnamed > 0 ? ['Who decided about the incident is not told here: the audit log has it, for administrators.'] : []),
        ...(within === null
          ? ['Decisions about incidents (closed, merged, noted) are told for one incident: ask “who decided what about inc-…”.']
          : []),
      ],
      notes: [
        ...(proposals.length > most ? ['These are the newest; there are more.'] : []),
        ...shown.flatMap(({ by }, n) => (by === null ? [] : [`Decision ${n + 1} of the incident was ${by}’s.`])),
      ],
      links: [
        { label: 'Approvals', path: '/approvals' },
        ...(within === null ? [] : [{ label: 'The incident', path: `/incidents/${within}` }]),
      ],
      followUps: ['What is waiting for approval?', 'Which incidents are open?'],
    }
  },
}
