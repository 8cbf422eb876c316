/** Which one change takes most away from an intruder: exact over all recorded steps. */
import { bare } from '../asking.ts'
import { thingMeant } from '../meant.ts'
import type { QuestionKind } from '../question.ts'
import { at, inferred, type Sentence, standsOn } from '../say.ts'
import { stepId } from '../../../incidents/record-field.ts'

type Points = {
  chokePoints: { change: string; on: { id: string } | null; targetsCutOff: number; pathsRemoved: number; steps: number }[]
  targetsReached: number | null
  complete: boolean
  freshness: string
}
const most = 4

export const chokePointsQuestion: QuestionKind = {
  name: 'choke-points',
  examples: ['Which single change cuts the most attack paths?', 'What are the choke points?', 'Where would one fix break most paths?'],
  asks: ({ has }) =>
    has(/choke ?points?|bottleneck/) ||
    (has(/\b(change|fix|thing|setting|step|action)s?\b/) &&
      has(
        /\b(cut|cuts|break|breaks|remove|removes|stop|stops|block|blocks|kill|kills|close|closes)\b/,
        /\b(paths?|ways?|routes?|targets?)\b/,
      ))
      ? 10
      : 0,
  answer: async (asked, asking) => {
    const { thing, problem } = asked.thing === null ? { thing: null, problem: null } : await thingMeant(asked, asking)
    if (problem !== null) return { sentences: [], unknowns: [problem] }
    const goal = ['secret', 'node', 'cluster'].filter((one) => asked.has(new RegExp(`to (?:a|the|any|some|all)? ?${one}s?\\b`)))
    const found = await asking.ask<Points>('find_attack_paths', {
      mode: 'choke_points',
      limit: most,
      cluster: asked.cluster,
      ...(thing === null ? (goal.length === 0 ? {} : { goal }) : { to: thing }),
    })
    if (!found.ok) return { sentences: [], unknowns: [found.text] }
    const { chokePoints, targetsReached, complete, freshness } = found.data
    const steps = await asking.records.stepsFixedBy(chokePoints.map(({ change }) => bare(change)))
    const sentences = chokePoints.flatMap(({ change, on, targetsCutOff, pathsRemoved }, index): Sentence[] => {
      const step = steps.find(({ fix }) => fix?.text === bare(change))
      const does = `it cuts off ${targetsCutOff} of ${targetsReached ?? 0} targets that can be reached from the internet, and removes ${pathsRemoved} of the cheapest paths`
      if (step !== undefined) return [inferred`${index + 1}. ${at('step', stepId(step), 'fix')}: ${does}.`]
      return on === null ? [] : [inferred`${index + 1}. A change of ${at('entity', on.id, 'name')}: ${does}.${[standsOn('entity', on.id)]}`]
    })
    return {
      sentences,
      unknowns: [
        sentences.length === 0
          ? 'No single change is known that cuts a path off: either no path is known, or each target can be reached in more than one way.'
          : 'This is counted over recorded configuration: what it makes possible, not what happened.',
        ...(complete ? [] : ['The search was stopped before all was counted: other changes may do as much.']),
        bare(freshness),
      ],
      links: [
        { label: 'The map', path: '/graph' },
        { label: 'What to fix first', path: '/fix-first' },
      ],
      followUps: ['What should I fix first?', 'Which attack paths lead from the internet to a secret?'],
    }
  },
}
