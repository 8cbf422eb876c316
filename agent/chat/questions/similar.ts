/** Whether something like an incident happened before, and what became of it. */
import { bare } from '../asking.ts'
import { noIncident } from '../incident-said.ts'
import type { QuestionKind } from '../question.ts'
import { at, moment, observed, standsOn } from '../say.ts'

type Alike = { incident: string; similar: { id: string; state: string; likeness: number }[]; compared: number }

export const similarQuestion: QuestionKind = {
  name: 'similar',
  examples: ['Has inc-1f9c04be2a happened before?', 'Which incidents are like this one?'],
  asks: ({ has }) => (has(/similar|happened before|seen (this|it) before|(like|alike|same as) (this|it|inc)|again\b|before\?? $/) ? 9 : 0),
  answer: async ({ incident }, { ask }) => {
    if (incident === null) return noIncident
    const found = await ask<Alike>('find_similar_incidents', { incident, limit: 4 })
    if (!found.ok) return { sentences: [], unknowns: [found.text] }
    const { similar, compared } = found.data
    return {
      sentences: similar.map(
        ({ id, likeness }) =>
          observed`${at('incident', id, 'shortId')}, alike by ${likeness} of 100, ${at('incident', id, 'state')}: ${at('incident', id, 'title')}, begun ${moment('incident', id, 'firstTime')} UTC.${[standsOn('incident', bare(found.data.incident))]}`,
      ),
      unknowns: [
        similar.length === 0
          ? `Of the ${compared} newest other incidents, none shares a rule, technique, place or process with it.`
          : 'Alike is not related: only what is in one incident belongs together.',
      ],
      links: similar.slice(0, 3).map(({ id }, index) => ({ label: `Incident ${index + 1}`, path: `/incidents/${id}` })),
      followUps: ['What is the root cause?'],
    }
  },
}
