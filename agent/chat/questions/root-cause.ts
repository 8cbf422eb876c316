/** What made an incident possible, and what to change so that it cannot happen again. */
import { citedIn, incidentHead, noIncident } from '../incident-said.ts'
import { bare } from '../asking.ts'
import type { QuestionKind } from '../question.ts'
import { at, inferred } from '../say.ts'

type Case = { rootCauses: { score: number; evidence: string[] }[]; unknowns: string[] }

export const rootCauseQuestion: QuestionKind = {
  name: 'root-cause',
  examples: ['What is the root cause of inc-1f9c04be2a?', 'How did they get in?', 'What made this possible?'],
  asks: ({ has }) =>
    has(
      /root cause|made (it|this|that) possible|how did (they|he|she|it|someone|the attacker|an attacker|this) (get|come|happen|start|begin)|why did (this|it) happen|entry point|way in\b/,
    )
      ? 9
      : 0,
  answer: async ({ incident }, asking) => {
    if (incident === null) return noIncident
    const head = await incidentHead(asking, incident)
    if (!head.ok) return { sentences: [], unknowns: [head.text] }
    const report = await asking.records.report(incident)
    const links = [{ label: 'The incident', path: `/incidents/${head.data.id}` }]
    const followUps = ['What should I fix first?', 'What is the blast radius?']
    if (report !== undefined && report.rootCause.length > 0)
      return {
        sentences: [],
        claims: [...report.rootCause.slice(0, 4), ...report.fixFirst.slice(0, 2)],
        unknowns: report.unknowns.slice(0, 3),
        notes: report.rootCauses > 4 ? [`Of ${report.rootCauses} candidates, the likeliest.`] : [],
        links,
        followUps,
      }
    const file = await asking.ask<Case>('get_case_file', { incident })
    if (!file.ok) return { sentences: [head.data.sentence], unknowns: [file.text], links }
    const causes = file.data.rootCauses.slice(0, 4).flatMap(({ score, evidence }) => {
      const [first] = evidence.flatMap((one) => citedIn(bare(one)))
      return first === undefined ? [] : [inferred`Candidate (${score} of 100): ${at(first.record, first.id, first.path ?? 'name')}.`]
    })
    return {
      sentences: [head.data.sentence, ...causes],
      unknowns: [
        ...(causes.length === 0
          ? ['I don’t know the root cause: no finding, setting or attack step that is known fits what was seen.']
          : []),
        ...file.data.unknowns.slice(0, 4).map(bare),
      ],
      links,
      followUps,
    }
  },
}
